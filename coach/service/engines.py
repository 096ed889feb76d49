"""The database drivers as SQLAlchemy engines: what every connection is told before it is used."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from coach.config import check_database_url
from coach.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

# How long a statement waits for who writes to the same file.
_BUSY_MS: Final = 5000
_DURABLE: Final = (
    # An ack survives a power cut too; the group commit pays for the flush.
    "synchronous = FULL",
    # What is deleted is overwritten, not just forgotten.
    "secure_delete = ON",
)
_CONNECT_S: Final = 10
# A server that hangs is as good as one that is gone; the rules' health over millions of rows takes seconds.
COMMAND_S: Final = 60
_POOL_WAIT_S: Final = 10
# A writer that died with its machine, or was stopped, must not hold other writers' calls for hours.
_SESSION: Final = (
    "SET application_name TO 'coach'",
    "SET idle_in_transaction_session_timeout TO '20s'",
    "SET lock_timeout TO '20s'",
    "SET tcp_keepalives_idle TO 20",
    "SET tcp_keepalives_interval TO 5",
    "SET tcp_keepalives_count TO 3",
    # Nothing here gains from compiling a query; a first run must not wait for it.
    "SET jit TO off",
)


def sqlite_engine(file: Path, *, read_only: bool) -> AsyncEngine:
    """Make the connections of an event loop to a file, which is made if it is missing."""
    address = f"file:{file}?mode=ro&uri=true" if read_only else str(file)
    # Parameters are what customers said: they must not get into the log with an error.
    engine = create_async_engine(f"sqlite+aiosqlite:///{address}", hide_parameters=True)

    def on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        # The driver begins a transaction only with the first change; ours begin where they are said to.
        connection.isolation_level = None
        connection.run_async(_prepare_reader if read_only else _prepare_file)

    def on_begin(connection: Connection) -> None:
        # IMMEDIATE: who reads in order to write must not find that another wrote meanwhile.
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine


def thread_engine(file: str, *, begin: str) -> Engine:
    """Make the connection of one thread to a file, which is there and in WAL mode already."""
    engine = create_engine(f"sqlite:///{file}", hide_parameters=True)

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout = {_BUSY_MS}", *_DURABLE):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


async def _prepare_reader(connection: Any) -> None:  # noqa: ANN401 - the driver's own type
    await connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")


async def _prepare_file(connection: Any) -> None:  # noqa: ANN401 - the driver's own type
    await _prepare_reader(connection)
    until = time.monotonic() + _BUSY_MS / 1000
    # While another process makes the same file, SQLite refuses this at once instead of waiting.
    while True:
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.01)
    for pragma in _DURABLE:
        await connection.execute(f"PRAGMA {pragma}")


def postgresql_engine(url: str, *, schema: str, pool: int, command_s: int | None) -> AsyncEngine:
    """Make the connections to a server, of which each sees only the tables of one schema.

    Raises:
        ConfigError: the address is none, or the driver is not installed.
    """
    try:
        check_database_url(url)
    except ValueError as error:
        raise ConfigError(f"database_url: {error}") from None

    try:
        import asyncpg  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ConfigError(
            "database_url: PostgreSQL 需要 asyncpg；请安装：pip install 'coach[postgresql]'"
        ) from error

    async def connect() -> Any:  # noqa: ANN401 - the driver has no types
        try:
            # The driver reads the address itself: several hosts, sslmode and the rest mean what libpq means by them.
            connection = await asyncpg.connect(url, timeout=_CONNECT_S, command_timeout=command_s)
        except ValueError as error:
            raise ConnectionError(f"database_url: {error}") from None
        try:
            # Not with the start of the connection: poolers refuse most settings there.
            await connection.execute("; ".join((*_SESSION, f'SET search_path TO "{schema}"')))
        except BaseException:
            connection.terminate()
            raise
        return connection

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_S,
        # After the server was away, nobody is to be handed a connection of before.
        pool_pre_ping=True,
        # Those used last are used first, so that a server may be shrunk or moved behind its name.
        pool_use_lifo=True,
        pool_recycle=1800,
    )
