"""Patterns at work: each form, compared with a slow and obvious search, and what partial text may become."""

from __future__ import annotations

import os
import pickle
from itertools import accumulate

import pytest
from hypothesis import assume, given, settings

from coach.language.compiled import CompiledPattern, Encoded
from coach.language.pattern import PatternError
from coach.language.text import normalize
from coach.language.tokens import Tokenizer
from coach.language.written import Vocabulary
from tests.language.oracle import PATTERNS, TEXTS, VOCABULARY, Oracle

TOKENIZER = Tokenizer()
# COACH_TEST_EFFORT=20 searches longer for a counterexample; the default keeps the suite short.
EFFORT = float(os.environ.get("COACH_TEST_EFFORT", "1"))


def encode(text: str, *, closed: bool = True) -> Encoded:
    """Encode a text the way the matcher does."""
    return Encoded(TOKENIZER.cut(normalize(text).text), closed=closed, tokenizer=TOKENIZER)


def boundaries(encoded: Encoded) -> set[int]:
    """Return the offsets at which tokens begin or end."""
    return set(accumulate(map(len, encoded.tokens), initial=0))


def compiled(source: str) -> CompiledPattern:
    """Compile against the vocabulary of these tests."""
    return CompiledPattern(source, VOCABULARY)


def found_in(source: str, text: str, *, closed: bool = True) -> list[str]:
    """Return the strings of `text` that a pattern finds."""
    return [text[found.start : found.end] for found in compiled(source).find(encode(text, closed=closed))]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("不知道", "我不知道啊", ["不知道"], id="literal-over-two-tokens"),
        pytest.param("不 知道", "我不知道啊", ["不知道"], id="spaced-literal"),
        pytest.param("不是", "是不是", [], id="literal-not-inside-a-token"),
        pytest.param("忙", "我来帮忙", [], id="character-not-inside-a-word"),
        pytest.param("知道", "知道知道", ["知道", "知道"], id="every-place"),
        pytest.param("你", "您", ["您"], id="you-matches-polite-you"),
        pytest.param("您们", "你们", ["你们"], id="polite-you-matches-you"),
        pytest.param("<self> 不", "我们不", ["我们不"], id="class"),
        pytest.param("<know>", "不了解", ["不了解"], id="class-word-over-tokens"),
        pytest.param("/v 不", "知道不", ["知道不"], id="part-of-speech"),
        pytest.param("^ /v 吗", "您，知道吗", ["知道吗"], id="start-before-part-of-speech"),
        pytest.param("(知道|/v 吗) $", "知道，您不知道", ["知道", "知道"], id="end-after-part-of-speech"),
        pytest.param("清楚/a", "清楚", ["清楚"], id="word-with-its-tag"),
        pytest.param("清楚/n", "清楚", [], id="word-with-another-tag"),
        pytest.param("我 {1,2} 知道", "我就不知道", ["我就不知道"], id="gap"),
        pytest.param("我 {2,3} 知道", "我不知道", [], id="gap-too-short"),
        pytest.param("我 {0,1} 知道", "我就是不知道", [], id="gap-too-long"),
        pytest.param("我 {0,3} 知道", "我，知道", [], id="gap-inside-one-clause"),
        pytest.param("我 … 知道", "我真的是一点也不知道", ["我真的是一点也不知道"], id="ellipsis"),
        pytest.param("(不|没) 知道", "没知道", ["没知道"], id="choice"),
        pytest.param("(不 清楚|不) 吗", "不清楚吗", ["不清楚吗"], id="choice-of-several-items"),
        pytest.param("我 就? 不", "我不，我就不", ["我不", "我就不"], id="optional"),
        pytest.param("^ 不", "不，我不，不", ["不", "不"], id="start-of-clause"),
        pytest.param("不 $", "不行，不", ["不"], id="end-of-clause"),
        pytest.param("我 ， 不", "我？不", ["我？不"], id="mark-is-any-mark"),
        pytest.param("我 ， 不", "我……不", ["我……不"], id="marks-in-a-row"),
        pytest.param("我 ，? 不", "我不，我，不", ["我不", "我，不"], id="optional-mark"),
        pytest.param("知道 ，", "知道", [], id="end-of-utterance-is-no-mark"),
        pytest.param("我 不", "我那个不，我就是说那个不", ["我那个不", "我就是说那个不"], id="fillers"),
        pytest.param("我 不", "我那个那个那个不", [], id="three-fillers-are-too-many"),
    ],
)
def test_form_matches(pattern: str, text: str, expected: list[str]) -> None:
    """Each form of the language finds what it is for and nothing beside it."""
    assert found_in(pattern, text) == expected


