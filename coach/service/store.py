"""What survives a crash: calls, finals, advice, feedback, snoozes, in one SQLite file.

One task writes; what waits is committed together, so one flush to disk serves many calls. Every write can be
repeated without harm. Reads have connections of their own and never wait for the writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from coach.coaching.events import Utterance
from coach.errors import CoachError, ConfigError
from coach.service import schema
from coach.service.batch import Batch, Write
from coach.service.commit import advance_calls, write_rows
from coach.service.meter import Meter

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Row
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

# More than this in one transaction makes the first producer in it wait without making it cheaper for the rest.
_MAX_BATCH: Final = 500
_RETRY_S: Final = 0.5
# An ack may be this much later; the card is not, it never waits for the disk.
_LINGER_S: Final = 0.04


class StaleCallError(CoachError):
    """Another writer moved the call on; the state in memory is out of date."""


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as the disk knows it.

    Attributes:
        heard: the finals in order, each with its seq.
        snoozes: in order: seq, rule, and whether it fell silent (True) or speaks again.
        moments: in the order of the call.
    """

    call_id: str
    agent_id: str
    started_at: float
    slots: dict[str, str]
    seq: int
    ended_ms: int | None
    heard: tuple[tuple[int, Utterance], ...]
    snoozes: tuple[tuple[int, str, bool], ...]
    moments: tuple[dict[str, Any], ...]


class Store:
    """The database and its writer task."""

    def __init__(self, path: Path, *, max_waiting: int, meter: Meter | None = None) -> None:
        self._path = path
        self.max_waiting = max_waiting
        self._meter = meter or Meter()
        # Parameters are what customers said: they must not get into the log with an error.
        self._engine: AsyncEngine = create_async_engine(f"sqlite+aiosqlite:///{path}", hide_parameters=True)
        event.listen(self._engine.sync_engine, "connect", _on_connect)
        self._waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        # Why the last commit failed; "" when it did not.
        self.error = ""

    async def open(self) -> None:
        """Create or migrate the tables and start the writer.

        Raises:
            ConfigError: the file cannot be opened or was written by a newer version.
        """
        try:
            # Made by us, so that nobody else on the machine can read what customers said.
            self._path.touch(mode=0o600)
            async with self._engine.begin() as connection:
                await _migrate(connection, self._path)
        except (DBAPIError, OSError) as error:
            await self._engine.dispose()
            raise ConfigError(f"{self._path}: 无法打开数据库：{getattr(error, 'orig', error)}") from error
        except ConfigError:
            await self._engine.dispose()
            raise
        self._writer = asyncio.create_task(self._write_forever(), name="store-writer")

    async def close(self) -> None:
        """Commit what waits and close the file."""
        self._closing = True
        self._hurry.set()
        self._wake.set()
        if self._writer is not None:
            await self._writer
        await self._engine.dispose()

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
        self._waiting.append((write, done))
        self._wake.set()
        return done

    def reading(self) -> AsyncConnection:
        """Return a connection for queries of others, to be used as `async with`; the writer is not held up."""
        return self._engine.connect()

    async def settle(self) -> None:
        """Wait until everything put so far was committed or given up."""
        self._hurry.set()
        if self._waiting:
            await asyncio.wait([self._waiting[-1][1]])

    async def load_call(self, call_id: str) -> StoredCall | None:
        """Read a call with everything needed to hear it again; None when it was never started."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(schema.calls).where(schema.calls.c.call_id == call_id))
            ).first()
            if row is None:
                return None
            table = schema.utterances
            heard = await connection.execute(
                select(table).where(table.c.call_id == call_id).order_by(table.c.seq, table.c.utterance_id)
            )
            table = schema.snoozes
            snoozes = await connection.execute(
                select(table.c.seq, table.c.rule, table.c.quiet)
                .where(table.c.call_id == call_id)
                .order_by(table.c.seq, table.c.rule)
            )
            table = schema.moments
            moments = await connection.execute(
                select(table).where(table.c.call_id == call_id).order_by(table.c.at_ms, table.c.id)
            )
            return StoredCall(
                call_id=call_id,
                agent_id=row.agent_id,
                started_at=row.started_at,
                slots=orjson.loads(row.slots),
                seq=row.seq,
                ended_ms=row.ended_ms,
                heard=tuple((each.seq, _utterance(each)) for each in heard),
                snoozes=tuple((each.seq, each.rule, each.quiet) for each in snoozes),
                moments=tuple(_moment(each) for each in moments),
            )

    async def open_calls(self, *, since: float, limit: int) -> list[str]:
        """List calls that have not ended, youngest first. `since` in seconds since 1970."""
        table = schema.calls
        query = (
            select(table.c.call_id)
            .where(table.c.ended_ms.is_(None), table.c.started_at >= since)
            .order_by(table.c.started_at.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def advice_owner(self, advice_id: str) -> tuple[str, str] | None:
        """Return (agent id, call id) of a piece of advice; None when it is not stored."""
        query = (
            select(schema.calls.c.agent_id, schema.calls.c.call_id)
            .join(schema.advice, schema.advice.c.call_id == schema.calls.c.call_id)
            .where(schema.advice.c.id == advice_id)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (row.agent_id, row.call_id)

    async def describe_advice(self, call_id: str) -> list[dict[str, Any]]:
        """List the advice of a call with outcome and feedback, in the order of the call."""
        table = schema.advice
        async with self._engine.connect() as connection:
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
                await self._wake.wait()
                await self._linger()
                continue
            taken = self._waiting[:_MAX_BATCH]
            began = perf_counter()
            try:
                stale = await self._commit([write for write, _ in taken])
            except (DBAPIError, OSError) as error:
                self.error = str(getattr(error, "orig", error))
                self._meter.failed_commits += 1
                log.error("提交失败，%d 条等待写入：%s", len(self._waiting), self.error)  # noqa: TRY400 - no trace
                if self._closing:
                    _fail(self._waiting, error)
                    return
                await asyncio.sleep(_RETRY_S)
                continue
            self.error = ""
            self._meter.commit.add(perf_counter() - began)
            self._meter.batch.add(len(taken))
            self._meter.committed += len(taken)
            del self._waiting[: len(taken)]
            for write, done in taken:
                if done.cancelled():
                    continue
                if write.advance and write.call_id in stale:
                    done.set_exception(StaleCallError(write.call_id))
                else:
                    done.set_result(None)

    async def _linger(self) -> None:
        """Let other calls' events join the commit: a flush costs the same for one as for hundreds."""
        if not self._closing and len(self._waiting) < _MAX_BATCH:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _LINGER_S)

    async def _commit(self, writes: list[Write]) -> set[str]:
        batch = Batch.of(writes)
        async with self._engine.begin() as connection:
            stale = await advance_calls(connection, batch)
            if stale:
                batch = Batch.of(
                    [write for write in writes if not (write.advance and write.call_id in stale)]
                )
            await write_rows(connection, batch)
        return stale


