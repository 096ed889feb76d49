"""Commands on their way to Redis: queued without waiting, sent many at a time, one round trip after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hiredis import pack_command

from coach.service.channel import BusDownError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

# More in one round trip makes the first event in it wait without making it cheaper for the rest.
_MAX_BATCH: Final = 512
# A round trip takes a millisecond; Redis that needs so long is worse than none.
PATIENCE_S: Final = 2.0
# Half a minute of a full center's events.
MAX_WAITING: Final = 50_000
TOPIC_KEPT_S: Final = 3600
_EXTEND_S: Final = 600.0


class BusWriter:
    """The writing connection of one worker.

    Attributes:
        idle: set while nothing waits to be sent or answered.
    """

    def __init__(self, connection: AbstractConnection, *, max_waiting: int = MAX_WAITING) -> None:
        self._connection = connection
        self._max_waiting = max_waiting
        self._waiting: list[bytes] = []
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

    def add(self, key: bytes, *, frame: bytes, meta: bytes, keep: int) -> None:
        """Queue an event for a stream that keeps about so many; its oldest go."""
        self._put((b"XADD", key, b"MAXLEN", b"~", keep, b"*", b"e", frame, b"m", meta))
        now = asyncio.get_running_loop().time()
        if now - self._extended.get(key, -_EXTEND_S) >= _EXTEND_S:
            self._extended[key] = now
            self._put((b"EXPIRE", key, TOPIC_KEPT_S))

    def empty(self, key: bytes) -> None:
        """Queue the end of all events of a stream."""
        # Not DEL: the ids of a new stream begin anew by the clock, and readers may have seen greater ones.
        self._put((b"XTRIM", key, b"MAXLEN", 0))

    async def run(self) -> None:
        """Send what is queued, until cancelled.

        Raises:
            BusDownError: more waits than may, or Redis takes too long.
            RedisError, OSError: the connection is gone, or Redis refused an event.
        """
        while True:
            if not self._waiting:
                self.idle.set()
                self._wake.clear()
                await self._wake.wait()
            if len(self._waiting) > self._max_waiting:
                raise BusDownError(f"{len(self._waiting)} 条事件等待发往 Redis，上限 {self._max_waiting}")
            batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._connection.send_packed_command(b"".join(batch), check_health=False)
                    for _ in batch:
                        await self._connection.read_response(disable_decoding=True)
            except TimeoutError as error:
                raise BusDownError(f"Redis {PATIENCE_S:g} 秒没有应答") from error
            self._forget()

    def _put(self, command: tuple[bytes | int, ...]) -> None:
        if len(self._waiting) <= self._max_waiting:
            # The stub takes it for a tuple of one.
            self._waiting.append(pack_command(command))  # type: ignore[arg-type]
        self.idle.clear()
        self._wake.set()

    def _forget(self) -> None:
        """Forget topics that nobody wrote to for long."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > _EXTEND_S:
            self._looked_at = now
            self._extended = {key: at for key, at in self._extended.items() if now - at < 2 * _EXTEND_S}
