"""Deletes calls with everything that was kept of them, in steps so small that the live writer does not notice.

Knows the tables of a tenant; live calls and reviews are for those who call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass, fields
from time import perf_counter
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, exists, func, or_, select, update

from coach.service import schema
from coach.service.schema_webhooks import webhook_outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.database import Database

# Calls in one transaction, and the pause after each that is as long as it took: at most half of the disk's time.
_STEP: Final = 10
_LEAST_PAUSE_S: Final = 0.02
# A call that has not ended and began earlier than this is one that nobody will end.
OPEN_S: Final = 86_400.0
_MANY: Final = 1000
_QUOTES: Final = 200
_CHECKPOINT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was deleted. `decisions`: those whose words were taken out; their verdicts stay."""

    calls: int = 0
    utterances: int = 0
    advice: int = 0
    moments: int = 0
    feedback: int = 0
    snoozes: int = 0
    whispers: int = 0
    webhooks: int = 0
    decisions: int = 0

    def __add__(self, other: Erased) -> Erased:
        """Add up."""
        return Erased(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class Found:
    """Calls that somebody wants deleted. `running`: those that have not ended and cannot be deleted now."""

    ended: tuple[str, ...]
    running: tuple[str, ...] = ()
    agents: frozenset[str] = frozenset()


class Erasure:
    """Deletes what one database holds of calls.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def find(
        self,
        *,
        call_id: str | None = None,
        customers: Collection[str] = (),
        before: float | None = None,
        limit: int | None = None,
    ) -> Found:
        """Find calls by id, by hashes of a customer, or by when they began (seconds since 1970), oldest first."""
        calls = schema.calls.c
        wanted: list[ColumnElement[bool]] = []
        if call_id is not None:
            wanted.append(calls.call_id == call_id)
        if customers:
            wanted.append(calls.customer.in_(sorted(customers)))
        if before is not None:
            wanted.append(calls.started_at < before)
        over = or_(calls.ended_ms.is_not(None), calls.started_at < self._clock() - OPEN_S)
        query = (
            select(calls.call_id, calls.agent_id, over.label("over"))
            .where(and_(*wanted))
            .order_by(calls.started_at, calls.call_id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return Found(
            tuple(row.call_id for row in rows if row.over),
            tuple(row.call_id for row in rows if not row.over),
            frozenset(row.agent_id for row in rows),
        )

    async def count(self, call_ids: Sequence[str]) -> Erased:
        """Say what `erase` would delete."""
        counted = Erased()
        for ids in _steps(call_ids, _MANY):
            async with self._database.reading() as connection:
                counted += await _count(connection, ids)
        return counted

    async def erase(self, call_ids: Sequence[str]) -> Erased:
        """Delete calls; what was done before a failure stays done.

        Raises:
            DatabaseAwayError: the database refused.
        """
        erased = Erased()
        for ids in _steps(call_ids, _STEP):
            began = perf_counter()
            async with self._database.writing() as connection:
                erased += await _erase(connection, ids)
            await asyncio.sleep(max(_LEAST_PAUSE_S, perf_counter() - began))
        if erased.calls:
            await self.scrub()
        return erased

    async def forget_quotes(self, before: float) -> int:
        """Take the words out of decisions last touched before a time (seconds since 1970); return how many.

        Their calls may be long gone, or have been recordings: then nothing else leads to them.
        """
        decisions, history = schema.decisions, schema.decision_history
        # Reasons and appeals may be given after the quote was taken out.
        explained = exists().where(history.c.decision_id == decisions.c.id, history.c.reason != "")
        wordy = or_(decisions.c.text != "", explained)
        some = select(decisions.c.id).where(decisions.c.at < before, wordy).limit(_QUOTES)
        forgotten = 0
        while True:
            # Looking takes long where there are many; the live writer does not wait for it.
            async with self._database.reading() as connection:
                ids = list((await connection.execute(some)).scalars())
            if ids:
                # What somebody adds meanwhile is young and stays.
                quotes = update(decisions).where(decisions.c.id.in_(ids), decisions.c.at < before)
                reasons = update(history).where(history.c.decision_id.in_(ids), history.c.at < before)
                async with self._database.writing() as connection:
                    await connection.execute(reasons.values(reason=""))
                    await connection.execute(quotes.values(text=""))
            forgotten += len(ids)
            if len(ids) < _QUOTES:
                return forgotten
            await asyncio.sleep(_LEAST_PAUSE_S)

    async def scrub(self) -> None:
        """Take what was deleted out of the journal too; a server does that by itself."""
        file = self._database.file
        if file is not None:
            await asyncio.to_thread(_empty_journal, file)


def _empty_journal(file: Path) -> None:
    # A connection of its own: inside a transaction this is not possible. While somebody reads an old state, the
    # rest stays until the next time.
    with contextlib.closing(sqlite3.connect(file, timeout=_CHECKPOINT_S)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _steps(ids: Sequence[str], size: int) -> list[list[str]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


async def _count(connection: AsyncConnection, ids: list[str]) -> Erased:
    counted: dict[str, int] = {}
    for name, (table, condition) in _conditions(ids).items():
        found = await connection.execute(select(func.count()).select_from(table).where(condition))
        counted[name] = int(found.scalar_one())
    return Erased(**counted)


async def _erase(connection: AsyncConnection, ids: list[str]) -> Erased:
    # The calls first: whoever writes to them locks them first too.
    calls, decisions, history = schema.calls.c, schema.decisions, schema.decision_history
    locked = select(calls.call_id).where(calls.call_id.in_(ids)).order_by(calls.call_id)
    await connection.execute(locked.with_for_update())
    about = select(decisions.c.id).where(decisions.c.call_id.in_(ids))
    await connection.execute(update(history).where(history.c.decision_id.in_(about)).values(reason=""))
    gone: dict[str, int] = {}
    # Feedback is found by its advice, so it goes before it.
    for name, (table, condition) in _conditions(ids).items():
        changed = update(table).values(text="") if table is decisions else delete(table)
        gone[name] = (await connection.execute(changed.where(condition))).rowcount
    return Erased(**gone)


def _conditions(ids: list[str]) -> dict[str, tuple[Table, ColumnElement[bool]]]:
    """Say where the rows of calls are, by the names of `Erased`."""
    advice = select(schema.advice.c.id).where(schema.advice.c.call_id.in_(ids))
    decisions = schema.decisions.c
    return {
        "feedback": (schema.feedback, schema.feedback.c.advice_id.in_(advice)),
        "advice": (schema.advice, schema.advice.c.call_id.in_(ids)),
        "moments": (schema.moments, schema.moments.c.call_id.in_(ids)),
        "snoozes": (schema.snoozes, schema.snoozes.c.call_id.in_(ids)),
        "whispers": (schema.whispers, schema.whispers.c.call_id.in_(ids)),
        "utterances": (schema.utterances, schema.utterances.c.call_id.in_(ids)),
        "webhooks": (webhook_outbox, webhook_outbox.c.call_id.in_(ids)),
        # The verdict stays, for the rules' health; the words go.
        "decisions": (schema.decisions, and_(decisions.call_id.in_(ids), decisions.text != "")),
        "calls": (schema.calls, schema.calls.c.call_id.in_(ids)),
    }
