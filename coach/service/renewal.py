"""A call that another worker moved on is read again here, and what is not on disk yet is heard again.

So a producer whose events reach now this worker and now that one need not send anything twice.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from coach.errors import MessageError
from coach.service.live import LiveCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from coach.service.live import Producer
    from coach.service.messages import ProducerEvent
    from coach.service.stored_call import StoredCall

log = logging.getLogger(__name__)


class Apply(Protocol):
    """Takes in events whose turn it is."""

    def __call__(
        self,
        live: LiveCall,
        events: tuple[ProducerEvent | None, ...],
        *,
        producer: Producer,
        started: dict[str, object] | None,
    ) -> None:
        """Take them in, each once."""


class Renewals:
    """The calls being read again.

    Args:
        revive: reads a call from disk and holds it.
        remove: drops a call from memory.
        apply: takes in events whose turn it is.
    """

    def __init__(
        self,
        *,
        revive: Callable[[str], Awaitable[LiveCall | StoredCall | None]],
        remove: Callable[[LiveCall], None],
        apply: Apply,
    ) -> None:
        self._revive = revive
        self._remove = remove
        self._apply = apply
        self._running: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._running

    async def wait(self, call_id: str) -> None:
        """Wait until a call that is being read again is here."""
        task = self._running.get(call_id)
        if task is not None:
            # Shielded: the connection that waits may go away.
            await asyncio.shield(task)

    def begin(self, live: LiveCall) -> None:
        """Read a call again; whoever wants it waits by `wait`."""
        if live.call_id not in self._running:
            task = asyncio.create_task(self._renew(live), name=f"renewal-{live.call_id}")
            self._running[live.call_id] = task
            task.add_done_callback(lambda _: self._running.pop(live.call_id, None))

    async def _renew(self, old: LiveCall) -> None:
        old.stale = True
        self._remove(old)
        live = None
        try:
            live = await self._revive(old.call_id)
        except MessageError as error:
            log.warning("没能重新读取：%s", error.message, extra={"call_id": old.call_id})
        if live is None:
            old.refuse_rest()
        elif isinstance(live, LiveCall):
            self._hear_again(old, live)
        else:
            everyone = _Everyone(old.producers)
            everyone.ack(old.call_id, live.seq)
            if any(seq > live.seq for seq, _ in _unstored(old)):
                ended = MessageError("call_ended", "通话已在别处结束，不再接收")
                everyone.refuse(ended, call_id=old.call_id, seq=None)

    def _hear_again(self, old: LiveCall, live: LiveCall) -> None:
        everyone = _Everyone(old.producers)
        live.producers |= old.producers
        for seq, event in _unstored(old):
            if event is not None and live.is_late_final(event):
                self._apply(live, (event,), producer=everyone, started=None)
            else:
                verdict = live.sequencer.arrive(seq, event)
                self._apply(live, verdict.ready, producer=everyone, started=None)
        if live.committed:
            everyone.ack(live.call_id, live.committed)


class _Everyone:
    """All producers of a call as one."""

    resends = True

    def __init__(self, producers: Iterable[Producer]) -> None:
        self._producers = tuple(producers)

    def ack(self, call_id: str, seq: int) -> None:
        for producer in self._producers:
            producer.ack(call_id, seq)

    def refuse(self, error: MessageError, *, call_id: str | None, seq: int | None) -> None:
        for producer in self._producers:
            producer.refuse(error, call_id=call_id, seq=seq)


def _unstored(live: LiveCall) -> list[tuple[int, ProducerEvent | None]]:
    """Return what a call was told and did not get acked, in order; None where nothing is to be heard again."""
    if live.pending is None:
        return live.sequencer.held()
    pending = live.pending.since(live.committed, before=live.sequencer.expected)
    return sorted((*pending, *live.sequencer.held()), key=lambda each: each[0])
