"""What a batch of reviewed calls adds up to: counts, rates, and a few calls and examples worth reading.

One pass, memory bounded by the number of agents, days and rules, never by the number of calls.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from coach.review.names import AgentNames
from coach.review.picks import Picks, lot
from coach.review.rate import Rate

if TYPE_CHECKING:
    from datetime import date

    from coach.coaching.events import Severity, Speaker
    from coach.coaching.moment import Moment
    from coach.review.result import CallResult, ResultHit

# A call of a few words has nothing to praise.
_TELLING_TURNS = 5
# Values quoted in a problem, and numbers.
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|“[^”]*”|「[^」]*」|[0-9]+""")
_KINDS = 1000
_LEAVING = frozenset({"churn-risk", "escalation-risk"})
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all times are local
# A promise beyond this, or in a year near the end of the calendar (9999 often means "no date"), has no due time.
_LATEST_MS = 3650 * 86_400_000
_LAST_YEAR = 9000


@dataclass(slots=True)
class Group:
    """Calls counted together: of a day, a team, an agent, or all.

    Attributes:
        faulty_turns: agent turns with at least one hit.
        points: sum of the calls' points.
    """

    calls: int = 0
    agent_turns: int = 0
    faulty_turns: int = 0
    hits: int = 0
    points: float = 0.0
    passed: int = 0
    fatal: int = 0
    advised: int = 0
    adopted: int = 0
    repaired: int = 0
    repeated: int = 0
    commitments: int = 0
    vague: int = 0
    categories: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> Rate:
        """Faulty agent turns of all agent turns."""
        return Rate(self.faulty_turns, self.agent_turns)

    @property
    def mean(self) -> float:
        """Mean points of a call; 0 without calls."""
        return self.points / self.calls if self.calls else 0.0

    @property
    def pass_rate(self) -> Rate:
        """Calls that passed of all calls."""
        return Rate(self.passed, self.calls)

    def add(self, result: CallResult, *, commitments: int, vague: int) -> None:
        """Count one call."""
        self.calls += 1
        self.agent_turns += result.agent_turns
        self.faulty_turns += result.faulty_turns
        self.hits += len(result.hits)
        self.points += result.score.points
        self.passed += result.score.passed
        self.fatal += result.score.fatal is not None
        self.advised += result.adoption.advised
        self.adopted += result.adoption.adopted
        self.repaired += result.adoption.repaired
        self.repeated += result.adoption.repeated
        self.commitments += commitments
        self.vague += vague
        self.categories.update(result.categories)

    def join(self, other: Group) -> None:
        """Count the calls of another group too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Example:
    """A turn with a mark, in context. `start` and `end` are characters of `text`; `at_ms` from the call's start."""

    call_id: str
    agent: str
    before: str
    before_speaker: Speaker | None
    text: str
    start: int
    end: int
    severity: Severity
    suggestion: str
    at_ms: int


@dataclass(slots=True)
class RuleCount:
    """How often a rule was found, in how many calls, and some of the places."""

    rule: str
    category: str
    title: str
    severity: Severity
    examples: Picks[Example]
    hits: int = 0
    calls: int = 0


@dataclass(slots=True)
class ItemCount:
    """A line of the scorecard: what it cost (negative) or won (positive) over all calls."""

    item: str
    title: str
    points: float = 0.0
    count: int = 0
    calls: int = 0
    fatal: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """A commitment that the agent made. `due` needs the wall clock of the call."""

    call_id: str
    agent: str
    who: str
    what: str
    when: str
    due: datetime | None
    vague: bool
    said: str
    ask: str


@dataclass(frozen=True, slots=True)
class PickedCall:
    """A call to be shown with its transcript."""

    result: CallResult
    agent: str


