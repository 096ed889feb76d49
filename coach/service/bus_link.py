"""The connections of one stretch of time in which Redis is there; whatever ends one of them ends all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

from coach.service.bus_follower import MAX_TOPICS, Follower
from coach.service.bus_writer import TOPIC_KEPT_S, BusWriter
from coach.service.channel import BusDownError, id_of
from coach.service.presence import ALIVE_S, BEAT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from coach.service.bus_spoiled import SpoiledKeys
    from coach.service.channel import Followed
    from coach.service.render import Message

log = logging.getLogger(__name__)

T = TypeVar("T")

# What workers tell each other.
CONTROL: Final = b"coach:control"
CONTROL_KEPT: Final = 10_000
CONNECT_S: Final = 2.0
_QUERIES: Final = 4


async def in_time(answer: Awaitable[T]) -> T:
    """Bound a wait for Redis: of its own the client bounds the way there only, not the answers."""
    try:
        async with asyncio.timeout(CONNECT_S):
            return await answer
    except TimeoutError as error:
        raise BusDownError(f"Redis {CONNECT_S:g} 秒没有应答") from error


class _Control:
    """The stream of what workers tell each other."""

    key = CONTROL

    def __init__(self, position: str, heard: Callable[[Message], None]) -> None:
        self.position = position
        self._heard = heard

    def take(self, entries: list[tuple[bytes, list[bytes]]]) -> None:
        for raw, fields in entries:
            self.position = raw.decode()
            try:
                self._heard(orjson.loads(fields[1]))
            except Exception:
                # One message must not cost the connection over which all the others come.
                log.exception("另一个进程的消息无法处理：%s", self.position)


class Link:
    """The connections of one stretch of time.

    Args:
        pool: makes them.
        hello: what this worker says of itself, at once and every few seconds.
        heard: takes what other workers tell, and what this one does; with seconds, what was told before.
        spoiled: the keys that hold no stream.
    """

    def __init__(
        self, pool: ConnectionPool, *, hello: Message, heard: Callable[..., None], spoiled: SpoiledKeys
    ) -> None:
        self._pool = pool
        self._hello = orjson.dumps(hello)
        self._heard = heard
        self._spoiled = spoiled
        self._connections: list[Any] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._followers: list[Follower] = []
        # Topics that wait for a connection of their own to be made.
        self._pending: dict[bytes, Followed] = {}
        self._growing: asyncio.Task[None] | None = None
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns = asyncio.Semaphore(_QUERIES)
        self.client: Redis = Redis(connection_pool=pool)
        self.writer: BusWriter | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            RedisError, OSError: there is no server, or it refuses what is written.
        """
        connection, _ = await self._connect()
        writer = BusWriter(connection, spoiled=self._spoil)
        # Written, not only looked up: a server that refuses what is written (a replica, a full one) is of no use.
        place: Any = await self.client.xadd(CONTROL, {b"e": self._hello, b"m": b""}, maxlen=CONTROL_KEPT)
        await self.client.expire(CONTROL, TOPIC_KEPT_S)
        await self._look_back(place)
        follower = await self._add_follower()
        follower.follow(_Control(place.decode(), self._heard))
        self._followers.clear()
        self.writer = writer
        self._start(writer.run(), "bus-writer")
        self._start(self._say_hello(writer), "bus-hello")

    def queries(self) -> asyncio.Semaphore:
        """Return what keeps the questions of hundreds that join at once from opening a connection each."""
        return self._turns

    async def broken(self) -> None:
        """Wait until it is over; raises why."""
        await self._broken

    async def close(self) -> None:
        """Close every connection."""
        tasks = [*self._tasks, *([self._growing] if self._growing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in self._connections:
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)
        with contextlib.suppress(RedisError, OSError):
            await self._pool.disconnect()

    def follow(self, topic: Followed) -> None:
        """Read a stream from its `position` on."""
        for follower in self._followers:
            if len(follower) < MAX_TOPICS:
                follower.follow(topic)
                return
        self._pending[topic.key] = topic
        if self._growing is None or self._growing.done():
            self._growing = asyncio.create_task(self._grow(), name="bus-grow")
            self._growing.add_done_callback(self._ended)

    def unfollow(self, topic: Followed) -> None:
        """Read a stream no more, unless somebody else reads it by now."""
        if self._pending.get(topic.key) is topic:
            del self._pending[topic.key]
        for follower in self._followers:
            follower.unfollow(topic)

    async def _look_back(self, place: bytes) -> None:
        """Hear who told something before this link was there: they may be alive."""
        now_ms, _ = id_of(place.decode())
        said: Any = await self.client.xrange(CONTROL, min=f"{now_ms - int(ALIVE_S * 1000)}-0", max=place)
        for raw, fields in said:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                self._heard(orjson.loads(fields[b"e"]), (now_ms - id_of(raw.decode())[0]) / 1000)

    async def _say_hello(self, writer: BusWriter) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            writer.add(CONTROL, frame=self._hello, meta=b"", keep=CONTROL_KEPT)
            await in_time(self._spoiled.look_again(self.client))

    def _spoil(self, key: bytes) -> None:
        if key == CONTROL:
            raise BusDownError(f"Redis 里的键 {CONTROL.decode()} 不是流，是别的程序写的；请删除这个键")
        self._spoiled.add(key)

    async def _grow(self) -> None:
        while self._pending:
            follower = await in_time(self._add_follower())
            while self._pending and len(follower) < MAX_TOPICS:
                key = next(iter(self._pending))
                follower.follow(self._pending.pop(key))

    async def _add_follower(self) -> Follower:
        connection, client_id = await self._connect()
        follower = Follower(connection, client_id=client_id, unblock=self._unblock, spoiled=self._spoil)
        self._followers.append(follower)
        self._start(follower.run(), "bus-follower")
        return follower

    async def _unblock(self, client_id: int) -> None:
        async with self._turns:
            await self.client.client_unblock(client_id)

    async def _connect(self) -> tuple[Any, int]:
        connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
        self._connections.append(connection)
        await connection.connect()
        await connection.send_command("CLIENT", "ID")
        return connection, int(await connection.read_response())

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self._broken.done():
            self._broken.set_exception(error)