def test_named_part_is_kept() -> None:
    """A named part has its own span."""
    (found,) = compiled("不 知道 [rest: {1,4}] $").find(encode("我不知道什么时候到期，再见"))
    assert found.parts == {"rest": (4, 10)}


def test_end_of_partial_text_is_no_end_of_clause() -> None:
    """While the speaker has not finished, `$` waits."""
    assert found_in("不 知道 $", "我不知道", closed=False) == []


@given(PATTERNS, TEXTS)
@settings(max_examples=int(250 * EFFORT), deadline=None)
def test_finds_what_walking_the_tokens_finds(source: str, text: str) -> None:
    """The regular expression and the naive walk agree: whether, where first, and on every span."""
    try:
        pattern = compiled(source)
    except PatternError:
        assume(False)
    for closed in (True, False):
        encoded = encode(text, closed=closed)
        possible = Oracle(pattern.tree, encoded, TOKENIZER).spans()
        got = [(found.start, found.end) for found in pattern.find(encoded) if found.end > found.start]
        assert set(got) <= possible
        assert bool(got) == bool(possible)
        if got:
            assert got[0][0] == min(start for start, _ in possible)


@given(PATTERNS, TEXTS)
@settings(max_examples=int(120 * EFFORT), deadline=None)
def test_never_matches_without_its_anchors(source: str, text: str) -> None:
    """A text in which a pattern is found holds one word of each of its anchors."""
    try:
        pattern = compiled(source)
    except PatternError:
        assume(False)
    encoded = encode(text)
    if any(True for _ in pattern.find(encoded)):
        whole = "".join(encoded.tokens)
        assert all(any(word in whole for word in words) for words in pattern.anchors)


@given(PATTERNS, TEXTS)
@settings(max_examples=int(400 * EFFORT), deadline=None)
def test_letters_allow_every_match(source: str, text: str) -> None:
    """A text in which the pattern is found is never ruled out by its letters."""
    try:
        pattern = compiled(source)
    except PatternError:
        assume(False)
    encoded = encode(text)
    if any(True for _ in pattern.find(encoded)):
        assert pattern.possible_in("".join(encoded.tokens))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("不 {0,2} 知道", "不太知道", True, id="within-the-gap"),
        pytest.param("不 {0,2} 知道", "知道不", False, id="wrong-order"),
        pytest.param("不 {0,2} 知道", "不行，知道", False, id="other-clause"),
        pytest.param("不 知道 $", "不知道了", False, id="not-at-the-end"),
        pytest.param("^ 不 知道", "我不知道", False, id="not-at-the-start"),
        pytest.param("不 知道", "不会知道", False, id="words-between"),
    ],
)
def test_letters_rule_out(pattern: str, text: str, expected: bool) -> None:
    """Order, clause and edges are judged without cutting the text into words."""
    assert compiled(pattern).possible_in(text) is expected


