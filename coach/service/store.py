"""What survives a crash: calls, finals, advice, feedback, snoozes, in the database.

One task writes; what waits is committed together, so one flush to disk serves many calls. Every write can be
repeated without harm. Reads have connections of their own and never wait for the writer. Other processes may
write too: who moves a call on first wins, the other is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import select, text

from coach.errors import CoachError
from coach.service import schema
from coach.service.batch import Batch, Write
from coach.service.commit import advance_calls, write_rows
from coach.service.database import FAILURES, DatabaseAwayError, is_refusal, reason_of
from coach.service.meter import Meter
from coach.service.migrate import open_database
from coach.service.stored_call import read_call

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.database import Database
    from coach.service.stored_call import StoredCall
    from coach.service.webhooks.events import EventWriter

    Waiting = tuple[Write, asyncio.Future[None]]

log = logging.getLogger(__name__)

# More than this in one transaction makes the first producer in it wait without making it cheaper for the rest.
_MAX_BATCH: Final = 500
_RETRY_S: Final = 0.5
# An ack may be this much later; the card is not, it never waits for the disk.
_LINGER_S: Final = 0.04
# A server that hangs is away: it is said, and tried again over another connection.
_COMMIT_S: Final = 15.0
# How soon it is noticed that a server is away to which nobody wrote.
_LOOK_S: Final = 5.0


class StaleCallError(CoachError):
    """Another writer moved the call on; the state in memory is out of date."""


class Store:
    """The writer task of a database, and what is read of it. Closing the database is its owner's."""

    def __init__(
        self,
        database: Database,
        *,
        max_waiting: int,
        meter: Meter | None = None,
        events: EventWriter | None = None,
        words: bool = True,
    ) -> None:
        self._database = database
        # Notes in the same commit what other systems are to be told.
        self._events = events
        # False: what was said stays in memory.
        self._words = words
        self.max_waiting = max_waiting
        self._meter = meter or Meter()
        self._writer_id = secrets.token_hex(8)
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        # Why the database could not be written to, or not be reached, the last time; "" when it could.
        self.error = ""

    async def open(self) -> None:
        """Make sure of the tables and start the writer.

        Raises:
            ConfigError: the database cannot be opened, is of a newer program, or has to be upgraded first.
        """
        try:
            await open_database(self._database)
        except BaseException:
            await self._database.close()
            raise
        self._writer = asyncio.create_task(self._write_forever(), name="store-writer")

    async def close(self) -> None:
        """Commit what waits."""
        self._closing = True
        self._hurry.set()
        self._wake.set()
        if self._writer is not None:
            await self._writer

    @property
    def full(self) -> bool:
        """Tell whether producers should slow down."""
        return len(self._waiting) >= self.max_waiting

    @property
    def waiting(self) -> int:
        """How many writes wait for the disk."""
        return len(self._waiting)

    def put(self, write: Write) -> asyncio.Future[None]:
        """Queue a write; the future is done once it is on disk.

        The future raises StaleCallError when another writer moved the call on.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((write if self._words else write.without_words(), done))
        self._wake.set()
        return done

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a transaction for queries, to be used as `async with`; the writer is not held up.

        Raises:
            DatabaseAwayError: it cannot be asked now.
        """
        self._check_there()
        return self._database.reading()

    def _check_there(self) -> None:
        if self.error and self._database.file is None:
            # A connection carries many calls: they must not all wait until a server that is away does not answer.
            raise DatabaseAwayError(self.error)

    async def settle(self) -> None:
        """Wait until everything put so far was committed or given up."""
        self._hurry.set()
        if self._waiting:
            await asyncio.wait([self._waiting[-1][1]])

    async def load_call(self, call_id: str) -> StoredCall | None:
        """Read a call with everything needed to hear it again; None when it was never started.

        Raises:
            DatabaseAwayError: it cannot be asked now.
        """
        self._check_there()
        return await self._database.read(partial(read_call, call_id=call_id))

    async def open_calls(self, *, since: float, limit: int, agent_id: str | None = None) -> list[str]:
        """List calls that have not ended, of all agents or of one, youngest first. `since` in seconds since 1970."""
        table = schema.calls
        query = (
            select(table.c.call_id)
            .where(table.c.ended_ms.is_(None), table.c.started_at >= since)
            .order_by(table.c.started_at.desc())
            .limit(limit)
        )
        if agent_id is not None:
            query = query.where(table.c.agent_id == agent_id)
        async with self.reading() as connection:
            return list((await connection.execute(query)).scalars())

    async def advice_owner(self, advice_id: str) -> tuple[str, str] | None:
        """Return (agent id, call id) of a piece of advice; None when it is not stored."""
        query = (
            select(schema.calls.c.agent_id, schema.calls.c.call_id)
            .join(schema.advice, schema.advice.c.call_id == schema.calls.c.call_id)
            .where(schema.advice.c.id == advice_id)
        )
        async with self.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (row.agent_id, row.call_id)

    async def describe_advice(self, call_id: str) -> list[dict[str, Any]]:
        """List the advice of a call with outcome and feedback, in the order of the call."""
        table = schema.advice
        async with self.reading() as connection:
            rows = (
                await connection.execute(
                    select(table).where(table.c.call_id == call_id).order_by(table.c.at_ms, table.c.id)
                )
            ).mappings()
            answers = await connection.execute(
                select(schema.feedback)
                .join(table, table.c.id == schema.feedback.c.advice_id)
                .where(table.c.call_id == call_id)
            )
            given: dict[str, dict[str, str]] = {}
            for answer in answers:
                given.setdefault(answer.advice_id, {})[answer.kind] = answer.value
            return [
                {
                    # The driver's keys are a subclass of str that orjson does not take.
                    **{str(name): value for name, value in row.items()},
                    "suggestions": orjson.loads(row["suggestions"]),
                    "feedback": given.get(row["id"], {}),
                }
                for row in rows
            ]

    async def _write_forever(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wait()
                continue
            try:
                await self._write(self._waiting[:_MAX_BATCH])
            except FAILURES as error:
                self._meter.failed_commits += 1
                self._note(reason_of(error))
                if self._closing:
                    _fail(self._waiting, error)
                    return
                await asyncio.sleep(_RETRY_S)

    async def _wait(self) -> None:
        """Wait for something to write; every now and then look whether a server is there."""
        look_s = None if self._database.file else _LOOK_S
        try:
            await asyncio.wait_for(self._wake.wait(), _RETRY_S if self.error else look_s)
        except TimeoutError:
            try:
                async with self._database.transaction(limit_s=_COMMIT_S) as connection:
                    await connection.execute(text("SELECT 1"))
            except FAILURES as error:
                self._note(reason_of(error))
            else:
                self._note("")
            return
        # Let other calls' events join the commit: a flush costs the same for one as for hundreds.
        if not self._closing and len(self._waiting) < _MAX_BATCH:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _LINGER_S)

    def _note(self, error: str) -> None:
        """Remember why the database fails, and log when that changes."""
        if error and error != self.error:
            log.error("数据库写不进去，%d 条等待写入，会一直重试：%s", len(self._waiting), error)
        elif self.error and not error:
            log.warning("数据库恢复，%d 条等待写入", len(self._waiting))
        self.error = error

    async def _write(self, taken: list[Waiting]) -> None:
        """Commit the oldest of what waits and tell who waits for it.

        Raises:
            one of FAILURES: it has to be tried again.
        """
        began = perf_counter()
        refused: dict[str, Exception] = {}
        try:
            stale = await self._commit([write for write, _ in taken])
        except FAILURES as error:
            if not is_refusal(error):
                raise
            stale, refused = await self._commit_apart([write for write, _ in taken])
        self._note("")
        self._meter.commit.add(perf_counter() - began)
        self._meter.batch.add(len(taken))
        self._meter.committed += len(taken)
        del self._waiting[: len(taken)]
        for write, done in taken:
            if done.cancelled():
                continue
            if write.call_id in refused:
                done.set_exception(refused[write.call_id])
                # Nobody may be listening; the error was logged.
                done.exception()
            elif write.advance and write.call_id in stale:
                done.set_exception(StaleCallError(write.call_id))
            else:
                done.set_result(None)

    async def _commit(self, writes: list[Write]) -> set[str]:
        batch = Batch.of(writes)
        touched = {write.call_id for write in writes}
        events = self._events

        def work(connection: Connection) -> tuple[set[str], bool]:
            stale = advance_calls(connection, batch, touched=touched, writer=self._writer_id)
            kept = (
                Batch.of([write for write in writes if not (write.advance and write.call_id in stale)])
                if stale
                else batch
            )
            write_rows(connection, kept)
            return stale, events is not None and events.write(connection, kept)

        stale, told = await self._database.commit(work, limit_s=_COMMIT_S)
        if events is not None and told:
            events.committed()
        return stale

    async def _commit_apart(self, writes: list[Write]) -> tuple[set[str], dict[str, Exception]]:
        """Commit each call by itself: one that the database will never take must not keep the others waiting."""
        calls: dict[str, list[Write]] = {}
        for write in writes:
            calls.setdefault(write.call_id, []).append(write)
        stale: set[str] = set()
        refused: dict[str, Exception] = {}
        for call_id, its_writes in calls.items():
            try:
                stale |= await self._commit(its_writes)
            except FAILURES as error:
                if not is_refusal(error):
                    raise
                log.error("数据库不接受：%s", reason_of(error), extra={"call_id": call_id})  # noqa: TRY400 - no trace
                refused[call_id] = CoachError(reason_of(error))
        return stale, refused


def _fail(waiting: list[tuple[Write, asyncio.Future[None]]], error: Exception) -> None:
    for _, done in waiting:
        if not done.done():
            done.set_exception(error)
            # Nobody may be listening any more; the error was logged.
            done.exception()
