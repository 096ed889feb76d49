"""How well the rules do on labelled sentences: precision, recall, F1, and every error with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.checker import Checker


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence and the categories a supervisor expects.

    Attributes:
        labels: must be found.
        also: may be found, neither rewarded nor punished.
        kind: what the sentence tries (plain, tricky-clean, homophone ...), for the breakdown.
    """

    id: str
    text: str
    labels: frozenset[str]
    also: frozenset[str] = frozenset()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one category or of all together."""

    right: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Share of the finds that are right; 1 without finds."""
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of the expected that was found; 1 when nothing was expected."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return (
            2 * self.right / (2 * self.right + self.false + self.missed)
            if self.right or self.false or self.missed
            else 1.0
        )


@dataclass(frozen=True, slots=True)
class ScoreError:
    """One sentence that went wrong: what was missed, what was found for nothing, and by which rules."""

    sentence: LabelledSentence
    missed: frozenset[str]
    false: frozenset[str]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """The result. Rates of sentences, not of hits: a category counts once per sentence."""

    sentences: int
    categories: dict[str, Tally]
    overall: Tally
    any_violation: Tally
    clean: int
    clean_alarms: int
    recall_by_kind: dict[str, tuple[int, int]]
    confusions: dict[tuple[str, str], int]
    errors: tuple[ScoreError, ...] = field(default=())

    @property
    def alarms_per_thousand_clean(self) -> float:
        """False alarms per 1,000 clean sentences."""
        return 1000 * self.clean_alarms / self.clean if self.clean else 0.0


def score(checker: Checker, sentences: Iterable[LabelledSentence], *, trial: bool = False) -> Score:
    """Check every sentence as a final agent utterance and compare with its labels."""
    right: Counter[str] = Counter()
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    any_right = any_false = any_missed = clean = count = 0
    kinds: dict[str, list[int]] = {}
    confusions: Counter[tuple[str, str]] = Counter()
    errors: list[ScoreError] = []
    for sentence in sentences:
        count += 1
        got = {hit.category for hit in checker.check(sentence.text, trial=trial)}
        lost = sentence.labels - got
        extra = got - sentence.labels - sentence.also
        right.update(got & sentence.labels)
        missed.update(lost)
        false.update(extra)
        confusions.update((wanted, given) for wanted in lost for given in extra)
        if sentence.labels:
            any_right += bool(got)
            any_missed += not got
            kind = kinds.setdefault(sentence.kind or "plain", [0, 0])
            kind[0] += len(sentence.labels & got)
            kind[1] += len(sentence.labels)
        elif not sentence.also:
            clean += 1
            any_false += bool(got)
        if lost or extra:
            errors.append(
                ScoreError(sentence, frozenset(lost), frozenset(extra), _reasons(checker, sentence, trial))
            )
    names = sorted(set(right) | set(false) | set(missed))
    return Score(
        sentences=count,
        categories={name: Tally(right[name], false[name], missed[name]) for name in names},
        overall=Tally(right.total(), false.total(), missed.total()),
        any_violation=Tally(any_right, any_false, any_missed),
        clean=clean,
        clean_alarms=any_false,
        recall_by_kind={name: (found, total) for name, (found, total) in sorted(kinds.items())},
        confusions=dict(confusions.most_common()),
        errors=tuple(errors),
    )


def _reasons(checker: Checker, sentence: LabelledSentence, trial: bool) -> tuple[str, ...]:
    return tuple(
        f"{trace.rule.id}「{sentence.text[trace.start : trace.end]}」← {trace.pattern or trace.rule.explain}"
        + (f"（被拦下：{trace.stopped}）" if trace.stopped_by else "")
        for trace in checker.examine(sentence.text, trial=trial).traces
    )