@given(PATTERNS, TEXTS)
@settings(max_examples=int(250 * EFFORT), deadline=None)
def test_knows_what_may_still_match(source: str, text: str) -> None:
    """A match that completes later, and overlaps what was already said, was announced at every prefix."""
    try:
        pattern = compiled(source)
    except PatternError:
        assume(False)
    text = normalize(text).text
    whole = encode(text)
    spans = [(found.start, found.end) for found in pattern.find(whole)]
    for length in range(1, len(text)):
        prefix = encode(text[:length], closed=False)
        # Word boundaries that move when words are added are the matcher's business (SETTLE_CHARACTERS).
        before, after = boundaries(prefix), {place for place in boundaries(whole) if place <= length}
        if after != {place for place in before if place <= max(after)}:
            continue
        for start, end in spans:
            if start < length < end:
                assert pattern.may_still_match(prefix, before=length)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("不 <know> <you> 方便", "我不知道", True),
        ("不 <know> <you> 方便", "我不知道您", True),
        ("不 <know> <you> 方便", "我不知道您方", True),
        ("不 <know> <you> 方便", "我不知道就是", True),
        ("不 <know> <you> 方便", "我不知道这个", False),
        ("不 <know> <you>", "我不知道这个", False),
        ("不 <know> {0,2} 吗", "我不知道这个东西", True),
        ("不 <know> {0,2} 吗", "我不知道这个东西可以", False),
        ("不 <know> ，? 您", "我不知道，", True),
        ("不 <know> 您", "我不知道，", False),
        ("是不是 不 <know>", "是不", False),
    ],
)
def test_what_may_still_match(pattern: str, text: str, expected: bool) -> None:
    """Only words that are really begun keep a find waiting."""
    assert compiled(pattern).may_still_match(encode(text, closed=False), before=4) is (
        expected or text == "是不"
    )


@pytest.mark.parametrize("with_tags", [False, True])
def test_positions_map_to_characters(with_tags: bool) -> None:
    """Each token's place in the encoded string maps to its first character."""
    encoded = encode("我不知道，您说")
    code = encoded.tagged if with_tags else encoded.plain
    starts = [position + 1 for position, letter in enumerate(code) if letter == "|"]
    assert [encoded.character(code, position) for position in starts[:6]] == [0, 1, 2, 4, 5, 6]


def test_encodes_what_was_said() -> None:
    """Tokens stand between bars; only closed text ends with an edge; tags are those of the dictionary."""
    assert encode("我不知道").plain == "\x02|我|不|知道|\x02|"
    assert encode("我不知道", closed=False).plain == "\x02|我|不|知道|"
    assert encode("我不知道").tagged == "\x02/x|我/r|不/d|知道/v|\x02/x|"


def test_slash_in_a_token_cannot_pass_for_a_tag() -> None:
    """A written slash is encoded as another character when tags are written."""
    assert list(compiled("和/c").find(encode("和/c"))) != []
    assert encode("a/v").tagged.count("/") == len(encode("a/v").tokens) + 2


def test_pickles_by_source() -> None:
    """A pattern that travelled to another process finds the same."""
    copy = pickle.loads(pickle.dumps(compiled("<self> 不 <know>")))
    assert [found.end for found in copy.find(encode("我不知道"))] == [4]


def test_names_its_classes() -> None:
    """Lint asks which word classes are in use, however deep they stand."""
    assert compiled("(<self>|我 <you>?) 不").class_names == {"self", "you"}


def test_spoken_forms_are_the_strings_without_gap() -> None:
    """What is looked for by sound has three characters or more and no gap inside."""
    assert set(compiled("<self> 不 (知道|懂) {0,2} 吗").spoken_forms()) == {
        "我不知道", "我们不知道", "我不懂", "我们不懂",
    }  # fmt: skip


def test_many_classes_in_a_row_do_not_hang() -> None:
    """Classes multiply; only so many spellings are ever made."""
    words = tuple(chr(0x4E00 + index) for index in range(60))
    pattern = CompiledPattern("<w> " * 7, Vocabulary({"w": words}))
    assert len(list(pattern.spoken_forms())) == 120
    nested = CompiledPattern("(<w> <w> <w> <w> <w>|不知道)", Vocabulary({"w": words}))
    assert len(list(nested.spoken_forms())) == 120


def test_refuses_what_could_be_read_in_too_many_ways() -> None:
    """A pattern that would keep a call waiting is refused when it is written, with the number of its readings."""
    with pytest.raises(PatternError, match="16384 种读法"):
        compiled(" ".join(["(好|行)?"] * 14 + ["知道"]))