async def _migrate(connection: AsyncConnection, path: Path) -> None:
    version = int((await connection.execute(text("PRAGMA user_version"))).scalar_one())
    if version > schema.VERSION:
        raise ConfigError(
            f"{path}: 数据库版本 {version} 来自更新的 coach，本版本最多支持 {schema.VERSION}；请升级 coach"
        )
    if version == 0:
        await connection.run_sync(schema.metadata.create_all)
    else:
        for statements in schema.MIGRATIONS[version - 1 :]:
            for statement in statements:
                await connection.execute(text(statement))
    await connection.execute(text(f"PRAGMA user_version = {schema.VERSION}"))


def _on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    cursor = connection.cursor()
    # FULL: an ack survives a power cut too; the group commit pays for the flush.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _utterance(row: Row[Any]) -> Utterance:
    return Utterance(
        call_id=row.call_id,
        utterance_id=row.utterance_id,
        revision=row.revision,
        speaker=row.speaker,
        text=row.text,
        final=True,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
    )


def _moment(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "utterance_id": row.utterance_id,
        "kind": row.kind,
        "at_ms": row.at_ms,
        "turn": row.turn,
        "details": orjson.loads(row.details),
    }


def _fail(waiting: list[tuple[Write, asyncio.Future[None]]], error: Exception) -> None:
    for _, done in waiting:
        if not done.done():
            done.set_exception(error)
            # Nobody may be listening any more; the error was logged.
            done.exception()
