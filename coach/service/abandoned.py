"""Ends calls on disk that nobody ended, that have been silent for long and that no worker has."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from coach.service import schema
from coach.service.database import DatabaseAwayError
from coach.service.live import LiveCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from coach.service.ownership import Ownership
    from coach.service.store import Store
    from coach.service.stored_call import StoredCall

log = logging.getLogger(__name__)

# Nobody waits for the sweep.
_ASK_S: Final = 10.0
# As long as a worker that died is taken for one that is busy.
_AGAIN_S: Final = 60.0


class AbandonedCalls:
    """The calls on disk that nobody ended.

    Args:
        live: the calls in memory here.
        revive: reads a call from disk and holds it.
        time_out: ends a call that was silent for too long.
        timeout_s: a call without an event for so long is abandoned; 0: none ever is.
        limit: calls ended at once.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        store: Store,
        ownership: Ownership,
        live: Mapping[str, LiveCall],
        revive: Callable[[str], Awaitable[LiveCall | StoredCall | None]],
        time_out: Callable[[LiveCall], None],
        timeout_s: float,
        limit: int,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._ownership = ownership
        self._live = live
        self._revive = revive
        self._time_out = time_out
        self._timeout_s = timeout_s
        self._limit = limit
        self._clock = clock

    async def end_forever(self) -> None:
        """End abandoned calls every `timeout_s`, until cancelled; 0: never.

        The first time is `timeout_s` after the start: a call that a restart interrupted has its whole time again.
        """
        pause = self._timeout_s
        while self._timeout_s:
            await asyncio.sleep(pause)
            pause = self._timeout_s
            try:
                # One worker at a time, and each call once.
                mine = await self._ownership.may("sweep", for_s=max(1, int(self._timeout_s / 2)))
                if mine and not await self.end():
                    pause = min(_AGAIN_S, self._timeout_s)
            except DatabaseAwayError as error:
                log.error("查找无人结束的通话失败，稍后重试：%s", error.reason)  # noqa: TRY400 - no trace

    async def end(self) -> bool:
        """End the calls that fell silent and that no worker has, each heard again first; tell whether it could.

        While a worker does not answer nothing is ended: it may have them.

        Raises:
            DatabaseAwayError: it cannot be asked now.
        """
        before = self._clock() - self._timeout_s
        silent = await self._silent(before)
        held = await self._ownership.ask_held(silent.keys() - self._live.keys(), within_s=_ASK_S)
        if not held.sure:
            log.warning("有进程没有应答，暂不结束无人结束的通话：%d 通", len(silent))
            return False
        for call_id in silent:
            if call_id in held.calls or call_id in self._live:
                continue
            # Asking took a while, and so did the calls before this one.
            seq = (await self._silent(before, call_id=call_id)).get(call_id)
            if seq is None:
                continue
            live = await self._revive(call_id)
            # Whoever sent something meanwhile keeps it alive.
            if (
                isinstance(live, LiveCall)
                and live.committed == seq
                and not (live.producers or live.call.ended)
            ):
                self._time_out(live)
        return True

    async def _silent(self, before: float, *, call_id: str | None = None) -> dict[str, int]:
        """Return the open calls that neither moved nor had words since, with their seq, oldest first.

        Args:
            before: seconds since 1970.
            call_id: look at this one only.
        """
        calls, words = schema.calls.c, schema.utterances.c
        last_ms = select(func.max(words.end_ms)).where(words.call_id == calls.call_id).scalar_subquery()
        query = (
            select(calls.call_id, calls.seq)
            .where(
                calls.ended_ms.is_(None),
                calls.started_at < before,
                func.coalesce(calls.moved_at, 0.0) < before,
                # An older program does not say when it moved a call.
                calls.started_at + func.coalesce(last_ms, 0) / 1000.0 < before,
            )
            .order_by(calls.started_at)
            .limit(self._limit)
        )
        if call_id is not None:
            query = query.where(calls.call_id == call_id)
        async with self._store.reading() as connection:
            return {row.call_id: row.seq for row in await connection.execute(query)}
