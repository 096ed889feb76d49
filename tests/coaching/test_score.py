"""Scoring: counts and rates by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coach.coaching.score import LabelledSentence, Tally, score

if TYPE_CHECKING:
    from coach.coaching.checker import Checker


def sentence(number: int, text: str, *labels: str, also: str = "", kind: str = "") -> LabelledSentence:
    """Make a labelled sentence."""
    return LabelledSentence(f"s{number}", text, frozenset(labels), frozenset(filter(None, [also])), kind)


SENTENCES = [
    sentence(1, "我不知道", "ignorance"),
    sentence(2, "我不知道，绝对不行", "ignorance", kind="multi"),
    sentence(3, "我哪知道去", "ignorance", kind="colloquial"),
    sentence(4, "应该可以", "ignorance"),
    sentence(5, "好的，请讲"),
    sentence(6, "我们不清楚"),
    sentence(7, "应该可以", also="hedging"),
    sentence(8, "应该可以", "hedging", "refusal", kind="multi"),
]


def test_counts_by_category(checker: Checker) -> None:
    """Right, false and missed are counted once per sentence and category."""
    result = score(checker, SENTENCES)
    assert result.categories == {
        "hedging": Tally(right=1, false=1, missed=0),
        "ignorance": Tally(right=2, false=1, missed=2),
        "refusal": Tally(right=0, false=1, missed=1),
    }
    assert result.overall == Tally(right=3, false=3, missed=3)
    assert result.sentences == 8


def test_counts_clean_sentences_and_alarms(checker: Checker) -> None:
    """A sentence with an acceptable label is neither clean nor an alarm."""
    result = score(checker, SENTENCES)
    assert (result.clean, result.clean_alarms) == (2, 1)
    assert result.alarms_per_thousand_clean == 500.0


def test_any_violation_asks_whether_anything_was_found(checker: Checker) -> None:
    """For "is there a fault at all" the category does not matter."""
    assert score(checker, SENTENCES).any_violation == Tally(right=4, false=1, missed=1)


def test_recall_by_kind_and_confusions(checker: Checker) -> None:
    """Each kind has its own recall; a miss with a find beside it is a confusion."""
    result = score(checker, SENTENCES)
    assert result.recall_by_kind == {"colloquial": (0, 1), "multi": (2, 3), "plain": (1, 2)}
    assert result.confusions == {("ignorance", "hedging"): 1}


def test_every_error_has_its_reason(checker: Checker) -> None:
    """An error names sentence, what was missed, what was false, and by which pattern."""
    errors = {error.sentence.id: error for error in score(checker, SENTENCES).errors}
    assert sorted(errors) == ["s2", "s3", "s4", "s6", "s8"]
    assert errors["s4"].missed == {"ignorance"}
    assert errors["s4"].false == {"hedging"}
    assert errors["s4"].reasons == ("hedging/should「应该可以」← 应该 (可以|没问题|是)",)


def test_reason_names_what_stopped_a_find(checker: Checker) -> None:
    """A miss that an exception caused says so."""
    (error,) = score(checker, [sentence(1, "我不知道您方便吗", "ignorance")]).errors
    assert error.reasons[0].endswith("（被拦下：礼貌探询）")


@pytest.mark.parametrize(
    ("tally", "precision", "recall", "f1"),
    [
        (Tally(3, 1, 2), 3 / 4, 3 / 5, 6 / 9),
        (Tally(0, 0, 0), 1.0, 1.0, 1.0),
        (Tally(0, 2, 0), 0.0, 1.0, 0.0),
        (Tally(0, 0, 2), 1.0, 0.0, 0.0),
    ],
)
def test_rates(tally: Tally, precision: float, recall: float, f1: float) -> None:
    """Precision, recall and F1, with nothing found or nothing expected."""
    assert (tally.precision, tally.recall, tally.f1) == pytest.approx((precision, recall, f1))


def test_nothing_to_score(checker: Checker) -> None:
    """No sentences, no alarms, no division by zero."""
    result = score(checker, [])
    assert (result.sentences, result.alarms_per_thousand_clean, result.errors) == (0, 0.0, ())


def test_trial_rules_score_only_when_asked_for(checker: Checker) -> None:
    """A rule on trial can be measured before it is shown."""
    trial = [sentence(1, "差不多吧", "hedging")]
    assert score(checker, trial).overall.right == 0
    assert score(checker, trial, trial=True).overall.right == 1
