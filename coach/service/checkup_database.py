"""What `coach doctor` looks at in the database: whether it is there, sound, of this program's revision, and has room.

Nothing is changed: a file is opened for reading and one that is missing stays missing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from coach.errors import ConfigError
from coach.service.checkup import Finding
from coach.service.database import FAILURES, reason_of
from coach.service.databases import databases_of
from coach.service.migrate import refusal, stands
from coach.service.schema_keys import api_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.config import Settings
    from coach.service.database import Database
    from coach.service.migrate import Standing

_CHECK_S: Final = 10.0
# Beyond it tokens and time-outs of two machines disagree; a server's time itself is not used.
_CLOCKS_APART_S: Final = 1.0
# A call's ack waits for some ten round trips.
_FAR_S: Final = 0.005
# The shortest of so many round trips is the distance; a busy machine makes the others longer.
_TRIPS: Final = 5
_OLDEST_SERVER: Final = 130000


def examine_database(settings: Settings) -> Iterator[Finding]:
    """Look at the database of every tenant."""
    try:
        yield from asyncio.run(_examine(settings))
    except ConfigError as error:
        yield Finding(
            "database", "数据库", "error", str(error),
            "看地址、网络、pg_hba.conf 和用户的权限；psql 用同一个地址应能连上",
        )  # fmt: skip


async def _examine(settings: Settings) -> list[Finding]:
    findings = []
    databases = await databases_of(settings, read_only=True)
    for number, database in enumerate(databases):
        try:
            found = await stands(database)
            if database.file is not None:
                findings.append(_file(database.file, database, found))
            else:
                findings.append(_revision(database, found))
            if not number:
                findings.append(await _keys(database, found, settings))
            if not number and database.file is None:
                async with database.transaction() as connection:
                    findings += await _server(
                        connection, pool=settings.database_pool * len(databases) * settings.workers
                    )
        except FAILURES as error:
            raise ConfigError(f"{database.label}: {reason_of(error)}") from error
        except ConfigError as error:
            if database.file is None:
                raise
            findings.append(Finding("database", "数据库", "error", str(error), _BROKEN))
        finally:
            await database.close()
    return findings


_BROKEN: Final = "停止服务，备份这三个文件，用 sqlite3 的 .recover 抢救，或换一个数据目录"


async def _keys(database: Database, found: Standing, settings: Settings) -> Finding:
    name, title = "keys", "身份验证"
    if settings.demo:
        return Finding(
            name, title, "warning", "演示模式：本机上任何人不用密钥就能开始通话", "正式使用时不要加 --demo"
        )
    count = 0
    if found.state == "current":
        keys = api_keys.c
        in_force = keys.revoked_at.is_(None) & (keys.expires_at.is_(None) | (keys.expires_at > time.time()))
        async with database.transaction() as connection:
            count = await connection.scalar(select(func.count()).select_from(api_keys).where(in_force)) or 0
    if count:
        return Finding(name, title, "ok", f"{count} 个有效的 API 密钥；接口都要密钥或令牌")
    if (settings.data_dir / "api-keys").exists():
        return Finding(name, title, "ok", "密钥还在旧文件 api-keys 里，启动时移入数据库")
    return Finding(name, title, "ok", "没有有效的密钥；首次启动时生成一个，也可执行 coach keys new")


def _revision(database: Database, found: Standing) -> Finding:
    name, title = "database", "数据库"
    if found.state == "current":
        return Finding(name, title, "ok", f"{database.label}：表结构 {found.revision}，是最新的")
    mend = "升级 coach" if found.state == "ahead" else "执行 coach db upgrade；之前先备份"
    return Finding(name, title, "error", refusal(database, found), mend)


def _file(file: Path, database: Database, found: Standing) -> Finding:
    if not file.exists():
        return Finding("database", "数据库", "ok", "还没有，首次启动时建立")
    if found.state == "ahead":
        return Finding(
            "database", "数据库", "error", refusal(database, found), "升级 coach，或换一个数据目录"
        )
    try:
        connection = sqlite3.connect(f"file:{file.resolve()}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error as error:
        return Finding("database", "数据库", "error", f"{file}: {error}", _BROKEN)
    try:
        return _examine_file(connection, file, found)
    except sqlite3.Error as error:
        return Finding("database", "数据库", "error", f"{file}: {error}", _BROKEN)
    finally:
        connection.close()


def _examine_file(connection: sqlite3.Connection, file: Path, found: Standing) -> Finding:
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    version = f"版本 {found.revision}" if found.revision else "还没有表"
    if found.state == "behind":
        version += f"（启动时自动升级到 {found.head}）"
    says = f"{file}：{version}，{file.stat().st_size / 2**20:.1f} MB，{journal.upper()}"
    deadline = time.monotonic() + _CHECK_S
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        faults = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        return Finding(
            "database", "数据库", "warning", f"{says}；完整性检查 {_CHECK_S:.0f} 秒内没有做完",
            "空闲时用 sqlite3 执行 PRAGMA quick_check",
        )  # fmt: skip
    if faults != ["ok"]:
        return Finding("database", "数据库", "error", f"{says}；{'；'.join(faults)}", _BROKEN)
    if journal != "wal" and found.revision:
        return Finding(
            "database", "数据库", "warning", says, "启动一次服务即恢复 WAL；网络盘不支持，请用本地盘"
        )
    return Finding("database", "数据库", "ok", f"{says}，完整")


async def _server(connection: AsyncConnection, *, pool: int) -> list[Finding]:
    began = time.perf_counter()
    asked_at = time.time()
    row = (
        await connection.execute(
            text(
                "SELECT extract(epoch FROM clock_timestamp())::float8 AS now,"
                " current_setting('server_version_num')::int AS version,"
                " current_setting('server_version') AS told,"
                " current_setting('server_encoding') AS encoding,"
                " current_setting('synchronous_commit') AS flush, current_setting('fsync') AS fsync,"
                " current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int AS most,"
                " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS taken,"
                " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS own"
            )
        )
    ).one()
    middle = time.perf_counter()
    trips = []
    for _ in range(_TRIPS):
        left = time.perf_counter()
        await connection.execute(text("SELECT 1"))
        trips.append(time.perf_counter() - left)
    apart_s = row.now - (asked_at + (middle - began) / 2)
    return [
        _version(row.version, row.told, row.encoding),
        _distance(min(trips)),
        _clocks(apart_s),
        _connections(most=row.most, taken=row.taken, own=row.own, pool=pool),
        _durable(flush=row.flush, fsync=row.fsync),
    ]


def _version(number: int, told: str, encoding: str) -> Finding:
    name, title = "database-server", "数据库服务器"
    if encoding != "UTF8":
        return Finding(
            name, title, "error", f"PostgreSQL {told}，编码 {encoding}", "新建一个 ENCODING 'UTF8' 的库"
        )
    if number < _OLDEST_SERVER:
        return Finding(name, title, "warning", f"PostgreSQL {told}，已停止维护", "升级到 PostgreSQL 14 以上")
    return Finding(name, title, "ok", f"PostgreSQL {told}，{encoding}")


def _distance(away_s: float) -> Finding:
    says = f"一次往返 {away_s * 1000:.1f} 毫秒"
    if away_s > _FAR_S:
        return Finding(
            "database-distance", "数据库距离", "warning", says,
            "把服务和数据库放在同一机房；确认一句话要等十次左右往返，推送不受影响",
        )  # fmt: skip
    return Finding("database-distance", "数据库距离", "ok", says)


def _clocks(apart_s: float) -> Finding:
    says = f"与数据库服务器相差 {abs(apart_s) * 1000:.0f} 毫秒"
    if abs(apart_s) > _CLOCKS_APART_S:
        return Finding(
            "database-clock", "数据库时钟", "warning", says,
            "两台机器都启用时间同步（chrony 或 systemd-timesyncd）；令牌的有效期和通话的超时依赖各机器的时钟",
        )  # fmt: skip
    return Finding("database-clock", "数据库时钟", "ok", says)


def _connections(*, most: int, taken: int, own: int, pool: int) -> Finding:
    name, title = "database-connections", "数据库连接数"
    free = most - taken
    says = f"上限 {most}，已用 {taken}，空闲 {free}；这里的服务最多用 {pool} 个"
    if own >= 0:
        says += f"；这个用户限 {own} 个"
        free = min(free, own)
    if free < pool:
        return Finding(
            name, title, "warning", says,
            f"把服务器的 max_connections 调到 {taken + pool} 以上再加其他进程的份，或把 COACH_DATABASE_POOL 调低",
        )  # fmt: skip
    return Finding(name, title, "ok", says)


def _durable(*, flush: str, fsync: str) -> Finding:
    name, title = "database-durable", "数据库落盘"
    says = f"synchronous_commit={flush}，fsync={fsync}"
    if fsync != "on" or flush == "off":
        return Finding(
            name, title, "warning", f"{says}：服务器断电会丢失已经确认的话",
            "在 postgresql.conf 里打开 fsync 和 synchronous_commit",
        )  # fmt: skip
    return Finding(name, title, "ok", says)
