"""The way of one topic over the bus: what is sent into its stream, and its readers' place in it.

A snapshot is an event of the stream too, so it has a place in the order; only readers that wait for one take it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

import orjson
from sqlalchemy.exc import SQLAlchemyError

from coach.errors import CoachError
from coach.service.channel import ANSWER_S, KINDS, BusDownError, Entry, id_of, with_offset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.service.channel import Channel
    from coach.service.hub import Feed, Snapshots
    from coach.service.render import Message

log = logging.getLogger(__name__)

Kind = Literal["event", "snapshot", "resync", "anew"]

_STORE_S: Final = 5.0
_RETRY_S: Final = 1.0
_AGAIN_S: Final = 0.05
# Workers that sent into one topic lately; more than there ever are.
_MOST_SOURCES: Final = 256


class Line:
    """One topic of one worker on the bus.

    Attributes:
        key: of the stream.
        position: offset of the last event that the readers here were given.
    """

    def __init__(self, feed: Feed, *, channel: Channel, snapshots: Snapshots | None) -> None:
        self._feed = feed
        self._channel = channel
        self._snapshots = snapshots
        self.key = channel.key(feed.topic)
        self.position = "0-0"
        self._followed_in = 0
        self._source = channel.source()
        self._sent = 0
        # By sender the number of its last event: a jump means that the stream was cut before we had read it.
        self._seen: dict[bytes, int] = {}
        self._joining = asyncio.Lock()
        self._recordings: list[list[Entry]] = []
        self._asking: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()

    @property
    def up(self) -> bool:
        """Tell whether the bus is there for this topic."""
        return self._channel.has(self.key)

    @property
    def notice(self) -> Message:
        """What readers are told about the bus."""
        return {"type": "degraded", "active": not self.up, "reason": "bus"}

    def send(self, message: Message, *, kind: Kind = "event", received_at: float = 0.0) -> None:
        """Send a message into the stream; `received_at` by `perf_counter`, 0.0 if no frame caused it."""
        self._sent += 1
        meta = b"%b %b %d %.6f %.6f" % (
            kind.encode(), self._source, self._sent, perf_counter(), received_at
        )  # fmt: skip
        self._channel.publish(self.key, frame=orjson.dumps(message), meta=meta)

    async def join(self, after: str | None) -> list[bytes] | None:
        """Follow the stream; return what came after an offset up to `position`, None when it is not all there.

        Raises:
            BusDownError: the bus is away.
        """
        async with self._joining:
            with self._recorded() as recent:
                look = await self._channel.look(self.key, after)
                if not self._followed:
                    self._follow(look.last)
                if look.after is None:
                    return None
                # The look and the reading are two connections: each may know what the other does not yet.
                here, seen = id_of(self.position), id_of(look.last)
                entries = [entry for entry in look.after if entry.id <= here]
                entries += [entry for entry in recent if seen < entry.id <= here]
                return None if any(entry.kind == "anew" for entry in entries) else _told(entries)

    def leave(self) -> None:
        """Follow the stream no more: the last reader is gone."""
        if self._followed:
            self._channel.unfollow(self)
        self._followed_in = 0
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def lose(self) -> None:
        """Follow the stream no more, until somebody asks: the bus is away for this topic."""
        if self._followed_in:
            self._channel.unfollow(self)
        self._followed_in = 0

    def ask(self) -> None:
        """Get a snapshot for the readers that wait for one."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name=f"snapshot-{self._feed.topic}")

    def take(self, entries: list[tuple[bytes, list[bytes]]]) -> None:
        """Give the readers what came."""
        for raw, fields in entries:
            # Moved before anything else: what cannot be read is not read again.
            self.position = raw.decode()
            try:
                kind, source, number, sent_at, received_at = fields[3].split()
                self._check_sequence(source, int(number))
                self._give_all(kind, raw, fields[1])
                if source.partition(b".")[0] == self._source.partition(b".")[0]:
                    # Our own clock.
                    self._feed.meter.hop.add(perf_counter() - float(sent_at))
                    if self._feed.readers:
                        self._feed.meter.pushed(float(received_at))
            except (ValueError, IndexError) as error:
                log.error("%s: 略过读不懂的事件 %s：%s", self._feed.topic, self.position, error)  # noqa: TRY400 - no trace

    def _give_all(self, kind: bytes, raw: bytes, event: bytes) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r}")
        frame = with_offset(raw, event)
        if self._recordings:
            entry = Entry(id_of(self.position), frame, kind.decode())
            for recording in self._recordings:
                recording.append(entry)
        if kind == b"event":
            for reader in self._feed.readers:
                reader.put_event(frame)
            return
        if kind == b"anew":
            for reader in self._feed.readers:
                reader.ask_snapshot()
            return
        self._arrived.set()
        for reader in self._feed.readers:
            if kind == b"resync":
                reader.resynchronise(frame)
            else:
                reader.put_snapshot(frame)

    @property
    def _followed(self) -> bool:
        return self._followed_in == self._channel.generation and self.up

    def _follow(self, position: str) -> None:
        self.position = position
        self._seen.clear()
        self._followed_in = self._channel.generation
        self._channel.follow(self)

    def _check_sequence(self, source: bytes, number: int) -> None:
        last = self._seen.pop(source, None)
        self._seen[source] = number
        if len(self._seen) > _MOST_SOURCES:
            del self._seen[next(iter(self._seen))]
        if last is not None and number != last + 1:
            log.warning("%s: 事件流在读到之前被截短，改发快照", self._feed.topic)
            for reader in self._feed.readers:
                reader.ask_snapshot()

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[list[Entry]]:
        """Note the events that come meanwhile."""
        recent: list[Entry] = []
        self._recordings.append(recent)
        try:
            yield recent
        finally:
            self._recordings = [each for each in self._recordings if each is not recent]

    async def _ask(self) -> None:
        # The readers note that they wait once we were called.
        await asyncio.sleep(0)
        pause = _AGAIN_S
        while any(reader.awaits_snapshot for reader in self._feed.readers):
            try:
                if self.up:
                    await self._ask_workers()
                else:
                    await self._ask_store()
            except BusDownError as error:
                if self.up:
                    # It goes away just now, or is there and refuses this very question.
                    log.warning("%s: 没能询问快照，稍后重试：%s", self._feed.topic, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _RETRY_S)
            except (CoachError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.error("%s: 没能从磁盘生成快照，稍后重试：%r", self._feed.topic, error)  # noqa: TRY400 - no trace
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # Whoever waits would wait for ever.
                log.exception("%s: 生成快照时出错，稍后重试", self._feed.topic)
                await asyncio.sleep(_RETRY_S)

    async def _ask_workers(self) -> None:
        """Ask whoever has the call; what nobody has is on disk."""
        if not self._followed:
            async with self._joining:
                look = await self._channel.look(self.key, None)
                if not self._followed:
                    self._follow(look.last)
        self._arrived.clear()
        self._feed.flush()
        mark = self.position
        with self._recorded() as recent:
            here = None if self._snapshots is None else self._snapshots.here(self._feed.topic)
            if here is not None:
                self.send(here, kind="snapshot")
            else:
                self._channel.tell("snapshot", topic=self._feed.topic)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._arrived.wait()
                    return
            message = here or await self._stored()
            if not self._arrived.is_set():
                self._give(message, mark, [entry.frame for entry in recent if entry.kind == "event"])

    async def _ask_store(self) -> None:
        """Read from disk what this worker does not have; nobody can be asked."""
        mark = self._feed.offset
        message = await self._stored()
        if not self.up:
            self._give(message, mark, self._feed.since(mark) or [])

    async def _stored(self) -> Message:
        if self._snapshots is None:
            raise BusDownError(self._feed.topic)
        async with asyncio.timeout(_STORE_S):
            return await self._snapshots.stored(self._feed.topic)

    def _give(self, message: Message, mark: str, frames: list[bytes]) -> None:
        """Give a snapshot with the events after it to those that wait; the owner's own is still welcome."""
        snapshot = orjson.dumps({**message, "offset": mark})
        for reader in self._feed.readers:
            if reader.awaits_snapshot:
                reader.put_snapshot(snapshot, provisional=True)
                for frame in frames:
                    reader.put_event(frame)


def _told(entries: list[Entry]) -> list[bytes]:
    """Return what a reader that missed these is sent: of an utterance the last revision, nothing before a resync."""
    frames: dict[object, bytes] = {}
    for entry in entries:
        if entry.kind == "snapshot":
            continue
        if entry.kind == "resync":
            frames.clear()
        message = orjson.loads(entry.frame)
        key: object = entry.id
        if message["type"] == "transcript":
            key = (message["call_id"], message["utterance_id"])
            frames.pop(key, None)
        frames[key] = entry.frame
    return list(frames.values())
