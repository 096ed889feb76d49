"""What `coach doctor` looks at when several processes serve: cores for the workers, and the Redis between them.

Nothing is written to Redis.
"""

from __future__ import annotations

import math
import os
import re
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from coach.service.checkup import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.config import Settings

_TIMEOUT_S: Final = 3.0
# Streams, and letting a blocked reader go.
_OLDEST: Final = (5, 0)
# Every push passes Redis twice.
_FAR_S: Final = 0.005
# The shortest of so many round trips is the distance; a busy machine makes the others longer.
_TRIPS: Final = 5
# Beyond it tokens and leases of two machines disagree; the time of Redis itself orders what sidebars see.
_CLOCKS_APART_S: Final = 1.0
_FULL: Final = 0.8
# One for writing, some for questions; besides one for each 64 topics that are read.
_CONNECTIONS: Final = 6
_TOPICS: Final = 64
_TOPIC: Final = re.compile(rb"coach:(control$|[^:]+:(agent|team):)")
_KEYS: Final = 100_000
_SHOWN: Final = 5


def examine_cluster(settings: Settings) -> Iterator[Finding]:
    """Look at the number of workers, and at Redis if the settings name one."""
    yield _workers(settings)
    if settings.redis_url is not None:
        yield from _redis(settings, settings.redis_url.get_secret_value())


def _workers(settings: Settings) -> Finding:
    name, title, wanted = "workers", "进程数", settings.workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    says = f"{wanted} 个进程，可用 {cores} 个核"
    if wanted > 1 and sys.platform != "linux":
        return Finding(name, title, "error", f"{says}；多个进程需要 Linux", "去掉 COACH_WORKERS")
    if wanted > cores:
        return Finding(
            name, title, "warning", says,
            f"把 COACH_WORKERS 调到 {cores} 以下；进程争用一个核时提示会迟到，还要给 Redis 和数据库留核",
        )  # fmt: skip
    if wanted == 1 and cores > 2 and settings.redis_url is not None:  # noqa: PLR2004 - one for the rest
        return Finding(name, title, "ok", f"{says}；COACH_WORKERS 可以调到 {cores - 1}")
    return Finding(name, title, "ok", says)


def _redis(settings: Settings, url: str) -> Iterator[Finding]:
    name, title = "redis", "Redis"
    try:
        import redis  # noqa: PLC0415 - an extra
    except ImportError:
        yield Finding(name, title, "error", "没有安装客户端", "pip install 'coach[cluster]'")
        return
    try:
        client: Any = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
    except ValueError as error:
        yield Finding(
            name, title, "error", f"COACH_REDIS_URL 读不懂：{error}", "应为 redis://用户:密码@主机:6379/0"
        )
        return
    try:
        info = client.info()
        away_s, apart_s = min(_trip(client) for _ in range(_TRIPS))
        spoiled = _spoiled(client)
    except (redis.RedisError, OSError) as error:
        yield Finding(
            name, title, "error", f"{_place(client)} 没有应答：{error}",
            "看地址、密码、防火墙和 Redis 是否在运行；没有它，侧边栏只收到本进程的事件",
        )  # fmt: skip
        return
    finally:
        client.close()
    yield _server(_place(client), info)
    yield _distance(away_s)
    yield _clocks(apart_s)
    yield _memory(info)
    yield _connections(settings, info)
    yield _keys(spoiled)


def _trip(client: Any) -> tuple[float, float]:  # noqa: ANN401 - redis-py's own client
    """Return how long an answer takes, and how far its clock is ahead of ours, in seconds."""
    began, asked_at = time.perf_counter(), time.time()
    seconds, micros = client.time()
    away_s = time.perf_counter() - began
    return away_s, seconds + micros / 1e6 - (asked_at + away_s / 2)


def _place(client: Any) -> str:  # noqa: ANN401 - redis-py's own client
    given = client.connection_pool.connection_kwargs
    return str(given.get("path") or f"{given.get('host')}:{given.get('port', 6379)}")


