"""Commands on their way to Redis: queued without waiting, sent many at a time, one round trip after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hiredis import pack_command
from redis.exceptions import ResponseError

from coach.service.bus_spoiled import is_spoiled
from coach.service.channel import BusDownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio.connection import AbstractConnection

# More in one round trip makes the first event in it wait without making it cheaper for the rest.
_MAX_BATCH: Final = 512
# A round trip takes a millisecond; Redis that needs so long is worse than none.
PATIENCE_S: Final = 2.0
# Half a minute of a full center's events.
MAX_WAITING: Final = 50_000
TOPIC_KEPT_S: Final = 3600
_EXTEND_S: Final = 600.0


# Key, name and the command as it is sent.
_Command = tuple[bytes, bytes, bytes]


class BusWriter:
    """The writing connection of one worker.

    Args:
        spoiled: told of a key that holds no stream; its events are lost, the others go on.

    Attributes:
        idle: set while nothing waits to be sent or answered.
    """

    def __init__(
        self,
        connection: AbstractConnection,
        *,
        spoiled: Callable[[bytes], None],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._connection = connection
        self._spoiled = spoiled
        self._max_waiting = max_waiting
        self._waiting: list[_Command] = []
        # Sent, and not all of it answered.
        self._under_way: list[_Command] = []
        self._wake = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        # When each topic's life was last extended, by the clock of the loop.
        self._extended: dict[bytes, float] = {}
        self._looked_at = 0.0

    @property
    def waiting(self) -> int:
        """How many commands wait to be sent."""
        return len(self._waiting)

    def unconfirmed(self) -> tuple[set[bytes], set[bytes]]:
        """Return the keys whose events may not have arrived, and those whose end may not have."""
        commands = [*self._under_way, *self._waiting]
        added = {key for key, name, _ in commands if name == b"XADD"}
        return added, {key for key, name, _ in commands if name == b"XTRIM"}

    def add(self, key: bytes, *, frame: bytes, meta: bytes, keep: int) -> None:
        """Queue an event for a stream that keeps about so many; its oldest go."""
        self._put(b"XADD", key, b"MAXLEN", b"~", keep, b"*", b"e", frame, b"m", meta)
        now = asyncio.get_running_loop().time()
        if now - self._extended.get(key, -_EXTEND_S) >= _EXTEND_S:
            self._extended[key] = now
            self._put(b"EXPIRE", key, TOPIC_KEPT_S)

    def empty(self, key: bytes) -> None:
        """Queue the end of all events of a stream."""
        # Not DEL: the ids of a new stream begin anew by the clock, and readers may have seen greater ones.
        self._put(b"XTRIM", key, b"MAXLEN", 0)

    async def run(self) -> None:
        """Send what is queued, until cancelled.

        Raises:
            BusDownError: more waits than may, or Redis takes too long.
            RedisError, OSError: the connection is gone, or Redis refused an event for another reason than its key.
        """
        while True:
            if not self._waiting:
                self.idle.set()
                self._wake.clear()
                await self._wake.wait()
            if len(self._waiting) > self._max_waiting:
                raise BusDownError(f"{len(self._waiting)} 条事件等待发往 Redis，上限 {self._max_waiting}")
            batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
            self._under_way = batch
            try:
                async with asyncio.timeout(PATIENCE_S):
                    packed = b"".join(command for _, _, command in batch)
                    await self._connection.send_packed_command(packed, check_health=False)
                    for key, _, _ in batch:
                        await self._read(key)
            except TimeoutError as error:
                raise BusDownError(f"Redis {PATIENCE_S:g} 秒没有应答") from error
            self._under_way = []
            self._forget()

    async def _read(self, key: bytes) -> None:
        try:
            await self._connection.read_response(disable_decoding=True)
        except ResponseError as error:
            if not is_spoiled(error):
                raise
            self._spoiled(key)

    def _put(self, name: bytes, key: bytes, *rest: bytes | int) -> None:
        if len(self._waiting) <= self._max_waiting:
            # The stub takes it for a tuple of one.
            packed = pack_command((name, key, *rest))  # type: ignore[arg-type]
            self._waiting.append((key, name, packed))
        self.idle.clear()
        self._wake.set()

    def _forget(self) -> None:
        """Forget topics that nobody wrote to for long."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > _EXTEND_S:
            self._looked_at = now
            self._extended = {key: at for key, at in self._extended.items() if now - at < 2 * _EXTEND_S}
