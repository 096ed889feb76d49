"""Fan-out to sidebars: per agent a short memory with offsets, per connection a bounded queue.

Publishing never waits. A reader that falls behind is given a fresh snapshot once; if it is still behind, it
is closed, so it never costs another reader anything.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, Final

import orjson

from coach.service.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from coach.service.render import Message

TOO_SLOW: Final = 1013


class Reader:
    """The outgoing side of one sidebar connection. One task takes from it; anyone may put."""

    def __init__(self, *, limit: int, snapshot: Callable[[], Message], meter: Meter | None = None) -> None:
        self._limit = limit
        self._meter = meter or Meter()
        self._snapshot = snapshot
        self._frames: deque[tuple[bool, bytes]] = deque()
        self._wake = asyncio.Event()
        # Behind since the last overflow; cleared when the reader has caught up.
        self._behind = False
        self._snapshot_due = False
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
        self._frames = deque(each for each in self._frames if not each[0])
        self._snapshot_due = True
        self._wake.set()

    def close(self, code: int) -> None:
        """Let the writer close the socket with `code` instead of sending what is queued."""
        self.closed_with = code
        self._frames.clear()
        self._snapshot_due = False
        self._wake.set()

    @property
    def depth(self) -> int:
        """How many messages wait to be sent."""
        return len(self._frames)

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
            if self._snapshot_due:
                # Still due while it is made: what making it publishes is inside it already.
                frame = orjson.dumps(self._snapshot())
                self._snapshot_due = False
                return frame
            self._behind = False
            self._wake.clear()
            await self._wake.wait()


class Feed:
    """What one agent's sidebars see: the events of his calls, numbered."""

    def __init__(self, *, agent_id: str, keep: int, meter: Meter | None = None) -> None:
        self.agent_id = agent_id
        self.meter = meter or Meter()
        # The call shown in a snapshot: the one that started last and has not ended.
        self.call_id: str | None = None
        self.readers: set[Reader] = set()
        self._keep = keep
        self._epoch = secrets.token_hex(4)
        self._number = 0
        # Events after this number are all in `_events`, but for transcripts a later revision replaced.
        self._complete_after = 0
        self._events: dict[int, bytes] = {}
        self._newest_transcript: dict[tuple[str, str], int] = {}
        self._coalescing: dict[tuple[str, str], Message] = {}
        # When the frame came that the oldest of them is for.
        self._coalescing_since = 0.0

    @property
    def offset(self) -> str:
        """The offset of the last event."""
        self.flush()
        return f"{self._epoch}-{self._number}"

    def publish(self, message: Message) -> None:
        """Send an event to every reader; of the transcripts of one loop tick the last revision."""
        if message["type"] == "transcript":
            if not self._coalescing:
                self._coalescing_since = self.meter.received_at
                asyncio.get_running_loop().call_soon(self.flush)
            key = (message["call_id"], message["utterance_id"])
            self._coalescing.pop(key, None)
            self._coalescing[key] = message
            return
        self.flush()
        self._send(message, self.meter.received_at)

    def flush(self) -> None:
        """Send the transcripts that wait for the end of the loop tick."""
        if not self._coalescing:
            return
        waiting, self._coalescing = self._coalescing, {}
        for key, message in waiting.items():
            self._send(message, self._coalescing_since)
            replaced = self._newest_transcript.get(key)
            if replaced is not None:
                self._events.pop(replaced, None)
            self._newest_transcript[key] = self._number

    def since(self, offset: str) -> list[bytes] | None:
        """Return the events after `offset`, or None when they are not all here any more."""
        self.flush()
        epoch, _, number = offset.rpartition("-")
        # Nine digits: more events than one feed ever has, and no giant integers.
        if epoch != self._epoch or not number.isascii() or not number.isdigit() or len(number) > 9:  # noqa: PLR2004
            return None
        after = int(number)
        if not self._complete_after <= after <= self._number:
            return None
        return [frame for each, frame in self._events.items() if each > after]

    def _send(self, message: Message, received_at: float) -> None:
        self._number += 1
        message["offset"] = f"{self._epoch}-{self._number}"
        # A tight copy: orjson's own result keeps its working buffer, 4 KB for 400 bytes.
        frame = memoryview(orjson.dumps(message)).tobytes()
        self._events[self._number] = frame
        if len(self._events) > self._keep:
            oldest = next(iter(self._events))
            del self._events[oldest]
            self._complete_after = oldest
            self._forget_transcripts()
        for reader in self.readers:
            reader.put_event(frame)
        if self.readers:
            self.meter.pushed(received_at)

    def _forget_transcripts(self) -> None:
        # Rarely worth doing for one entry; the table is never larger than a few calls.
        if len(self._newest_transcript) > 2 * self._keep:
            self._newest_transcript = {
                key: number for key, number in self._newest_transcript.items() if number in self._events
            }


class Hub:
    """All feeds by agent."""

    def __init__(self, *, keep: int, meter: Meter | None = None) -> None:
        self.meter = meter or Meter()
        self._keep = keep
        self._feeds: dict[str, Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def feed(self, agent_id: str) -> Feed:
        """Return the agent's feed, new if need be."""
        feed = self._feeds.get(agent_id)
        if feed is None:
            feed = self._feeds[agent_id] = Feed(agent_id=agent_id, keep=self._keep, meter=self.meter)
        return feed

    def readers(self) -> Iterator[Reader]:
        """Iterate over all connected readers."""
        return (reader for feed in self._feeds.values() for reader in feed.readers)

    def forget_idle(self, *, busy: Collection[str]) -> None:
        """Drop feeds without readers, but those of `busy` agents; whoever comes back gets a snapshot."""
        idle = [key for key, feed in self._feeds.items() if not feed.readers and key not in busy]
        for agent_id in idle:
            del self._feeds[agent_id]
