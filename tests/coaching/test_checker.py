"""Text to hits: what an agent would be shown, and what not."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.coaching.checker import Checker

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook
    from coach.rulebook.matcher import Matcher

WORDS = [
    *[
        "我",
        "我们",
        "您",
        "不",
        "不知道",
        "不清楚",
        "知道",
        "方便",
        "吗",
        "您的",
        "应该",
        "可以",
        "可能",
        "会",
        "绝对",
        "不行",
    ],
    "我帮您查",
    "您说",
    "抱歉",
    "部知道",
    "单号",
]
TEXTS = st.lists(st.one_of(st.sampled_from([*WORDS, *"，。？嗯"]), st.characters()), max_size=14).map("".join)


@pytest.fixture(scope="session")
def stable(book: Rulebook) -> Matcher:
    """Return a matcher of the rules that agents are shown."""
    return book.matcher(statuses=("stable",))


def test_hit_says_everything_a_card_needs(checker: Checker) -> None:
    """A hit has rule, place, text, reason and the digest of the rule set."""
    (hit,) = checker.check("这个我不知道啊")
    assert (hit.rule, hit.category, hit.severity) == ("ignorance/bare", "ignorance", "warning")
    assert (hit.start, hit.end, hit.text) == (2, 6, "我不知道")
    assert (hit.settled, hit.by_sound, hit.digest) == (True, False, checker.digest)
    assert hit.suggest == ("ignorance/find-out", "ignorance/check-now")
    assert hit.why == "先接住，再说下一步。"


def test_offsets_are_those_of_the_original(checker: Checker) -> None:
    """Whatever normalising does, the hit is cut from the text as it came."""
    (hit,) = checker.check("嗯 我我 不 知 道 啊")
    assert (hit.start, hit.end, hit.text) == (3, 10, "我 不 知 道")


def test_misheard_words_are_found_by_sound(checker: Checker) -> None:
    """A recogniser's homophone is found and marked."""
    (hit,) = checker.check("这个我部知道")
    assert (hit.text, hit.by_sound) == ("我部知道", True)


def test_sound_sees_the_same_marks(checker: Checker) -> None:
    """Marks that need normalising do not shift a hit by sound."""
    (hit,) = checker.check("|好|我部知道?")
    assert hit.text == "我部知道"


def test_partial_text_is_not_searched_by_sound(checker: Checker) -> None:
    """Half a word sounds like much."""
    assert checker.check("这个我部知道的事情", final=False) == ()


def test_sound_can_be_switched_off(book: Rulebook) -> None:
    """Without sound only what is written counts."""
    assert Checker(book, sound=False).check("这个我部知道") == ()


@pytest.mark.parametrize(
    ("speaker", "text", "rules"),
    [
        ("agent", "我不知道", ["ignorance/bare"]),
        ("customer", "我不知道", []),
        ("unknown", "我不知道", []),
        ("customer", "我要投诉", ["calm-down/customer"]),
        ("agent", "我要投诉", []),
    ],
)
def test_rules_hold_for_a_speaker(checker: Checker, speaker: str, text: str, rules: list[str]) -> None:
    """A rule is applied to the words of its speaker only, and nothing to an unknown one's."""
    assert [hit.rule for hit in checker.check(text, speaker=speaker)] == rules


@pytest.mark.parametrize(("phase", "found"), [("opening", True), ("closing", False), (None, True)])
def test_rules_hold_in_a_phase(checker: Checker, phase: str | None, found: bool) -> None:
    """A rule of the opening is not applied in the closing; without a known phase it is."""
    assert bool(checker.check("您别激动", phase=phase)) is found


def test_rules_on_trial_are_found_only_when_asked_for(checker: Checker) -> None:
    """Agents never see a rule on trial; a review does."""
    assert checker.check("差不多吧") == ()
    assert [hit.rule for hit in checker.check("差不多吧", trial=True)] == ["hedging/new"]


