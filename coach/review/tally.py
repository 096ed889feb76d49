"""Counts of a review: of one batch, of a whole run. They only add up, so their order does not matter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coach.review.judge import Judged
    from coach.review.result import CallResult


@dataclass(slots=True)
class Tally:
    """What was done.

    Attributes:
        index: of the batch; -1 for a sum.
        size: bytes of input, for the progress.
        skipped: calls that began too early.
        failed: calls that coach itself could not judge; they are among the rejects.
        faulty_turns: agent turns with at least one hit.
        points: in hundredths of a point, so that sums are exact in any order.
    """

    index: int = -1
    size: int = 0
    calls: int = 0
    rejects: int = 0
    skipped: int = 0
    failed: int = 0
    turns: int = 0
    agent_turns: int = 0
    faulty_turns: int = 0
    points: int = 0
    passed: int = 0
    fatal: int = 0
    old_points: int = 0
    old_passed: int = 0
    duration_ms: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    old_rules: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    adoption: Counter[str] = field(default_factory=Counter)

    def count(self, judged: Judged) -> None:
        """Count one judged call."""
        result = judged.result
        self.calls += 1
        self.turns += len(result.turns)
        self.agent_turns += result.agent_turns
        self.faulty_turns += result.faulty_turns
        self.duration_ms += result.duration_ms
        self.points += _hundredths(result)
        self.passed += result.score.passed
        self.fatal += result.score.fatal is not None
        self.categories.update(hit.category for hit in result.hits)
        self.severities.update(hit.severity for hit in result.hits)
        self.rules.update(hit.rule for hit in result.hits)
        self.moments.update(moment.kind for moment in result.moments)
        self.signals.update(result.signals)
        for name in ("advised", "adopted", "repaired", "repeated"):
            self.adoption[name] += getattr(result.adoption, name)
        if judged.old is not None:
            self.old_points += _hundredths(judged.old)
            self.old_passed += judged.old.score.passed
            self.old_rules.update(hit.rule for hit in judged.old.hits)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally to these."""
        for each in fields(self):
            if each.name == "index":
                continue
            mine, more = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Counter):
                mine.update(more)
            else:
                setattr(self, each.name, mine + more)

    def mean(self, points: int) -> float | None:
        """Return the mean of summed points per call, None without calls."""
        return round(points / self.calls / 100, 2) if self.calls else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; counters with the most frequent first, equal ones by name."""
        return {
            each.name: _ordered(value) if isinstance(value, Counter) else value
            for each in fields(self)
            for value in [getattr(self, each.name)]
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Tally:
        """Read what `as_dict` returned.

        Raises:
            TypeError: it has other keys.
        """
        tally = cls()
        for key, each in value.items():
            if key not in cls.__slots__:
                raise TypeError(f"a tally has no {key}")
            setattr(tally, key, Counter(each) if isinstance(each, dict) else each)
        return tally


def _hundredths(result: CallResult) -> int:
    return round(result.score.points * 100)


def _ordered(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
