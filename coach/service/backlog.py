"""Frames of one producer that were read and not yet taken in, and which of them need not be heard any more.

A service that keeps up has one frame here at a time. One that does not hears the newest words first: of partial
results of one utterance that wait together only the last is checked and shown.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from starlette.websockets import WebSocketDisconnect

from coach.service.handshake import receive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.websockets import WebSocket

Frame = str | bytes
# What may wait; with more, no more is read, so that TCP slows the producer down.
_MAX_FRAMES: Final = 2_000
_MAX_CHARACTERS: Final = 1_000_000


class Backlog:
    """Reads one connection ahead."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._frames: list[tuple[Frame, float]] = []
        self._size = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._over = False

    async def read_forever(self) -> None:
        """Read until the other side is gone."""
        try:
            while True:
                frame = await receive(self._socket)
                self._frames.append((frame, perf_counter()))
                self._size += len(frame)
                self._changed.set()
                if len(self._frames) >= _MAX_FRAMES or self._size >= _MAX_CHARACTERS:
                    self._room.clear()
                    await self._room.wait()
        except WebSocketDisconnect:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Let `take` wait no more."""
        self._over = True
        self._changed.set()

    async def take(self) -> list[tuple[Frame, float]]:
        """Wait for frames; return all there are, each with the `perf_counter` when it came; [] when it is over."""
        while not self._frames and not self._over:
            self._changed.clear()
            await self._changed.wait()
        frames, self._frames, self._size = self._frames, [], 0
        self._room.set()
        return frames


def overtaken(events: Sequence[dict[str, Any]]) -> set[int]:
    """Return the indexes of partial results that a later partial result of the same utterance replaces.

    The last one before a final is heard too: that a recogniser sends partial words says something about the call.

    Args:
        events: as decoded, not checked yet.
    """
    found: set[int] = set()
    newest: dict[tuple[str, str], tuple[int, int]] = {}
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        # Dictionary look-ups, not a pattern: with a backlog there is no time to lose.
        if event.get("final") is not False or event.get("type") != "utterance":
            continue
        call_id, utterance_id = event.get("call_id"), event.get("utterance_id")
        seq, revision = event.get("seq"), event.get("revision")
        if not (
            isinstance(call_id, str)
            and isinstance(utterance_id, str)
            and isinstance(seq, int)
            and isinstance(revision, int)
        ):
            continue
        later_seq, later_revision = newest.setdefault((call_id, utterance_id), (seq, revision))
        if later_seq > seq and later_revision >= revision:
            found.add(index)
    return found
