"""Searching with many rules: random rule books and texts against searching everything the slow way."""

from __future__ import annotations

import os
import pickle
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coach.language.compiled import CompiledPattern, Encoded
from coach.language.pattern import PatternError
from coach.language.text import normalize, well_formed
from coach.language.tokens import Tokenizer
from coach.rulebook.excepted import Excepted, ExceptionIndex
from coach.rulebook.matcher import SETTLE_CHARACTERS, Matcher
from coach.rulebook.rules import Modifier, Rule, RuleException, SentenceType
from tests.language.oracle import PATTERNS, TEXTS, VOCABULARY, Oracle

if TYPE_CHECKING:
    from coach.rulebook.trace import Findings

TOKENIZER = Tokenizer()
# COACH_TEST_EFFORT=20 searches longer for a counterexample; the default keeps the suite short.
EFFORT = float(os.environ.get("COACH_TEST_EFFORT", "1"))


@cache
def compiled(source: str) -> CompiledPattern | None:
    """Compile a random pattern; None when an author would be told that it makes no sense."""
    try:
        return CompiledPattern(source, VOCABULARY)
    except PatternError:
        return None


def pattern(source: str) -> CompiledPattern:
    """Compile a pattern that is known to be good."""
    made = compiled(source)
    assert made is not None
    return made


def make_rule(
    *patterns: str,
    id: str = "ignorance/a",  # noqa: A002 - the name of the key
    severity: str = "warning",
    sentence: SentenceType | None = None,
    exceptions: tuple[str, ...] = (),
) -> Rule:
    """Make a rule of nothing but its patterns."""
    return Rule(
        id=id,
        category=id.split("/", maxsplit=1)[0],
        title="题目",
        severity=severity,
        status="stable",
        speaker="agent",
        phases=None,
        sentence=sentence,
        patterns=tuple(pattern(source) for source in patterns),
        exceptions=tuple(RuleException(pattern(source), f"因为 {source}") for source in exceptions),
        suggest=(),
        explain="",
        source="",
        hits=(),
        misses=(),
        todo=(),
        file="rules/ignorance.yml",
    )


def make_modifier(source: str, **changed: object) -> Modifier:
    """Make a modifier that cancels whatever it stands beside."""
    fields = {
        "effect": "cancel",
        "where": "anywhere",
        "within": None,
        "same_clause": False,
        "categories": None,
    }
    return Modifier(
        name="m", because="缘由", patterns=(pattern(source),), exceptions=(), **{**fields, **changed}
    )


def find(text: str, *rules: Rule, modifier: Modifier | None = None, closed: bool = True) -> Findings:
    """Search one text with a handful of rules."""
    matcher = Matcher(rules, modifiers=[modifier] if modifier else [], tokenizer=TOKENIZER)
    return matcher.find(text, closed=closed)


