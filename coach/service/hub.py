"""Fan-out to sockets: per topic a short memory with offsets, per connection a bounded queue (`reader`).

Publishing never waits. With several workers a topic is a stream on the bus: its readers are served from there
(`line`), in one order for all workers, and the memory here serves only while the bus is away.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Protocol

import orjson

from coach.service.channel import BusDownError
from coach.service.line import Line
from coach.service.meter import Meter
from coach.service.reader import TOO_SLOW, Reader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from coach.service.channel import Channel
    from coach.service.render import Message

__all__ = ["TOO_SLOW", "Feed", "Hub", "Reader", "Snapshots"]


class Snapshots(Protocol):
    """Makes what the reader of a topic starts from."""

    def here(self, topic: str) -> Message | None:
        """Return the snapshot by what this worker has in memory; None when another one may know better."""

    async def stored(self, topic: str) -> Message:
        """Return the snapshot by what is on disk."""

    def empty(self, topic: str) -> Message:
        """Return the snapshot of a topic about which nothing is known."""


class Feed:
    """What the readers of one topic see: events, each with an offset.

    Attributes:
        topic: `agent:<id>` for the sidebars of an agent.
        call_id: of an agent's topic, the call shown in a snapshot: the one that started last and has not ended.
        readers: the connections served here; `join` and `leave` change it.
    """

    def __init__(
        self,
        *,
        topic: str,
        keep: int,
        meter: Meter | None = None,
        channel: Channel | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        self.topic = topic
        self.meter = meter or Meter()
        self.call_id: str | None = None
        self._shown_since = 0.0
        self.readers: set[Reader] = set()
        self._keep = keep
        self._joining = 0
        self._snapshots = snapshots
        self._line = None if channel is None else Line(self, channel=channel, snapshots=snapshots)
        # Told while the bus was away: readers at other workers do not know.
        self._untold = False
        self._coalescing: dict[tuple[str, str], Message] = {}
        # When the frame came that the oldest of them is for.
        self._coalescing_since = 0.0
        self.forget()

    @property
    def line(self) -> Line | None:
        """The way over the bus; None without a bus, and while it is away."""
        return self._line if self._line is not None and self._line.up else None

    @property
    def offset(self) -> str:
        """The offset of the last event."""
        self.flush()
        if self.line is not None:
            return self.line.position
        return f"{self._epoch}-{self._number}"

    @property
    def in_use(self) -> bool:
        """Tell whether somebody reads here, or is about to."""
        return bool(self.readers) or self._joining > 0

    def show(self, call_id: str, *, started_at: float) -> None:
        """Show a call, unless a later one is shown (`started_at` in seconds since 1970)."""
        if self.call_id is None or started_at >= self._shown_since:
            self.call_id, self._shown_since = call_id, started_at

    def hide(self, call_id: str) -> None:
        """Show a call no more."""
        if self.call_id == call_id:
            self.call_id = None

    def forget(self) -> None:
        """Forget what memory holds: offsets given so far are unknown from now on."""
        self._epoch = secrets.token_hex(4)
        self._number = 0
        # Events after this number are all in `_events`, but for transcripts a later revision replaced.
        self._complete_after = 0
        self._events: dict[int, bytes] = {}
        self._newest_transcript: dict[tuple[str, str], int] = {}

    def reader(self, *, limit: int) -> Reader:
        """Make a reader of this topic; it sees nothing until it joins."""
        return Reader(limit=limit, snapshot=self.snapshot, meter=self.meter)

    async def join(self, reader: Reader, after: str | None = None) -> None:
        """Give a reader what came after an offset, or a snapshot; from then on it is like the others."""
        self._joining += 1
        try:
            missed = await self._missed(after)
        finally:
            self._joining -= 1
        if missed is None:
            reader.ask_snapshot()
        else:
            for frame in missed:
                reader.put_event(frame)
        if self._line is not None and not self._line.up:
            reader.put_reply(self._line.notice)
        self.readers.add(reader)

    def leave(self, reader: Reader) -> None:
        """Let a reader go."""
        self.readers.discard(reader)
        if self._line is not None and not self.in_use:
            self._line.leave()

    def close(self) -> None:
        """Stop following the stream."""
        if self._line is not None:
            self._line.leave()

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

    def publish_snapshot(self, message: Message) -> None:
        """Put every reader of every worker on a new footing: what they saw may not have come to pass."""
        self.flush()
        if self.line is not None:
            self.line.send(message, kind="resync")
            return
        self._untold = True
        for reader in self.readers:
            reader.ask_snapshot()

    def start_anew(self) -> None:
        """Let every reader of every worker ask for a snapshot, after what is on its way to them."""
        self.flush()
        if self.line is not None:
            self.line.send({"type": "anew"}, kind="anew")
            return
        for reader in self.readers:
            reader.ask_snapshot()

    def flush(self) -> None:
        """Send the transcripts that wait for the end of the loop tick."""
        if not self._coalescing:
            return
        waiting, self._coalescing = self._coalescing, {}
        line = self.line
        if line is not None:
            for message in waiting.values():
                line.send(message, received_at=self._coalescing_since)
            return
        for key, message in waiting.items():
            self._send(message, self._coalescing_since)
            replaced = self._newest_transcript.get(key)
            if replaced is not None:
                self._events.pop(replaced, None)
            self._newest_transcript[key] = self._number

    def since(self, offset: str) -> list[bytes] | None:
        """Return the events in memory after `offset`, or None when they are not all here any more."""
        self.flush()
        epoch, _, number = offset.rpartition("-")
        # Nine digits: more events than one feed ever has, and no giant integers.
        if epoch != self._epoch or not number.isascii() or not number.isdigit() or len(number) > 9:  # noqa: PLR2004
            return None
        after = int(number)
        if not self._complete_after <= after <= self._number:
            return None
        return [frame for each, frame in self._events.items() if each > after]

    def snapshot(self) -> Message | None:
        """Make a snapshot; None when it comes by way of the bus or the disk."""
        if self._snapshots is None:
            raise RuntimeError(f"{self.topic}: nobody makes snapshots of it")
        if self.line is None:
            message = self._snapshots.here(self.topic)
            if message is None and self._line is None:
                message = self._snapshots.empty(self.topic)
            if message is not None:
                return {**message, "offset": self.offset}
        if self._line is not None:
            self._line.ask()
        return None

    def resynchronise(self) -> None:
        """Start anew for every reader: the bus went away or came back."""
        self.forget()
        if self._line is None:
            return
        if self._line.up and self._untold:
            # Before the readers here ask: they will read from behind it.
            self._untold = False
            self.start_anew()
        if not self._line.up:
            self._line.lose()
        for reader in self.readers:
            reader.put_reply(self._line.notice)
            reader.ask_snapshot()

    async def _missed(self, after: str | None) -> list[bytes] | None:
        if self.line is None:
            return self.since(after) if after else None
        try:
            return await self.line.join(after)
        except BusDownError:
            return None

    def _send(self, message: Message, received_at: float) -> None:
        if self.line is not None:
            self.line.send(message, received_at=received_at)
            return
        self._untold = True
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
    """All feeds of one tenant by topic.

    Args:
        keep: events kept per topic.
        channel: the tenant's part of the bus; None without one.
    """

    def __init__(self, *, keep: int, meter: Meter | None = None, channel: Channel | None = None) -> None:
        self.meter = meter or Meter()
        self.channel = channel
        self._keep = keep
        self._feeds: dict[str, Feed] = {}
        self._snapshots: dict[str, Snapshots] = {}
        if channel is not None:
            channel.on("snapshot", self._answer)
            channel.on_change(self._resynchronise)
            channel.on_topic(self._resynchronise_topic)

    def __len__(self) -> int:
        return len(self._feeds)

    def serve(self, kind: str, snapshots: Snapshots) -> None:
        """Say who makes the snapshots of topics that begin with `kind:`; before the first of its feeds."""
        self._snapshots[kind] = snapshots

    def feed(self, topic: str) -> Feed:
        """Return the topic's feed, new if need be."""
        feed = self._feeds.get(topic)
        if feed is None:
            feed = self._feeds[topic] = Feed(
                topic=topic,
                keep=self._keep,
                meter=self.meter,
                channel=self.channel,
                snapshots=self._snapshots.get(topic.partition(":")[0]),
            )
        return feed

    def known(self, topic: str) -> Feed | None:
        """Return the topic's feed, if there is one."""
        return self._feeds.get(topic)

    def erase(self, topic: str) -> None:
        """Delete what was said on a topic: whoever comes back gets a snapshot."""
        feed = self._feeds.get(topic)
        if feed is not None:
            feed.flush()
            feed.forget()
        if self.channel is not None:
            self.channel.erase(topic)

    def readers(self) -> Iterator[Reader]:
        """Iterate over all connected readers."""
        return (reader for feed in self._feeds.values() for reader in feed.readers)

    def forget_idle(self, *, busy: Collection[str]) -> None:
        """Drop feeds without readers, but those of `busy` topics; whoever comes back gets a snapshot."""
        idle = [key for key, feed in self._feeds.items() if not feed.in_use and key not in busy]
        for topic in idle:
            self._feeds.pop(topic).close()

    def close(self) -> None:
        """Let all feeds go; their readers are gone, or are told to go."""
        for feed in self._feeds.values():
            feed.close()
        self._feeds.clear()

    def _answer(self, asked: Message) -> None:
        """Publish the snapshot that another worker's reader waits for, if the call is here."""
        topic = str(asked["topic"])
        snapshots = self._snapshots.get(topic.partition(":")[0])
        feed = self._feeds.get(topic)
        if snapshots is None or feed is None or feed.line is None:
            return
        feed.flush()
        message = snapshots.here(topic)
        if message is not None:
            feed.line.send(message, kind="snapshot")

    def _resynchronise_topic(self, topic: str) -> None:
        feed = self._feeds.get(topic)
        if feed is not None:
            feed.resynchronise()

    def _resynchronise(self) -> None:
        for feed in list(self._feeds.values()):
            feed.resynchronise()
