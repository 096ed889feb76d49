"""How a team's day goes, from the store: calls, alerts, adoption, false alarms; asked at most once a minute."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, func, select

from coach.service import schema
from coach.service.render import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.database import Database
    from coach.service.render import Message

KEPT_S: Final = 60.0

_calls, _advice = schema.calls.c, schema.advice.c


class TeamRates:
    """The rates of one tenant's teams.

    Args:
        clock: seconds since 1970; the day begins at midnight of the machine's time zone.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        # By team: when they were asked, and the answer; many supervisors who join at once ask once.
        self._known: dict[str, tuple[float, asyncio.Task[Message]]] = {}

    async def of(self, team: str) -> Message:
        """Return the team's rates, at most a minute old.

        Raises:
            DatabaseAwayError: the store cannot be asked now.
        """
        now = self._clock()
        known = self._known.get(team)
        if known is None or now - known[0] >= KEPT_S or _failed(known[1]):
            self._known = {each: value for each, value in self._known.items() if now - value[0] < KEPT_S}
            known = self._known[team] = (now, asyncio.create_task(self._ask(team, now), name=f"rates-{team}"))
        # Shielded: whoever asked first may go away.
        return await asyncio.shield(known[1])

    async def _ask(self, team: str, now: float) -> Message:
        midnight = (
            datetime.fromtimestamp(now, UTC).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        )
        since = midnight.timestamp()
        today = and_(_calls.team == team, _calls.started_at >= since)
        alert = _advice.severity.in_(("warning", "violation"))
        taken = _advice.outcome.in_(("adopted", "repaired"))
        cards = (
            select(
                func.count(),
                func.coalesce(func.sum(case((alert, 1), else_=0)), 0),
                func.coalesce(func.sum(case((taken, 1), else_=0)), 0),
            )
            .select_from(schema.advice)
            .join(schema.calls, _calls.call_id == _advice.call_id)
            .where(today, _advice.withdrawn.is_(False))
        )
        spoken = (
            select(func.count())
            .select_from(schema.utterances)
            .join(schema.calls, _calls.call_id == schema.utterances.c.call_id)
            .where(today, schema.utterances.c.speaker == "agent")
        )
        votes = (
            select(func.count())
            .select_from(schema.feedback)
            .join(schema.advice, _advice.id == schema.feedback.c.advice_id)
            .join(schema.calls, _calls.call_id == _advice.call_id)
            .where(today, schema.feedback.c.kind == "verdict", schema.feedback.c.value == "false-alarm")
        )
        async with self._database.reading() as connection:
            calls = (await connection.execute(select(func.count()).where(today))).scalar_one()
            given, alerts, adopted = (await connection.execute(cards)).one()
            utterances = (await connection.execute(spoken)).scalar_one()
            false_alarms = (await connection.execute(votes)).scalar_one()
        return {
            "type": "rates",
            "team": team,
            "since": timestamp(since),
            "calls": calls,
            "agent_utterances": utterances,
            "alerts": int(alerts),
            "alerts_per_100": round(100 * alerts / utterances, 1) if utterances else None,
            "cards": given,
            "adopted": int(adopted),
            "adoption": round(100 * adopted / given, 1) if given else None,
            "false_alarms": false_alarms,
        }


def _failed(task: asyncio.Task[Message]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