@pytest.mark.parametrize(
    ("text", "severities"),
    [
        pytest.param("绝对不行", ["violation"], id="unmodified"),
        pytest.param("抱歉，绝对不行", ["warning"], id="softened"),
        pytest.param("我不知道，我帮您查一下", [], id="cancelled-by-an-offer"),
        pytest.param("我帮您查了，我不知道", ["warning"], id="offer-before-does-not-count"),
        pytest.param("您说我不知道", [], id="quoted"),
        pytest.param("您说的那件事情其实我不知道", ["warning"], id="quote-too-far-away"),
    ],
)
def test_words_in_the_same_breath_change_a_hit(checker: Checker, text: str, severities: list[str]) -> None:
    """Modifiers cancel or soften, on their side and within their distance."""
    assert [hit.severity for hit in checker.check(text)] == severities


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("我不知道", False),
        ("我不知道啊", False),
        ("我不知道这个", True),
        ("我不知道。", True),
        ("我不知道您", False),
        ("我不知道您是谁啊", False),
        ("我不知道您是谁啊没人", True),
        ("我不知道您的单号", False),
        ("我不知道就是", False),
    ],
)
def test_hit_in_partial_text_waits_for_its_exceptions(checker: Checker, text: str, settled: bool) -> None:
    """A hit is settled once nothing that could still be said undoes it."""
    assert [hit.settled for hit in checker.check(text, final=False)] == [settled]


def test_final_text_is_settled(checker: Checker) -> None:
    """After a final result there is nothing to wait for."""
    assert [hit.settled for hit in checker.check("我不知道")] == [True]


def test_named_parts_travel_with_the_hit(checker: Checker) -> None:
    """What the agent said is kept for the phrase that reuses it."""
    (hit,) = checker.check("我不知道套餐什么时候到期")
    assert hit.parts == {"rest": "套餐什么时候到期"}


@pytest.mark.parametrize(
    ("text", "made_up"),
    [("我帮您查一下", True), ("我先给您核实", True), ("好的", False), ("您说得对", False), ("", False)],
)
def test_makes_up_for_a_fault(checker: Checker, text: str, made_up: bool) -> None:
    """An offer repairs; a quote only explains a fault away."""
    assert checker.makes_up("ignorance", text) is made_up


def test_made_up_in_the_same_breath(checker: Checker) -> None:
    """A rule whose find was cancelled by an offer was made up for; one never found was not."""
    assert checker.made_up("ignorance/bare", "我不知道，我帮您查一下", final=True)
    assert not checker.made_up("ignorance/bare", "您说我不知道", final=True)
    assert not checker.made_up("ignorance/bare", "我帮您查一下", final=True)


@pytest.mark.parametrize("sound", [True, False])
def test_pickled_checker_finds_the_same(book: Rulebook, sound: bool) -> None:
    """A checker works alike in another process, settings included."""
    checker = Checker(book, sound=sound)
    copy = pickle.loads(pickle.dumps(checker))
    for text in ("我不知道", "我部知道", "抱歉，绝对不行", "好的"):
        assert copy.check(text) == checker.check(text)


def test_warming_up_loads_everything(book: Rulebook) -> None:
    """After `warm` the dictionaries are there."""
    checker = Checker(book)
    checker.warm()
    assert checker.check("我部知道")[0].by_sound


@given(TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_text_is_checked(checker: Checker, text: str, final: bool) -> None:
    """No text raises: control characters, lone surrogates, emoji, right-to-left; a hit is its slice."""
    for hit in checker.check(text, final=final, trial=True):
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.text == text[hit.start : hit.end]


@given(TEXTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_quick_way_out_loses_no_hit(checker: Checker, stable: Matcher, text: str, final: bool) -> None:
    """What `check` skips after one scan holds no hit when everything is searched."""
    searched = stable.find(text, closed=final, prefilter=False).traces
    found = [(trace.rule.id, trace.start, trace.end) for trace in searched if trace.is_hit]
    hits = checker.check(text, final=final) + checker.check(text, speaker="customer", final=final)
    assert sorted((hit.rule, hit.start, hit.end) for hit in hits) == sorted(found)
