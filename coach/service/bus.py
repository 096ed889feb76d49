"""The bus between workers: a stream of Redis for each topic and one for what workers tell each other.

Comes and goes with Redis: while it is away everything here does nothing, and whoever listens is told. Nothing
that was acked depends on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import orjson
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from coach.errors import ConfigError
from coach.service.bus_link import CONNECT_S, CONTROL, CONTROL_KEPT, Link, in_time
from coach.service.bus_spoiled import SpoiledKeys, is_spoiled
from coach.service.channel import BusDownError, Channel, Look, id_of, read_entry
from coach.service.presence import Presence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from coach.service.bus_writer import BusWriter
    from coach.service.channel import Followed
    from coach.service.render import Message

log = logging.getLogger(__name__)

# A stream must hold what its slowest reader has not read yet.
_LEAST_KEPT: Final = 128
# Of many agents at once.
_TEAM_FACTOR: Final = 16
_BEGINNING: Final = "0-0"
_OFFSET: Final = re.compile(r"\d{1,15}-\d{1,10}")
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
# Coming up makes every sidebar start over: Redis that stays away is tried often, one that comes and goes is not.
_LASTING_S: Final = 10.0
_LONGEST_PAUSE_AFTER_UP_S: Final = 30.0


class Bus:
    """One worker's connections to Redis.

    Attributes:
        worker: the name of this process.
        up: Redis is there.
        generation: how often it came up.
        error: why it is away; "" when it is there.
        spoiled: the keys of topics that hold no stream.

    Raises:
        ConfigError: the address is none.
    """

    def __init__(self, url: str, *, keep: int) -> None:
        self.worker = secrets.token_hex(4)
        self.up = False
        self.generation = 0
        self.error = "还没有连接"
        self._keep = max(keep, _LEAST_KEPT)
        self._url = url
        self._sources = 0
        self._presence = Presence(self.worker, clock=time.monotonic)
        self._link: Link | None = None
        self.spoiled = SpoiledKeys(self._topic_changed)
        # What the last link may not have brought to Redis: events that nobody knows of, and ends of streams.
        self._unsure: set[bytes] = set()
        self._to_empty: set[bytes] = set()
        self._topic_listeners: list[Callable[[bytes], None]] = []
        self._handlers: dict[tuple[str, str], Callable[[Message], None]] = {}
        self._listeners: list[Callable[[], None]] = []
        self._tried = asyncio.Event()
        try:
            self._pool: ConnectionPool = ConnectionPool.from_url(
                url, protocol=2, socket_timeout=None, socket_connect_timeout=CONNECT_S
            )
        except ValueError as error:
            raise ConfigError(f"redis_url: 应为 redis://主机:端口/库号，{error}") from error

    @property
    def waiting(self) -> int:
        """How many events wait to be sent."""
        return 0 if self._writer is None else self._writer.waiting

    @property
    def _writer(self) -> BusWriter | None:
        return None if self._link is None else self._link.writer

    def alive(self) -> frozenset[str]:
        """Return the names of the other workers that may be alive."""
        return self._presence.alive()

    def channel(self, tenant: str) -> Channel:
        """Return one tenant's part."""
        return Channel(self, tenant)

    def source(self) -> bytes:
        """Return a name for one sender on one topic."""
        self._sources += 1
        return f"{self.worker}.{self._sources}".encode()

    def on(self, tenant: str, kind: str, handler: Callable[[Message], None]) -> None:
        """Call `handler` with each message of a kind that another worker tells about a tenant."""
        self._handlers[tenant, kind] = handler

    def off(self, tenant: str, kind: str, handler: Callable[[Message], None]) -> None:
        """Call `handler` no more, if it is still the one that is called."""
        if self._handlers.get((tenant, kind)) is handler:
            del self._handlers[tenant, kind]

    def on_change(self, handler: Callable[[], None]) -> None:
        """Call `handler` after Redis went away or came back."""
        self._listeners.append(handler)

    def off_change(self, handler: Callable[[], None]) -> None:
        """Call `handler` no more."""
        self._listeners.remove(handler)

    def on_topic(self, handler: Callable[[bytes], None]) -> None:
        """Call `handler` with the key of each topic that is found spoiled, or mended."""
        self._topic_listeners.append(handler)

    def off_topic(self, handler: Callable[[bytes], None]) -> None:
        """Call `handler` no more."""
        self._topic_listeners.remove(handler)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the end of the block; what was published by then still gets into Redis."""
        task = asyncio.create_task(self.run(), name="bus")
        try:
            await self._tried.wait()
            yield
            # Behind all that was told: whoever waits for this worker's answers need not wait any more.
            self.tell(self._presence.farewell)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    await self.drain()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(self) -> None:
        """Connect, and connect again whenever Redis went away, until cancelled."""
        pause, clock = _FIRST_PAUSE_S, asyncio.get_running_loop().time
        while True:
            hello = {"from": self.worker, **self._presence.hello}
            link = Link(self._pool, hello=hello, heard=self._heard, spoiled=self.spoiled)
            came_up = None
            try:
                await in_time(link.open())
                self._come_up(link)
                came_up = clock()
                await link.broken()
            except (RedisError, OSError, TimeoutError, BusDownError) as error:
                self._go_down(str(error) or type(error).__name__)
            except Exception as error:
                # A fault of ours: still better connected anew than dead.
                log.exception("与 Redis 的连接意外结束，重新连接")
                self._go_down(repr(error))
            finally:
                self._link, self.up = None, False
                self._note_unconfirmed(link)
                await link.close()
            pause = pause_after(pause, lasted_s=0.0 if came_up is None else clock() - came_up)
            await asyncio.sleep(pause)

    async def drain(self) -> None:
        """Wait until what was published is in Redis, or Redis is away."""
        if self._writer is not None:
            await self._writer.idle.wait()

    def publish(self, key: bytes, *, frame: bytes, meta: bytes) -> None:
        """Queue an event for a stream; while Redis is away, or the key is no stream, it is dropped."""
        if self._writer is not None and key not in self.spoiled:
            keep = self._keep if b":agent:" in key else _TEAM_FACTOR * self._keep
            self._writer.add(key, frame=frame, meta=meta, keep=keep)

    def erase(self, key: bytes) -> None:
        """Delete what is in a stream, after what was published so far; while Redis is away, when it is back."""
        if self._writer is None:
            self._to_empty.add(key)
        elif key not in self.spoiled:
            self._writer.empty(key)

    def tell(self, message: Message) -> None:
        """Tell all other workers something."""
        if self._writer is not None:
            frame = orjson.dumps({"from": self.worker, **message})
            self._writer.add(CONTROL, frame=frame, meta=b"", keep=CONTROL_KEPT)

    async def look(self, key: bytes, after: str | None) -> Look:
        """Return where a stream ends and what came after an offset.

        Raises:
            BusDownError: Redis is away, or refuses the question.
        """
        most = 2 * self._keep * (1 if b":agent:" in key else _TEAM_FACTOR) + 200
        known = after is not None and _OFFSET.fullmatch(after) is not None
        async with self._queries() as pipe:
            pipe.xrevrange(key, count=1)
            if known:
                pipe.xinfo_stream(key)
                pipe.xrange(key, min=after, count=most)
            newest, *found = await pipe.execute(raise_on_error=False)
        if isinstance(newest, Exception):
            if is_spoiled(newest):
                self.spoiled.add(key)
            raise BusDownError(str(newest)) from newest
        last = newest[0][0].decode() if newest else "0-0"
        if not found or any(isinstance(each, Exception) for each in found):
            return Look(last, None)
        about, entries = found
        if after == _BEGINNING:
            # From before the first event of all: nothing must have been cut off since.
            whole = about["entries-added"] == about["length"]
        else:
            whole = bool(entries) and entries[0][0].decode() == after
            entries = entries[1:]
        if not whole or len(entries) >= most - 1:
            return Look(last, None)
        events = [entry for raw, fields in entries if (entry := read_entry(raw, fields)) is not None]
        # The second question may have seen more than the first.
        return Look(max([last, *(raw.decode() for raw, _ in entries[-1:])], key=id_of), events)

    async def lease(self, key: str, *, ttl_s: int) -> bool:
        """Take or renew a lease; False while another worker has it or Redis is away."""
        try:
            async with self._queries() as pipe:
                pipe.set(key, self.worker, nx=True, ex=ttl_s)
                pipe.get(key)
                taken, holder = await pipe.execute()
                if not taken and holder == self.worker.encode():
                    pipe.expire(key, ttl_s)
                    await pipe.execute()
        except BusDownError:
            return False
        return bool(taken) or holder == self.worker.encode()

    def follow(self, topic: Followed) -> None:
        """Read a stream from its `position` on."""
        if self._link is not None:
            self._link.follow(topic)

    def unfollow(self, topic: Followed) -> None:
        """Read a stream no more."""
        if self._link is not None:
            self._link.unfollow(topic)

    @contextlib.asynccontextmanager
    async def _queries(self) -> Any:  # noqa: ANN401 - redis-py's own pipeline
        if self._link is None:
            raise BusDownError(self.error)
        try:
            async with (
                asyncio.timeout(CONNECT_S),
                self._link.queries(),
                self._link.client.pipeline(transaction=False) as pipe,
            ):
                yield pipe
        except (RedisError, OSError, TimeoutError) as error:
            raise BusDownError(str(error)) from error

    def _heard(self, message: Message, ago_s: float | None = None) -> None:
        """Take in what a worker tells, or told so many seconds before this one listened."""
        self._presence.heard(message, ago_s=ago_s or 0.0)
        if message["from"] == self.worker or ago_s is not None:
            return
        handler = self._handlers.get((message["tenant"], message["kind"]))
        if handler is not None:
            handler(message)
        elif message.get("everyone"):
            # A tenant that is not known here: there is nothing of it here.
            self.tell({"tenant": message["tenant"], "kind": "answer", "ask": message["ask"]})

    def _come_up(self, link: Link) -> None:
        if self.generation:
            log.warning("Redis 恢复，所有侧边栏重新同步")
        self._link, self.up, self.error = link, True, ""
        self.generation += 1
        self._tried.set()
        self._make_sure()
        self._changed()

    def _note_unconfirmed(self, link: Link) -> None:
        if link.writer is not None:
            added, emptied = link.writer.unconfirmed()
            self._unsure |= added - {CONTROL}
            self._to_empty |= emptied

    def _make_sure(self) -> None:
        """Tell the readers of every topic whose last events may be lost to ask for a snapshot."""
        emptied, self._to_empty = self._to_empty, set()
        for key in emptied:
            self.erase(key)
        unsure, self._unsure = self._unsure, set()
        for key in unsure:
            meta = b"anew %b 1 %.6f 0.0" % (self.source(), time.perf_counter())
            self.publish(key, frame=orjson.dumps({"type": "anew"}), meta=meta)

    def _topic_changed(self, key: bytes) -> None:
        for listener in list(self._topic_listeners):
            listener(key)

    def _go_down(self, error: str) -> None:
        was_up, self._link, self.up = self.up, None, False
        if was_up or not self._tried.is_set():
            # Once, however long it stays away.
            log.error("Redis 不可用，侧边栏只收到本进程的事件，直到恢复：%s", error)
        self.error = error
        self._tried.set()
        if was_up:
            self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("处理 Redis 的变化时出错")


def pause_after(pause: float, *, lasted_s: float) -> float:
    """Return how long to wait for the next try to connect, in seconds.

    Args:
        pause: the last one.
        lasted_s: how long the connection was up since; 0 when it was not.
    """
    if lasted_s >= _LASTING_S:
        return _FIRST_PAUSE_S
    return min(2 * pause, _LONGEST_PAUSE_AFTER_UP_S if lasted_s else _LONGEST_PAUSE_S)
