"""What a call is worth: points lost and won, each with the hits and moments it is for.

Pure. `scorecard_file` reads the cards of rules/scorecards/; docs/scorecards.md explains them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from coach.coaching.events import Severity
    from coach.coaching.moment import Moment, MomentKind

Per = Literal["each", "turn", "call"]
Fatal = Literal["zero", "fail"]


class ScoredHit(Protocol):
    """What the score has to know of a hit."""

    @property
    def rule(self) -> str:
        """Id of the rule."""

    @property
    def category(self) -> str:
        """Category of the rule."""

    @property
    def severity(self) -> Severity:
        """How serious it is, sharpened by the call."""

    @property
    def turn(self) -> int:
        """Index of the turn, from 0."""


@dataclass(frozen=True, slots=True)
class ScorecardItem:
    """One line of a card. It counts the hits or moments that no line above it has counted.

    Attributes:
        points: for each hit of a severity; "any" stands for every severity and for moments. Losses are negative.
        when: details a moment must have.
        without: the line counts only in calls with none of these moments.
        per: each time, once per turn, or once per call (then the heaviest counts).
        most: no more than so many points, won or lost, from this line; None: no limit.
        fatal: what a single occurrence does to the call: no points at all, or points but no pass.
    """

    id: str
    title: str
    group: str = ""
    categories: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    moments: frozenset[MomentKind] = frozenset()
    when: Mapping[str, str | int | bool] = field(default_factory=dict)
    without: frozenset[MomentKind] = frozenset()
    points: Mapping[str, float] = field(default_factory=dict)
    per: Per = "each"
    most: float | None = None
    fatal: Fatal | None = None

    def points_of_hit(self, hit: ScoredHit) -> float | None:
        """Return what a hit costs or wins, None when this line is not about it."""
        if hit.category not in self.categories and hit.rule not in self.rules:
            return None
        return self.points.get(hit.severity, self.points.get("any"))

    def points_of_moment(self, moment: Moment) -> float | None:
        """Return what a moment costs or wins, None when this line is not about it."""
        if moment.kind not in self.moments:
            return None
        if any(moment.details.get(key) != value for key, value in self.when.items()):
            return None
        return self.points.get("any")


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A card.

    Attributes:
        points: what a call without any fault is worth.
        passing: the pass mark.
        groups: title and limit of points (None: no limit) by group.
        digest: 12 hex digits over the file.
    """

    id: str
    title: str
    points: float
    passing: float
    groups: Mapping[str, tuple[str, float | None]]
    items: tuple[ScorecardItem, ...]
    digest: str = ""

    def score(self, hits: Sequence[ScoredHit], moments: Sequence[Moment]) -> CallScore:
        """Score one call. What is not measurable is no moment, so it neither wins nor loses."""
        lines = self._lines(hits, moments)
        self._cap_groups(lines)
        total = self.points + sum(line.points for line in lines)
        total = _within(lines, total, least=0.0, most=self.points)
        fatal = next((line.item for line in lines if line.item.fatal is not None), None)
        zero = next((index for index, line in enumerate(lines) if line.item.fatal == "zero"), None)
        if zero is not None:
            # The fatal line takes what is left, so that the lines still add up to the score.
            lines[zero].points -= total
            total = 0.0
        return CallScore(
            points=round(total, 2),
            passed=fatal is None and round(total, 2) >= self.passing,
            fatal=fatal.id if fatal else None,
            items=tuple(line.frozen() for line in lines),
        )

    def _lines(self, hits: Sequence[ScoredHit], moments: Sequence[Moment]) -> list[_Line]:
        kinds = {moment.kind for moment in moments}
        free_hits, free_moments = dict(enumerate(hits)), dict(enumerate(moments))
        lines = []
        for item in self.items:
            if item.without & kinds:
                continue
            line = _Line(item)
            for index, hit in list(free_hits.items()):
                if (points := item.points_of_hit(hit)) is not None:
                    line.add(points, hit.turn, hit=index)
                    del free_hits[index]
            for index, moment in list(free_moments.items()):
                if (points := item.points_of_moment(moment)) is not None:
                    line.add(points, moment.turn, moment=index)
                    del free_moments[index]
            if line.count:
                line.settle()
                lines.append(line)
        return lines

    def _cap_groups(self, lines: Iterable[_Line]) -> None:
        """Trim what goes beyond a group's limit, from the first line on that reaches it."""
        spent: defaultdict[tuple[str, bool], float] = defaultdict(float)
        for line in lines:
            most = self.groups.get(line.item.group, ("", None))[1]
            if most is None:
                continue
            # Losses do not use up the room of a bonus in the same group.
            key = (line.item.group, line.points > 0)
            line.limit(max(0.0, most - spent[key]))
            spent[key] += abs(line.points)


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One line of a call's score.

    Attributes:
        item: key of the line in the scorecard.
        points: won (positive) or lost (negative), after all limits.
        count: how often it happened.
        hits: indexes of the hits it is for.
        moments: indexes of the moments it is for.
    """

    item: str
    title: str
    points: float
    count: int
    hits: tuple[int, ...] = ()
    moments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CallScore:
    """The score of one call: the card's points and those of the items add up to `points`.

    Attributes:
        points: from 0 to the points of the card.
        passed: the pass mark was reached and nothing fatal happened.
        fatal: key of the item that alone fails the call, None without one.
    """

    points: float
    passed: bool
    fatal: str | None
    items: tuple[ScoreItem, ...]


@dataclass(slots=True)
class _Line:
    """A card's line while a call is scored."""

    item: ScorecardItem
    points: float = 0.0
    hits: list[int] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    charges: list[tuple[int, float]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.charges)

    def add(self, points: float, turn: int, *, hit: int | None = None, moment: int | None = None) -> None:
        self.charges.append((turn, points))
        if hit is not None:
            self.hits.append(hit)
        if moment is not None:
            self.moments.append(moment)

    def settle(self) -> None:
        """Add up the charges as the line counts them."""
        if self.item.per == "each":
            self.points = sum(points for _, points in self.charges)
        elif self.item.per == "turn":
            turns: defaultdict[int, list[float]] = defaultdict(list)
            for turn, points in self.charges:
                turns[turn].append(points)
            self.points = sum(max(charged, key=abs) for charged in turns.values())
        else:
            self.points = max((points for _, points in self.charges), key=abs)
        if self.item.most is not None:
            self.limit(self.item.most)

    def limit(self, most: float) -> None:
        self.points = max(-most, min(most, self.points))

    def frozen(self) -> ScoreItem:
        return ScoreItem(
            self.item.id,
            self.item.title,
            # Adding zero turns -0.0, which looks odd in a file, into 0.0.
            round(self.points, 2) + 0.0,
            self.count,
            tuple(self.hits),
            tuple(self.moments),
        )


def _within(lines: Collection[_Line], total: float, *, least: float, most: float) -> float:
    """Trim lines from the last one on until the total lies between `least` and `most`; return the total."""
    for line in reversed(list(lines)):
        if total < least and line.points < 0:
            back = min(least - total, -line.points)
        elif total > most and line.points > 0:
            back = max(most - total, -line.points)
        else:
            continue
        line.points += back
        total += back
    return total