GOOD = PATTERNS.filter(lambda source: compiled(source) is not None)
RULES = st.lists(
    st.builds(
        lambda number, patterns, exceptions: make_rule(
            *patterns, id=f"ignorance/r{number}", exceptions=tuple(exceptions)
        ),
        st.integers(0, 9),
        st.lists(GOOD, min_size=1, max_size=3),
        st.lists(GOOD, max_size=1),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda rule: rule.id,
)
DIRT = st.sampled_from(
    ["嗯", " ", "“", "ＡＢ", "知 道", "瞭解", "我我", "\u200b", "\ud800", "😀", "|", "…", "?", ".", "部知道"]
)
DIRTY = st.lists(st.one_of(TEXTS, DIRT), min_size=1, max_size=5).map("".join)


@given(RULES, DIRTY, st.booleans(), GOOD)
@settings(max_examples=int(60 * EFFORT), deadline=None)
def test_prefilter_loses_nothing(rules: list[Rule], text: str, closed: bool, offer: str) -> None:
    """With and without the prefilter the traces are the same, stopped ones included."""
    matcher = Matcher(rules, modifiers=[make_modifier(offer)], tokenizer=TOKENIZER)
    quick = matcher.find(text, closed=closed)
    thorough = matcher.find(text, closed=closed, prefilter=False)
    assert quick.traces == thorough.traces


@given(RULES, DIRTY, st.booleans())
@settings(max_examples=int(30 * EFFORT), deadline=None)
def test_quiet_text_has_no_traces(rules: list[Rule], text: str, closed: bool) -> None:
    """What the cheapest question answers with "nothing here" holds nothing."""
    matcher = Matcher(rules, modifiers=[], tokenizer=TOKENIZER)
    if matcher.quiet(text, closed=closed):
        assert matcher.find(text, closed=closed, prefilter=False).traces == ()


@given(RULES, TEXTS)
@settings(max_examples=int(40 * EFFORT), deadline=None)
def test_agrees_with_tokenizing_everything(rules: list[Rule], text: str) -> None:
    """A rule hits where walking all tokens finds one of its patterns and no overlapping exception."""
    clean = normalize(text).text
    assume(clean == text)
    encoded = Encoded(TOKENIZER.cut(clean), closed=True, tokenizer=TOKENIZER)
    hits = {trace.rule.id for trace in find_all(rules, text).traces if trace.is_hit and not trace.by_sound}
    for rule in rules:
        possible = {span for each in rule.patterns for span in Oracle(each.tree, encoded, TOKENIZER).spans()}
        refuted = {
            span for each in rule.exceptions for span in Oracle(each.pattern.tree, encoded, TOKENIZER).spans()
        }
        if not refuted:
            assert (rule.id in hits) is bool(possible)
        elif rule.id in hits:
            assert possible


def find_all(rules: list[Rule], text: str) -> Findings:
    """Search without looking for misheard words."""
    return Matcher(rules, modifiers=[], tokenizer=TOKENIZER, sound=False).find(text)


@given(RULES, DIRTY, st.booleans())
@settings(max_examples=int(40 * EFFORT), deadline=None)
def test_every_trace_is_a_slice_of_the_original(rules: list[Rule], text: str, closed: bool) -> None:
    """Offsets lie inside the text that came in, and normalised again give what was matched."""
    for trace in Matcher(rules, modifiers=[], tokenizer=TOKENIZER).find(text, closed=closed).traces:
        assert 0 <= trace.start < trace.end <= len(text)
        for part in trace.parts.values():
            assert part in well_formed(text)


@given(RULES, TEXTS)
@settings(max_examples=int(30 * EFFORT), deadline=None)
def test_hits_of_one_rule_do_not_overlap(rules: list[Rule], text: str) -> None:
    """Overlapping finds of a rule are one, sorted by where they start."""
    traces = find_all(rules, text).traces
    assert [trace.start for trace in traces] == sorted(trace.start for trace in traces)
    for rule in rules:
        own = [trace for trace in traces if trace.rule.id == rule.id]
        assert all(one.end <= other.start for one, other in pairwise(own))


@given(st.lists(GOOD, min_size=1, max_size=2), GOOD, TEXTS)
@settings(max_examples=int(80 * EFFORT), deadline=None)
def test_settled_hit_is_not_undone(patterns: list[str], exception: str, text: str) -> None:
    """Once a hit in partial text is settled, no longer text has an exception over it.

    Texts whose words are cut otherwise when more words follow are the known remainder.
    """
    rule = make_rule(*patterns, exceptions=(exception,))
    text = normalize(text).text
    matcher = Matcher([rule], modifiers=[], tokenizer=TOKENIZER, sound=False)
    whole = matcher.find(text).traces
    ends = boundaries(text)
    for length in range(1, len(text)):
        if not boundaries(text[:length]) - {length} <= ends:
            continue
        for trace in matcher.find(text[:length], closed=False).traces:
            if trace.is_hit and trace.settled:
                undone = [
                    other
                    for other in whole
                    if other.stopped_by
                    and (other.start, other.pattern) == (trace.start, trace.pattern)
                    and other.end == trace.end
                ]
                assert undone == []


def boundaries(text: str) -> set[int]:
    """Return the offsets between the words of a text."""
    ends, at = set(), 0
    for token in TOKENIZER.cut(text):
        at += len(token)
        ends.add(at)
    return ends


def test_longest_find_of_a_rule_wins() -> None:
    """Two patterns of one rule over the same words are one hit, the longer."""
    (trace,) = find("我不知道", make_rule("不 知道", "我 不 知道")).traces
    assert (trace.start, trace.end, trace.pattern) == (0, 4, "我 不 知道")


def test_hits_of_different_rules_may_overlap() -> None:
    """Each rule answers for itself."""
    traces = find("我不知道", make_rule("不 知道"), make_rule("我 不", id="refusal/b")).traces
    assert [(trace.rule.id, trace.start, trace.end) for trace in traces] == [
        ("refusal/b", 0, 2),
        ("ignorance/a", 1, 4),
    ]


def test_exception_drops_what_it_overlaps_and_says_why() -> None:
    """Only the hit that the exception touches is stopped."""
    rule = make_rule("不 知道", exceptions=("不 知道 您",))
    one, other = find("不知道您，不知道", rule).traces
    assert (one.is_hit, one.stopped_by, one.stopped) == (False, "exception", "因为 不 知道 您")
    assert other.is_hit


@pytest.mark.parametrize(
    ("text", "hit"),
    [("难道不知道", True), ("难道吗，不知道", False), ("不知道", False), ("难道您不知道", False)],
)
def test_sentence_type_must_cover_the_clause(text: str, hit: bool) -> None:
    """A sentence type is a matter of the clause in which the hit stands, exceptions included."""
    rhetorical = SentenceType("rhetorical", (pattern("难道"),), (RuleException(pattern("难道 您"), "问"),))
    (trace,) = find(text, make_rule("不 知道", sentence=rhetorical)).traces
    assert trace.is_hit is hit
    assert trace.stopped_by == ("" if hit else "sentence")


@pytest.mark.parametrize(
    ("changed", "text", "hit"),
    [
        ({}, "可以，不知道", False),
        ({}, "不知道，可以", False),
        ({"where": "before"}, "可以，不知道", False),
        ({"where": "before"}, "不知道，可以", True),
        ({"where": "after"}, "可以，不知道", True),
        ({"where": "after"}, "不知道，可以", False),
        ({"within": 1}, "可以，不知道", False),
        ({"within": 0}, "可以，不知道", True),
        ({"same_clause": True}, "可以，不知道", True),
        ({"same_clause": True}, "可以不知道", False),
        ({"categories": frozenset({"refusal"})}, "可以不知道", True),
        ({"categories": frozenset({"ignorance"})}, "可以不知道", False),
    ],
)
def test_modifier_acts_where_it_says(changed: dict[str, object], text: str, hit: bool) -> None:
    """Side, distance, clause and category decide whether a modifier cancels."""
    (trace,) = find(text, make_rule("不 知道"), modifier=make_modifier("可以", **changed)).traces
    assert trace.is_hit is hit
    assert (trace.stopped, trace.modifiers) == (("", ()) if hit else ("缘由", ("m",)))


@pytest.mark.parametrize(
    ("before", "after"), [("violation", "warning"), ("warning", "notice"), ("notice", None)]
)
def test_softening_takes_one_step(before: str, after: str | None) -> None:
    """A softened notice is no hit."""
    rule = make_rule("不 知道", severity=before)
    (trace,) = find("可以不知道", rule, modifier=make_modifier("可以", effect="soften")).traces
    assert (trace.severity, trace.is_hit) == (after, after is not None)


def test_hit_by_sound_is_never_a_violation() -> None:
    """What was only heard alike is no ground for telling a supervisor."""
    (trace,) = find("我部知道", make_rule("我 不知道", severity="violation")).traces
    assert (trace.by_sound, trace.severity, trace.start, trace.end) == (True, "warning", 0, 4)


def test_written_hit_goes_before_one_by_sound() -> None:
    """Where the words stand as written, sound adds nothing."""
    assert [trace.by_sound for trace in find("不知道", make_rule("不知道")).traces] == [False]


def test_findings_say_what_was_seen() -> None:
    """Tokens are there when the text was searched, and only then."""
    rule = make_rule("不 知道")
    assert find("我不知道", rule).tokens == ("我", "不", "知道")
    assert find("您好", rule).tokens == ()


def test_no_rules_find_nothing() -> None:
    """An empty matcher is quiet."""
    matcher = Matcher([], modifiers=[], tokenizer=TOKENIZER)
    assert matcher.quiet("我不知道")
    assert matcher.find("我不知道").traces == ()


def test_pickled_matcher_finds_the_same() -> None:
    """Indexes are rebuilt on the other side."""
    matcher = Matcher([make_rule("不 知道")], modifiers=[make_modifier("可以")], tokenizer=TOKENIZER)
    copy = pickle.loads(pickle.dumps(matcher))
    for text in ("不知道", "可以不知道", "您好"):
        seen = [[(t.start, t.end, t.stopped_by) for t in m.find(text).traces] for m in (matcher, copy)]
        assert seen[0] == seen[1]


@settings(max_examples=int(600 * EFFORT), deadline=None)
@given(sources=st.lists(PATTERNS, min_size=1, max_size=4), text=TEXTS, data=st.data())
def test_looking_exceptions_up_loses_none(sources: list[str], text: str, data: st.DataObject) -> None:
    """By the words they need, and by the words they begin with: as when each is tried."""
    exceptions = [RuleException(made, "例外") for source in sources if (made := compiled(source))]
    assume(exceptions)
    index = ExceptionIndex({"rude/one": exceptions, "rude/two": exceptions[:1]})
    normal = normalize(well_formed(text)).text
    tokens = TOKENIZER.cut(normal)
    closed = Encoded(tokens, closed=True, tokenizer=TOKENIZER)
    standing = [each for each in exceptions if list(each.pattern.find(closed))]
    possible = index.possible(normal)
    assert [each for each in possible.get("rude/one", []) if list(each.pattern.find(closed))] == standing
    assert [each for each in possible.get("rude/two", []) if list(each.pattern.find(closed))] == [
        each for each in standing if each is exceptions[0]
    ]
    partial = Encoded(tokens, closed=False, tokenizer=TOKENIZER)
    # Finds nearer to the end wait anyway.
    before = data.draw(st.integers(0, max(0, len(normal) - SETTLE_CHARACTERS)))
    for owner, own in (("rude/one", exceptions), ("rude/two", exceptions[:1]), ("rude/three", [])):
        assert Excepted(index, partial).may_come(owner, before=before) == any(
            each.pattern.may_still_match(partial, before=before) for each in own
        )


def test_warm_makes_the_indexes_of_exceptions(monkeypatch):
    """No call waits for one: after `warm` no index is made any more."""
    rule = make_rule("我 不 知道", exceptions=("我 不 知道 {0,3} 吗",))
    matcher = Matcher([rule], modifiers=(), tokenizer=TOKENIZER, sound=False)
    matcher.warm()

    def refuse(words):
        raise AssertionError(words)

    monkeypatch.setattr("coach.language.prefilter.automaton", refuse)
    monkeypatch.setattr("coach.rulebook.excepted.automaton", refuse)
    monkeypatch.setattr("coach.rulebook.modified.ModifierIndex.possible", lambda *_: [])
    (trace,) = matcher.find("我不知道你说", closed=False).traces
    assert trace.settled is False


def test_compiled_ahead_is_all_that_a_search_needs(monkeypatch):
    """Nothing is compiled in the middle of a call any more, neither for finds nor for what may stop them."""
    rule = make_rule("我 不 知道", exceptions=("我 不 知道 {0,3} 吗",))
    matcher = Matcher([rule], modifiers=(), tokenizer=TOKENIZER, sound=False)
    for _ in matcher.compile():
        pass

    def refuse(pattern, flags=0):
        raise AssertionError(pattern)

    monkeypatch.setattr("re.compile", refuse)
    assert [trace.settled for trace in matcher.find("我不知道，这个", closed=False).traces] == [True]
