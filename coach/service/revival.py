"""Brings calls back from disk: each is read once, however many events wait for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.call_builder import CallBuilder
    from coach.service.live import LiveCall
    from coach.service.snapshots import AgentSnapshots
    from coach.service.store import Store
    from coach.service.stored_call import StoredCall

log = logging.getLogger(__name__)


class Revivals:
    """The calls being read from disk.

    Args:
        hold: puts a call among those in memory.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        store: Store,
        builder: CallBuilder,
        snapshots: AgentSnapshots,
        hold: Callable[[LiveCall], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._builder = builder
        self._snapshots = snapshots
        self._hold = hold
        self._clock = clock
        self._running: dict[str, asyncio.Task[LiveCall | StoredCall | None]] = {}

    async def bring(self, call_id: str) -> LiveCall | StoredCall | None:
        """Bring a stored call back; a StoredCall is one that has ended, None was never started.

        Others may wait for the same call and go on first: look again who has it.
        """
        task = self._running.get(call_id)
        if task is None:
            task = self._running[call_id] = asyncio.create_task(self._read(call_id))
            task.add_done_callback(lambda _: self._running.pop(call_id, None))
        # Shielded: the connection that asked first may go away, the others still wait.
        return await asyncio.shield(task)

    async def _read(self, call_id: str) -> LiveCall | StoredCall | None:
        stored = await self._store.load_call(call_id)
        if stored is None or stored.ended_ms is not None:
            return stored
        live = self._builder.rebuild(stored)
        live.touched_at = self._clock()
        self._hold(live)
        snapshot = self._snapshots.here(live.feed.topic)
        if snapshot is not None:
            # What was told and not stored did not come to pass; its producer sends it again.
            live.feed.publish_snapshot(snapshot)
        log.info("从磁盘恢复通话，%d 句", len(stored.heard), extra={"call_id": call_id})
        return live
