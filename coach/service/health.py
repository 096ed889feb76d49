"""How each rule fares: how often it fires, what reviewers and agents hold of it. The worst comes first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import distinct, func, select

from coach.errors import ConfigError
from coach.review.rate import Rate
from coach.service import schema
from coach.service.decisions import Scope
from coach.service.migrate import refusal, standing
from coach.service.review_hits import FILE, count_hits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.rulebook.rules import Rule
    from coach.service.database import Database

ALL: Final = Scope()


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """One rule.

    Attributes:
        status: of the rule; "gone" when the rule book no longer has it.
        live, reviewed: how often it fired in live calls, and in the reviews that are kept.
        confirmed, false: what reviewers decided, after appeals.
        muted: live calls in which an agent muted it.
        false_alarms, useful: what agents said in the sidebar.
        appealed, open_appeals: decisions that were ever appealed, and those not settled.
    """

    rule: str
    title: str
    severity: str
    status: str
    live: int = 0
    reviewed: int = 0
    confirmed: int = 0
    false: int = 0
    muted: int = 0
    false_alarms: int = 0
    useful: int = 0
    appealed: int = 0
    open_appeals: int = 0

    @property
    def fired(self) -> int:
        """How often it fired."""
        return self.live + self.reviewed

    @property
    def never_fired(self) -> bool:
        """Whether a rule that agents are shown has never found anything."""
        return self.status == "stable" and not self.fired

    @property
    def precision(self) -> Rate:
        """Confirmed of decided, with Wilson's interval."""
        return Rate(self.confirmed, self.confirmed + self.false)

    @property
    def doubt(self) -> tuple[float, float, int, str]:
        """What to sort by: surely imprecise first, then what agents object to, then what fires most."""
        objections = (self.false_alarms + self.muted) / self.live if self.live else 0.0
        return (self.precision.high, -objections, -self.fired, self.rule)


@dataclass(slots=True)
class _Counts:
    live: Counter[str]
    reviewed: Counter[str]
    titles: dict[str, str]
    decided: Counter[tuple[str, str]]
    appealed: Counter[str]
    open_appeals: Counter[str]
    muted: Counter[str]
    marked: Counter[tuple[str, str]]


async def rules_health(
    database: Database, rules: Iterable[Rule], *, reviews: Path, scope: Scope = ALL
) -> list[RuleHealth]:
    """Judge the rules that are about agents, the worst first.

    Args:
        database: of a service, which may be running.
        reviews: the folder of its reviews.
        rules: of the rule book; drafts and what listens to customers are passed over.
        scope: what is counted.

    Raises:
        ConfigError: there is no database, or an older coach wrote it.
        DatabaseAwayError: it cannot be asked now.
    """
    counts = await _count(database, reviews, scope)
    known = {rule.id: rule for rule in rules if rule.speaker == "agent" and rule.status != "draft"}
    fired = counts.live.keys() | counts.reviewed.keys() | {rule for rule, _ in counts.decided}
    found = [
        RuleHealth(
            rule,
            known[rule].title if rule in known else counts.titles.get(rule, ""),
            known[rule].severity if rule in known else "",
            known[rule].status if rule in known else "gone",
            live=counts.live[rule],
            reviewed=counts.reviewed[rule],
            confirmed=counts.decided[rule, "right"],
            false=counts.decided[rule, "wrong"],
            muted=counts.muted[rule],
            false_alarms=counts.marked[rule, "false-alarm"],
            useful=counts.marked[rule, "useful"],
            appealed=counts.appealed[rule],
            open_appeals=counts.open_appeals[rule],
        )
        for rule in known.keys() | fired
    ]
    return sorted(found, key=lambda each: each.doubt)


def as_dict(health: RuleHealth) -> dict[str, Any]:
    """Return what the wire and `--json` tell of a rule; shares are 0 to 1, null when nothing was decided."""
    rate = health.precision
    told = {name: getattr(health, name) for name in RuleHealth.__dataclass_fields__}
    return {
        **told,
        "fired": health.fired,
        "never_fired": health.never_fired,
        "precision": round(rate.percent / 100, 4) if rate.total else None,
        "precision_low": round(rate.low / 100, 4) if rate.total else None,
        "precision_high": round(rate.high / 100, 4) if rate.total else None,
    }


async def _count(database: Database, reviews: Path, scope: Scope) -> _Counts:
    if database.file is not None and not database.file.is_file():
        raise ConfigError(f"data_dir: 没有 {database.file}；应为 coach serve 的数据目录")
    async with database.reading() as connection:
        found = await standing(connection)
        if found.state != "current":
            raise ConfigError(refusal(database, found))
        counts = await _count_stored(connection, scope)
    for out in _results(reviews):
        if scope.reviews is not None and out.parent.name not in scope.reviews:
            continue
        for rule, title, count in await count_hits(out):
            counts.reviewed[rule] += count
            counts.titles.setdefault(rule, title)
    return counts


def _results(reviews: Path) -> list[Path]:
    return sorted(file.parent for file in reviews.glob(f"r*/out/{FILE}"))


async def _count_stored(connection: AsyncConnection, scope: Scope) -> _Counts:
    advice, feedback, snoozes = schema.advice.c, schema.feedback.c, schema.snoozes.c
    decisions, history = schema.decisions.c, schema.decision_history.c
    count = func.count()
    told, judged = scope.sight.of_call(advice.call_id), scope.condition()
    live = await connection.execute(
        select(advice.rule, count).where(advice.withdrawn.is_(False), told).group_by(advice.rule)
    )
    marked = await connection.execute(
        select(advice.rule, feedback.value, count)
        .join(schema.advice, advice.id == feedback.advice_id)
        .where(feedback.kind == "verdict", told)
        .group_by(advice.rule, feedback.value)
    )
    muted = await connection.execute(
        select(snoozes.rule, func.count(distinct(snoozes.call_id)))
        .where(snoozes.quiet.is_(True), scope.sight.of_call(snoozes.call_id))
        .group_by(snoozes.rule)
    )
    decided = await connection.execute(
        select(decisions.rule, decisions.verdict, count)
        .where(judged)
        .group_by(decisions.rule, decisions.verdict)
    )
    waiting = await connection.execute(
        select(decisions.rule, count).where(decisions.state == "appealed", judged).group_by(decisions.rule)
    )
    appealed = await connection.execute(
        select(decisions.rule, func.count(distinct(history.decision_id)))
        .join(schema.decisions, decisions.id == history.decision_id)
        .where(history.kind == "appealed", judged)
        .group_by(decisions.rule)
    )
    return _Counts(
        live=Counter({row[0]: row[1] for row in live}),
        reviewed=Counter(),
        titles={},
        decided=Counter({(row[0], row[1]): row[2] for row in decided}),
        appealed=Counter({row[0]: row[1] for row in appealed}),
        open_appeals=Counter({row[0]: row[1] for row in waiting}),
        muted=Counter({row[0]: row[1] for row in muted}),
        marked=Counter({(row[0], row[1]): row[2] for row in marked}),
    )