class Tables:
    """Adds up calls.

    Args:
        names: how agents are called.
        examples: places kept per rule, and of commitments ten times as many.
        calls: worst and best calls kept, of each.
    """

    def __init__(self, *, names: AgentNames | None = None, examples: int = 3, calls: int = 10) -> None:
        self.names = names if names is not None else AgentNames()
        self.total = Group()
        self.days: dict[date, Group] = {}
        self.undated = 0
        self.teams: dict[str, Group] = {}
        self.agents: dict[str, Group] = {}
        self.agent_teams: dict[str, str] = {}
        self.points: Counter[float] = Counter()
        self.rules: dict[str, RuleCount] = {}
        self.category_hits: Counter[str] = Counter()
        self.items: dict[str, ItemCount] = {}
        self.moment_calls: Counter[str] = Counter()
        self.moments: Counter[str] = Counter()
        self.signals: Counter[str] = Counter()
        self.motives: Counter[str] = Counter()
        # Calls in which the customer means to leave or to escalate, each once.
        self.leaving = 0
        self.unsafe: list[str] = []
        self.unsafe_calls = 0
        self.not_measurable: Counter[str] = Counter()
        self.severities: Counter[str] = Counter()
        self.digests: Counter[str] = Counter()
        self.turns = 0
        self.duration_ms = 0
        self.rejects = 0
        self.reject_problems: Counter[str] = Counter()
        self.worst: Picks[PickedCall] = Picks(calls)
        self.best: Picks[PickedCall] = Picks(calls)
        self.vague: Picks[Promise] = Picks(examples * 10)
        self.due: Picks[Promise] = Picks(examples * 10)
        self._examples = examples

    def add(self, result: CallResult) -> None:
        """Count one call."""
        agent = self.names.of(result.agent_id)
        promises = [moment for moment in result.moments if moment.kind == "commitment"]
        vague = sum(bool(moment.details.get("vague")) for moment in promises)
        for group in self._groups(result, agent):
            group.add(result, commitments=len(promises), vague=vague)
        # Sorted, because counts that are equal are told in the order in which they came.
        self.points[round(result.score.points, 1)] += 1
        self.turns += len(result.turns)
        self.duration_ms += result.duration_ms
        self.digests[result.digest] += 1
        self.not_measurable.update(sorted(set(result.not_measurable)))
        self._count_score(result)
        self._count_hits(result, agent)
        self._count_customer(result)
        for moment in promises:
            self._keep_promise(result, moment)
        self._pick(result, agent)

    def reject(self, field: str, problem: str) -> None:
        """Count one record that could not be read."""
        self.rejects += 1
        # What came differs from record to record; without it the kinds of problems are few.
        kind = _QUOTED.sub("…", problem)
        kind = f"{field}：{kind}" if field else kind
        if kind in self.reject_problems or len(self.reject_problems) < _KINDS:
            self.reject_problems[kind] += 1

    def quantile(self, share: float) -> float:
        """Return the points below which `share` (0 to 1) of the calls lie; 0 without calls."""
        left = share * self.total.calls
        for points in sorted(self.points):
            left -= self.points[points]
            if left <= 0:
                return points
        return 0.0

    def by_count(self) -> list[RuleCount]:
        """Return the rules, most often found first."""
        return sorted(self.rules.values(), key=lambda rule: (-rule.hits, rule.rule))

    def _groups(self, result: CallResult, agent: str) -> list[Group]:
        groups = [self.total]
        if result.started_at is None:
            self.undated += 1
        else:
            groups.append(self.days.setdefault(result.started_at.date(), Group()))
        if result.team:
            groups.append(self.teams.setdefault(result.team, Group()))
        if agent:
            groups.append(self.agents.setdefault(agent, Group()))
            self.agent_teams.setdefault(agent, result.team)
        return groups

    def _count_score(self, result: CallResult) -> None:
        for line in result.score.items:
            item = self.items.get(line.item)
            if item is None:
                item = self.items[line.item] = ItemCount(line.item, line.title)
            item.points += line.points
            item.count += line.count
            item.calls += 1
            item.fatal += result.score.fatal == line.item

    def _count_hits(self, result: CallResult, agent: str) -> None:
        for hit in result.hits:
            rule = self.rules.get(hit.rule)
            if rule is None:
                rule = self.rules[hit.rule] = RuleCount(
                    hit.rule, hit.category, hit.title, hit.severity, Picks(self._examples)
                )
            rule.hits += 1
            self.category_hits[hit.category] += 1
            self.severities[hit.severity] += 1
            key = lot(result.turns[hit.turn].text)
            rule.examples.offer(key, partial(self._example, result, agent, hit))
        for name in {hit.rule for hit in result.hits}:
            self.rules[name].calls += 1

    def _example(self, result: CallResult, agent: str, hit: ResultHit) -> Example:
        before = result.turns[hit.turn - 1] if hit.turn else None
        return Example(
            call_id=result.id,
            agent=agent,
            before=self.names.hide(before.text, result.agent_id) if before else "",
            before_speaker=before.speaker if before else None,
            text=self.names.hide(result.turns[hit.turn].text, result.agent_id),
            start=hit.start,
            end=hit.end,
            severity=hit.severity,
            suggestion=self.names.hide(hit.suggestion, result.agent_id),
            at_ms=hit.at_ms,
        )

    def _count_customer(self, result: CallResult) -> None:
        kinds = [moment.kind for moment in result.moments]
        self.moments.update(kinds)
        self.moment_calls.update(sorted(set(kinds)))
        self.signals.update(sorted(set(result.signals)))
        self.leaving += not _LEAVING.isdisjoint(result.signals)
        motives = {str(moment.details["motive"]) for moment in result.moments if moment.details.get("motive")}
        self.motives.update(motives)
        if any(moment.details.get("safety") for moment in result.moments):
            self.unsafe_calls += 1
            if len(self.unsafe) < self._examples * 10:
                self.unsafe.append(result.id)

    def _keep_promise(self, result: CallResult, moment: Moment) -> None:
        promise = promise_of(result, moment, names=self.names)
        if promise.vague:
            self.vague.offer(lot(promise.said), lambda: promise)
        elif promise.due is not None:
            # The latest are the ones that may still be open.
            key = (-(promise.due - _EPOCH).total_seconds(), *lot(result.id + promise.said))
            self.due.offer(key, lambda: promise)

    def _pick(self, result: CallResult, agent: str) -> None:
        count = float(self.total.calls)
        points, fatal = result.score.points, result.score.fatal is not None
        if result.hits or fatal or any(item.points < 0 for item in result.score.items):
            key = (float(not fatal), points, -float(len(result.hits)), count)
            self.worst.offer(key, lambda: PickedCall(result, agent))
        if result.score.passed and not result.hits and result.agent_turns >= _TELLING_TURNS:
            key = (-points, -float(result.adoption.adopted), -float(result.agent_turns), count)
            self.best.offer(key, lambda: PickedCall(result, agent))


def wall_clock(result: CallResult) -> datetime | None:
    """Return when the call started, as a clock on the wall there showed it; None when unknown."""
    return None if result.started_at is None else result.started_at.replace(tzinfo=None)


def promise_of(result: CallResult, moment: Moment, *, names: AgentNames) -> Promise:
    """Return a moment of the kind commitment as a promise."""
    details = moment.details
    due_ms = details.get("due_ms")
    start = wall_clock(result)
    due = None
    if isinstance(due_ms, int) and due_ms < _LATEST_MS and start is not None and start.year < _LAST_YEAR:
        due = start + timedelta(milliseconds=due_ms)
    said = result.turns[moment.turn].text if moment.turn < len(result.turns) else ""

    def quoted(words: object) -> str:
        return names.hide(str(words or ""), result.agent_id)

    return Promise(
        call_id=result.id,
        agent=names.of(result.agent_id),
        who=quoted(details.get("who")),
        what=quoted(details.get("what")),
        when=quoted(details.get("when")),
        due=due,
        vague=bool(details.get("vague")),
        said=quoted(said),
        ask=quoted(details.get("ask")),
    )
