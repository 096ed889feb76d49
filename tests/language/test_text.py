"""Normalising: each step, and the way back to the original characters."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coach.language.text import (
    CLAUSE_MARKS,
    _trace,
    disturbing_pieces,
    normalize,
    normalize_literal,
    normalize_marks,
    well_formed,
)

# Any code point, lone surrogates included, with those that normalising acts upon made frequent.
ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from(
            "我你他这那不就嗯呃唔著着甚么麼係該知，。？！；,.:… \t\n“”()ａＢ①㎏ﷺ‥⒈e\u0301\u200b\u202e\ud83d"
        ),
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Zs", "Po"]),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("我不知道", "我不知道", id="plain-stays"),
        pytest.param("這個問題我們不瞭解", "这个问题我们不了解", id="traditional"),
        pytest.param("妳說", "你说", id="female-you"),
        pytest.param("您說", "您说", id="polite-you-stays"),
        pytest.param("裏", "里", id="compatibility-of-traditional"),
        pytest.param("\uf900", "岂", id="compatibility-block"),
        pytest.param("聽著", "听着", id="zhe"),
        pytest.param("顯著", "显著", id="zhu-stays"),
        pytest.param("著名的原著", "著名的原著", id="zhu-in-words"),
        pytest.param("甚麼", "什么", id="shenme"),
        pytest.param("甚至", "甚至", id="shen-stays"),
        pytest.param("ＡＰＰ１２", "app12", id="full-width"),
        pytest.param("APP", "app", id="case"),
        pytest.param("嗯我呃不哎知道欸", "我不知道", id="hesitations"),
        pytest.param("额度", "额度", id="e-of-quota-stays"),
        pytest.param("我我我不知道", "我不知道", id="stutter"),
        pytest.param("我嗯我不知道", "我不知道", id="stutter-around-hesitation"),
        pytest.param("您看看谢谢", "您看看谢谢", id="reduplication-stays"),
        pytest.param("唔我想想", "我想想", id="hesitating-m"),
        pytest.param("我唔知", "我唔知", id="cantonese-negation-stays"),
        pytest.param("我唔係好清楚", "我唔系好清楚", id="cantonese-negation-in-traditional"),
        pytest.param("我 不 知道", "我不知道", id="spaces-between-han"),
        pytest.param("iPhone 15 pro", "iphone 15 pro", id="spaces-between-latin-stay"),
        pytest.param("我\u3000不\u2003知\u00a0道", "我不知道", id="every-kind-of-space"),
        pytest.param("我\u200b不\u00ad知\u202e道\ufeff", "我不知道", id="invisible"),
        pytest.param("您说“不行”【】（对）", "您说不行对", id="quotes-and-brackets"),
        pytest.param("好,不行.走", "好，不行。走", id="ascii-marks"),
        pytest.param("对、好：嗯…走~吧", "对，好，，走，吧", id="marks-of-every-kind"),
        pytest.param("行吗?快!好;", "行吗？快！好；", id="ascii-ends"),
        pytest.param("一行\n二行", "一行。二行", id="line-break-ends-a-clause"),
        pytest.param("1,200.50元", "1200.50元", id="numbers-keep-their-point"),
        pytest.param("a|b", "a，b", id="bar-cannot-break-the-encoding"),
        pytest.param("a\ud800b", "a\ufffdb", id="lone-surrogate"),
        pytest.param("😀不知道", "😀不知道", id="emoji-stays"),
        pytest.param("", "", id="empty"),
    ],
)
def test_normalizes(written: str, expected: str) -> None:
    """Each step does what it is for, and spares what only looks like it."""
    assert normalize(written).text == expected


@pytest.mark.parametrize(
    ("written", "word", "original"),
    [
        ("這個我嗯不 知道啊", "我不知道", "我嗯不 知道"),
        ("我我我不知道", "我不知道", "我不知道"),
        ("“我不知道”", "我不知道", "我不知道"),
        ("㎏我不知道", "我不知道", "我不知道"),
        ("😀我\u200b不知道😀", "我不知道", "我\u200b不知道"),
        ("1,000我不知道", "我不知道", "我不知道"),
    ],
)
def test_maps_back_to_the_original(written: str, word: str, original: str) -> None:
    """A span of the normalised text maps to the characters that were written."""
    normalized = normalize(written)
    start = normalized.text.index(word)
    left, right = normalized.span(start, start + len(word))
    assert written[left:right] == original


def test_one_character_may_become_several() -> None:
    """Every letter of an expanded character maps back to that one character."""
    normalized = normalize("重㎏的")
    assert normalized.text == "重kg的"
    assert [normalized.span(index, index + 1) for index in range(4)] == [(0, 1), (1, 2), (1, 2), (2, 3)]


@given(ANY_TEXT)
@example("a‥1")
@example("x¨y")
@example("薴")
@settings(max_examples=400, deadline=None)
def test_is_idempotent(written: str) -> None:
    """Normalising what is normalised changes nothing."""
    once = normalize(written).text
    assert normalize(once).text == once


def test_every_character_is_normalized_in_one_step() -> None:
    """No single character of the planes in use needs a second pass."""
    once = {chr(code): normalize(chr(code)).text for code in range(0x30000)}
    changed = {text for character, text in once.items() if text != character}
    assert [text for text in changed if normalize(text).text != text] == []


@given(ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_offsets_always_map_into_the_original(written: str) -> None:
    """Every span lies inside the original, and spans follow one another as the letters do."""
    normalized = normalize(written)
    spans = [normalized.span(index, index + 1) for index in range(len(normalized.text))]
    assert all(0 <= start < end <= len(written) for start, end in spans)
    assert spans == sorted(spans)


@given(ANY_TEXT)
@example("唔\u200b知")
@example("a,.b, c")
@settings(max_examples=500)
def test_copying_stretches_and_letters_gives_the_same(written: str) -> None:
    """The quick copy and the one that keeps the offsets hold the same characters."""
    assert normalize(written).text == _trace(written)[0]


@given(st.text(st.one_of(st.characters(), st.sampled_from("我不知道，。？?:…")), max_size=25))
@settings(max_examples=300, deadline=None)
def test_undisturbed_text_needs_its_marks_normalized_only(written: str) -> None:
    """Without a disturbing piece the cheap way gives what the thorough one gives."""
    well = well_formed(written)
    if not any(piece in well for piece in disturbing_pieces()):
        assert normalize_marks(well) == normalize(well).text


def test_marks_are_normalized_in_place() -> None:
    """The cheap way keeps every offset."""
    assert normalize_marks("对、不行?走") == "对，不行？走"


def test_well_formed_text_has_the_same_length() -> None:
    """Surrogates are replaced one by one, even where two of them would make a character."""
    assert well_formed("a\ud83d\ude00b\ud800") == "a\ufffd\ufffdb\ufffd"


def test_literals_are_normalized_like_text() -> None:
    """A word of a rule file written in Traditional or full width meets the text half way."""
    assert normalize_literal("瞭解ＡＰＰ") == "了解app"


def test_clause_marks_survive() -> None:
    """The five marks that end a clause are their own normal form."""
    assert normalize(CLAUSE_MARKS).text == CLAUSE_MARKS