def _server(place: str, info: dict[str, Any]) -> Finding:
    name, title = "redis", "Redis"
    told = str(info.get("valkey_version") or info.get("redis_version", "?"))
    says = f"{place}：{'Valkey' if 'valkey_version' in info else 'Redis'} {told}"
    numbers = tuple(
        int(part) for part in str(info.get("redis_version", "0")).split(".")[:2] if part.isdigit()
    )
    if numbers < _OLDEST:
        return Finding(name, title, "error", says, "升级到 Redis 6.2 或 Valkey 7.2 以上")
    if info.get("cluster_enabled"):
        return Finding(
            name, title, "error", f"{says}，Cluster 模式", "改用单实例或 Sentinel；一次要读许多不同槽的流"
        )
    if info.get("role") == "slave":
        return Finding(name, title, "error", f"{says}，是只读的副本", "COACH_REDIS_URL 应指向主实例")
    return Finding(name, title, "ok", says)


def _spoiled(client: Any) -> list[str]:  # noqa: ANN401 - redis-py's own client
    """Return the keys of topics that hold no stream, as far as one looks."""
    found: list[str] = []
    keys = (key for key in islice(client.scan_iter(match="coach:*", count=1000), _KEYS) if _TOPIC.match(key))
    while some := list(islice(keys, 1000)):
        pipe = client.pipeline(transaction=False)
        for key in some:
            pipe.type(key)
        kinds = zip(some, pipe.execute(), strict=True)
        found += [key.decode("utf-8", "replace") for key, kind in kinds if kind not in {b"stream", b"none"}]
    return sorted(found)


def _keys(spoiled: list[str]) -> Finding:
    name, title = "redis-keys", "Redis 的键"
    if not spoiled:
        return Finding(name, title, "ok", "coach 的主题都是流")
    says = f"{len(spoiled)} 个主题的键不是流，是别的程序写的：{'、'.join(spoiled[:_SHOWN])}"
    return Finding(
        name, title, "error", says,
        "删除这些键（DEL），并让别的程序不用 coach: 开头的键；在那之前它们的侧边栏只收到一个进程的事件",
    )  # fmt: skip


def _distance(away_s: float) -> Finding:
    name, title, says = "redis-distance", "Redis 距离", f"一次往返 {away_s * 1000:.1f} 毫秒"
    if away_s > _FAR_S:
        return Finding(
            name, title, "warning", says, "把服务和 Redis 放在同一机房；每条推送都要经过它一来一回"
        )
    return Finding(name, title, "ok", says)


def _clocks(apart_s: float) -> Finding:
    name, title, says = "redis-clock", "Redis 时钟", f"与 Redis 相差 {abs(apart_s) * 1000:.0f} 毫秒"
    if abs(apart_s) > _CLOCKS_APART_S:
        return Finding(name, title, "warning", says, "两台机器都启用时间同步（chrony 或 systemd-timesyncd）")
    return Finding(name, title, "ok", says)


def _memory(info: dict[str, Any]) -> Finding:
    name, title = "redis-memory", "Redis 内存"
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    policy = str(info.get("maxmemory_policy", "?"))
    says = f"已用 {used / 2**20:.0f} MB，上限 {f'{most / 2**20:.0f} MB' if most else '没有'}，{policy}"
    if policy != "noeviction":
        return Finding(
            name, title, "warning", f"{says}：满了以后会丢掉进程之间的约定和侧边栏还没读到的事件",
            "设 maxmemory-policy noeviction，并把 maxmemory 设得够大：每个通话中的坐席约 60 KB",
        )  # fmt: skip
    if most and used > _FULL * most:
        return Finding(
            name,
            title,
            "warning",
            says,
            "调大 maxmemory：每个通话中的坐席约 60 KB；满了以后各进程的侧边栏不再互通",
        )
    return Finding(name, title, "ok", says)


def _connections(settings: Settings, info: dict[str, Any]) -> Finding:
    name, title = "redis-connections", "Redis 连接数"
    most, taken = int(info.get("maxclients", 0)), int(info.get("connected_clients", 0))
    each = _CONNECTIONS + math.ceil(settings.max_connections / _TOPICS)
    wanted = settings.workers * each
    says = f"上限 {most or '未知'}，已用 {taken}；这里的进程最多用 {wanted} 个"
    if most and most - taken < wanted:
        return Finding(
            name, title, "warning", says,
            f"把 Redis 的 maxclients 调到 {taken + wanted} 以上再加其他机器的份，或把 COACH_MAX_CONNECTIONS 调低",
        )  # fmt: skip
    return Finding(name, title, "ok", says)
