"""How many requests somebody may send in a minute, and how often an address may come with a wrong key.

Counted in Redis where there is one, so that all processes count together; while it is away each counts for itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from coach.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from limits import WindowStats
    from limits.aio.storage import Storage
    from redis.asyncio import BlockingConnectionPool

    from coach.service.auth import Principal
    from coach.service.meter import Meter

log = logging.getLogger(__name__)

T = TypeVar("T")

_PREFIX: Final = "coach:limits"
# Redis is asked once on the way of a request: it must not hold it up.
_REDIS_S: Final = 0.25
_MOST_CONNECTIONS: Final = 16
# Before it is asked again.
_AWAY_S: Final = 5.0
_SLOW_S: Final = 1.0
# Refusals that are held back at once; an attacker must not make us keep more.
_MOST_SLOWED: Final = 100


class LimitedError(MessageError):
    """Too many in too short a time. `retry_after_s` is when to come again, in whole seconds."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__("rate_limited", f"{message}，请在 {retry_after_s} 秒后重试")
        self.retry_after_s = retry_after_s


class RequestLimits:
    """The limits of one process. 0 means none.

    Args:
        per_key, per_token: requests a minute with one API key, and by one person.
        failures: wrong keys and tokens a minute from one address.
        tenants: requests a minute of all in one tenant; a tenant without a number has no limit.
        redis_url: where to count; "" means here.
        slow_s: seconds that a refusal is held back once half of the failures are used up.
    """

    def __init__(
        self,
        *,
        per_key: int,
        per_token: int,
        failures: int,
        tenants: Mapping[str, int | None],
        meter: Meter,
        redis_url: str = "",
        slow_s: float = _SLOW_S,
    ) -> None:
        self._per_key = per_key
        self._per_token = per_token
        self._failures = failures
        self._tenants = tenants
        self._meter = meter
        self._slow_s = slow_s
        self._slowed = 0
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._pool: BlockingConnectionPool | None = None
        if redis_url:
            self._shared, self._pool = _redis(redis_url)
        self._away_until = 0.0

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._pool is not None:
            await self._pool.aclose()

    async def check(self, principal: Principal) -> None:
        """Count one request.

        Raises:
            LimitedError: it is one too many.
        """
        tenant = principal.tenant
        who = f"{'key' if principal.by_key else 'token'}:{tenant}:{principal.role}:{principal.name}"
        limit = self._per_key if principal.by_key else self._per_token
        await self._count(limit, who, f"每分钟最多 {limit} 次请求")
        quota = self._tenants.get(tenant) or 0
        await self._count(quota, f"tenant:{tenant}", f"租户每分钟最多 {quota} 次请求")

    async def failed(self, address: str) -> None:
        """Count a wrong key or token; from half of the limit on the refusal is held back.

        A right key is never refused for it: many people may come from one address.

        Raises:
            LimitedError: it is one too many.
        """
        self._meter.failed_logins += 1
        if not self._failures:
            return
        where = f"failed:{address}"
        await self._count(self._failures, where, f"每分钟最多 {self._failures} 次失败的身份验证")
        left = (await self._stats(self._failures, where)).remaining
        if left < self._failures / 2 and self._slowed < _MOST_SLOWED:
            self._slowed += 1
            try:
                await asyncio.sleep(self._slow_s)
            finally:
                self._slowed -= 1

    async def _count(self, limit: int, name: str, message: str) -> None:
        if not limit or await self._ask(lambda limiter: limiter.hit(_item(limit), name)):
            return
        again = (await self._stats(limit, name)).reset_time - time.time()
        raise LimitedError(message, retry_after_s=max(1, math.ceil(again)))

    async def _stats(self, limit: int, name: str) -> WindowStats:
        return await self._ask(lambda limiter: limiter.get_window_stats(_item(limit), name))

    async def _ask(self, work: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]) -> T:
        """Ask Redis; where it does not answer, go on with what is counted here for a while."""
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(_REDIS_S):
                    return await work(self._shared)
            except (StorageError, OSError, TimeoutError) as error:
                self._away_until = time.monotonic() + _AWAY_S
                log.warning("Redis 不可用，请求次数暂由本进程单独计数：%s", type(error).__name__)
        return await work(self._here)


def _item(limit: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(limit, namespace=_PREFIX)


def _redis(url: str) -> tuple[SlidingWindowCounterRateLimiter, BlockingConnectionPool]:
    # redis-py is there already, for the events between processes.
    from redis.asyncio import BlockingConnectionPool  # noqa: PLC0415 - one process does without

    pool = BlockingConnectionPool.from_url(url, max_connections=_MOST_CONNECTIONS, timeout=_REDIS_S)
    storage = storage_from_string(
        f"async+{url}",
        implementation="redispy",
        wrap_exceptions=True,
        # Ours, because only what is ours can be closed.
        connection_pool=cast("str", pool),
    )
    return SlidingWindowCounterRateLimiter(cast("Storage", storage)), pool
