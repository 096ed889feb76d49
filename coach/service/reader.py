"""The outgoing side of one socket: a bounded queue that turns into a snapshot when it overflows.

A reader that falls behind is given a fresh snapshot once; if it is still behind, it is closed, so it never
costs another reader anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import orjson

from coach.service.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.service.render import Message

TOO_SLOW: Final = 1013


class Reader:
    """What waits to be sent on one connection. One task takes from it; anyone may put.

    Args:
        limit: messages that may wait.
        snapshot: makes what a reader starts from; None means that it was asked for and comes by `put_snapshot`.
    """

    def __init__(
        self, *, limit: int, snapshot: Callable[[], Message | None], meter: Meter | None = None
    ) -> None:
        self._limit = limit
        self._meter = meter or Meter()
        self._snapshot = snapshot
        self._frames: deque[tuple[bool, bytes]] = deque()
        self._wake = asyncio.Event()
        # Behind since the last overflow; cleared when the reader has caught up.
        self._behind = False
        self._snapshot_due = False
        # Asked for, and on its way.
        self._awaited = False
        # The last snapshot came from the store; the one of the call's owner would be better.
        self._provisional = False
        self.closed_with: int | None = None

    def put_event(self, frame: bytes) -> None:
        """Queue an event of the feed; an overflow turns everything queued into one snapshot."""
        if self._snapshot_due or self.closed_with is not None:
            # The snapshot is made when it is sent, so it will hold this event.
            return
        if len(self._frames) < self._limit:
            self._frames.append((True, frame))
        elif self._behind:
            self._drop()
        else:
            self._behind = True
            self._meter.resyncs += 1
            self.ask_snapshot()
        self._wake.set()

    def put_reply(self, message: Message) -> None:
        """Queue an answer to this reader alone; it survives a resynchronisation."""
        if len(self._frames) >= 2 * self._limit:
            self._drop()
            return
        self._frames.append((False, orjson.dumps(message)))
        self._wake.set()

    def ask_snapshot(self) -> None:
        """Drop the events queued and send a snapshot in their place."""
        if self.closed_with is not None:
            return
        self._frames = deque(each for each in self._frames if not each[0])
        self._snapshot_due = True
        self._awaited = self._provisional = False
        self._wake.set()

    def put_snapshot(self, frame: bytes, *, provisional: bool = False) -> None:
        """Queue a snapshot, if one is awaited or a better one is welcome; the events after it follow."""
        if not self._awaited and (provisional or not self._provisional):
            return
        self.resynchronise(frame)
        self._provisional = provisional

    def resynchronise(self, frame: bytes) -> None:
        """Send a snapshot in place of the events queued, asked for or not."""
        if self.closed_with is not None:
            return
        self.ask_snapshot()
        self._snapshot_due = False
        self._frames.append((True, frame))

    def close(self, code: int) -> None:
        """Let the writer close the socket with `code` instead of sending what is queued."""
        self.closed_with = code
        self._frames.clear()
        self._snapshot_due = self._awaited = False
        self._wake.set()

    @property
    def depth(self) -> int:
        """How many messages wait to be sent."""
        return len(self._frames)

    @property
    def awaits_snapshot(self) -> bool:
        """Tell whether a snapshot was asked for and has not come."""
        return self._awaited

    def _drop(self) -> None:
        self._meter.dropped += self.closed_with is None
        self.close(TOO_SLOW)

    async def next(self) -> bytes | None:
        """Return the next frame, or None when the socket is to be closed."""
        while True:
            if self.closed_with is not None:
                return None
            if self._frames:
                return self._frames.popleft()[1]
            if self._snapshot_due and not self._awaited:
                # Still due while it is made: what making it publishes is inside it already.
                message = self._snapshot()
                if message is not None:
                    self._snapshot_due = False
                    return orjson.dumps(message)
                self._awaited = True
            elif not self._snapshot_due:
                self._behind = False
            self._wake.clear()
            await self._wake.wait()
