"""Reads some dozens of streams over one connection, as their events come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hiredis import pack_command
from redis.exceptions import ResponseError

from coach.service.bus_spoiled import fits, is_spoiled
from coach.service.channel import BusDownError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio.connection import AbstractConnection

    from coach.service.channel import Followed

# Redis walks over all topics of a read: fewer make a read cheaper, more make for fewer connections.
MAX_TOPICS: Final = 64
_BLOCK_MS: Final = 5_000
_PATIENCE_S: Final = 2.0
# Of one topic in one answer.
_COUNT: Final = 256


class Follower:
    """One reading connection of one worker.

    Args:
        connection: connected; nobody else uses it.
        unblock: lets the read that waits on the connection of this id return at once.
        spoiled: told of a key that holds no stream; it is read no more.
    """

    def __init__(
        self,
        connection: AbstractConnection,
        *,
        client_id: int,
        unblock: Callable[[int], Awaitable[object]],
        spoiled: Callable[[bytes], None],
    ) -> None:
        self._connection = connection
        self._spoiled = spoiled
        self._client_id = client_id
        self._unblock = unblock
        self._topics: dict[bytes, Followed] = {}
        self._reading = False
        self._changed = asyncio.Event()
        self._nudge: asyncio.Future[object] | None = None

    def __len__(self) -> int:
        return len(self._topics)

    def follow(self, topic: Followed) -> None:
        """Read a topic from its `position` on."""
        self._topics[topic.key] = topic
        self._changed.set()
        # All that join in one tick of the loop share it.
        if self._reading and (self._nudge is None or self._nudge.done()):
            self._nudge = asyncio.ensure_future(self._unblock(self._client_id))
            self._nudge.add_done_callback(_let_fail)

    def unfollow(self, topic: Followed) -> None:
        """Read a topic no more, unless another one took its place; what is on its way is dropped."""
        if self._topics.get(topic.key) is topic:
            del self._topics[topic.key]

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            BusDownError: Redis takes too long.
            RedisError, OSError: the connection is gone.
        """
        while True:
            self._changed.clear()
            if not self._topics:
                await self._changed.wait()
                continue
            self._reading = True
            try:
                async with asyncio.timeout(_BLOCK_MS / 1000 + _PATIENCE_S):
                    answer = await self._read()
            except TimeoutError as error:
                raise BusDownError("Redis 没有应答读取") from error
            except ResponseError as error:
                if not is_spoiled(error):
                    raise
                await self._leave_spoiled()
                continue
            finally:
                self._reading = False
            for key, entries in answer or ():
                topic = self._topics.get(key)
                if topic is not None:
                    topic.take(entries)

    async def _leave_spoiled(self) -> None:
        """Find out which of the topics cannot be read, and read the others."""
        topics = list(self._topics.values())
        async with asyncio.timeout(_PATIENCE_S):
            for topic in topics:
                await self._connection.send_command("TYPE", topic.key)
                if not fits(await self._connection.read_response(disable_decoding=True)):
                    self.unfollow(topic)
                    self._spoiled(topic.key)

    async def _read(self) -> list[tuple[bytes, list[tuple[bytes, list[bytes]]]]] | None:
        # Somebody joined after the topics were listed: do not wait, read again with it.
        block = 1 if self._changed.is_set() else _BLOCK_MS
        positions = (topic.position for topic in self._topics.values())
        command = (b"XREAD", b"COUNT", _COUNT, b"BLOCK", block, b"STREAMS", *self._topics, *positions)
        # The stub takes it for a tuple of one.
        packed = pack_command(command)  # type: ignore[arg-type]
        await self._connection.send_packed_command(packed, check_health=False)
        return await self._connection.read_response(disable_decoding=True)  # type: ignore[no-any-return]


def _let_fail(nudge: asyncio.Future[object]) -> None:
    # Redis is gone then, which the reading connection notices by itself.
    if not nudge.cancelled():
        nudge.exception()
