"""The database of one tenant: a SQLite file, or a schema of its own on a PostgreSQL server.

Knows the dialect, hides the address. Statements are SQLAlchemy Core that both run; what they
do not share is `upsert` and `insert_new`. The drivers are set up in `engines`, tables
are in `schema`, their revisions in `migrate`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from sqlalchemy import ARRAY, Text, any_, func, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from coach.config import check_database_url
from coach.errors import ConfigError, MessageError
from coach.service.engines import COMMAND_S, postgresql_engine, sqlite_engine, thread_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator

    from sqlalchemy import ColumnElement, Connection, Engine, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.config import Settings

FILE: Final = "coach.sqlite3"
DEFAULT_TENANT: Final = "default"
# Below the data folder: a folder for each other tenant.
TENANTS_FOLDER: Final = "tenants"
# What a database that is away or refuses raises. A pool's time-out is none of the driver's errors.
FAILURES: Final = (DBAPIError, OSError, PoolTimeoutError)

ResultT = TypeVar("ResultT")

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


class DatabaseAwayError(MessageError):
    """The database cannot be asked now; whoever asked may ask again. `reason` is for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__("busy", "数据库暂时不可用，请稍后重试")
        self.reason = reason


class Database:
    """One tenant's tables, and the connections to them.

    Args:
        place: the file, or the address of the server (postgresql://…).
        tenant: whose they are; on a server, the schema `coach_<tenant>`.
        pool: connections to a server at once, at most.
        patient: let a statement take as long as it takes, as it may to change a large table.
        read_only: change nothing, not even a file that is missing or old.

    Raises:
        ConfigError: the address is none; it is not shown, it may have a password in it.
    """

    def __init__(
        self,
        place: Path | str,
        *,
        tenant: str = DEFAULT_TENANT,
        pool: int = 5,
        patient: bool = False,
        read_only: bool = False,
    ) -> None:
        if not _TENANT.fullmatch(tenant):
            raise ConfigError(f"tenant: 收到 {tenant!r}，应为小写字母、数字、“-”或“_”，最多 41 个")
        self.tenant = tenant
        self.file = place if isinstance(place, Path) else None
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if self.file else "postgresql"
        # Only for a file, and only once they are needed.
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="coach-commits")
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="coach-reads")
        self._writer: Engine | None = None
        self._reader: Engine | None = None
        # Quoted where it is used: a tenant's name may have a dash.
        self.schema = f"coach_{tenant}"
        if isinstance(place, Path):
            self.label = str(place)
            self._engine = sqlite_engine(place, read_only=read_only)
            self._writing = self._engine.execution_options(immediate=not read_only)
            self._reading = self._engine
        else:
            try:
                check_database_url(place)
            except ValueError as error:
                raise ConfigError(f"database_url: {error}") from None
            self.label = f"{_shown(place)} {self.schema}"
            self._engine = postgresql_engine(
                place, schema=self.schema, pool=pool, command_s=None if patient else COMMAND_S
            )
            self._writing = self._engine
            # A call is read by several queries, which must all see the same moment.
            self._reading = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        tenant: str = DEFAULT_TENANT,
        patient: bool = False,
        read_only: bool = False,
    ) -> Database:
        """Return the database that the settings of a tenant name; without an address, the file in its folder.

        Raises:
            ConfigError: the address is none.
        """
        url = settings.database_url.get_secret_value() if settings.database_url else ""
        return cls(
            url or settings.data_dir / FILE,
            tenant=tenant,
            pool=settings.database_pool,
            patient=patient,
            read_only=read_only,
        )

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for queries, which all see the same moment; writers are not held up.

        Raises:
            DatabaseAwayError: it cannot be asked now.
        """
        with _told_apart():
            async with self._reading.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that may write; it is committed at the end, unless that is an exception.

        Raises:
            DatabaseAwayError: it cannot be asked now; a commit may have been done all the same.
        """
        with _told_apart():
            async with self.transaction() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def transaction(self, *, limit_s: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Do as `writing`, and raise what the driver raises: one of FAILURES.

        Args:
            limit_s: a server that takes longer is away; a file takes as long as it takes.
        """
        async with asyncio.timeout(None if self.file else limit_s), self._writing.begin() as connection:
            yield connection

    async def commit(self, work: Callable[[Connection], ResultT], *, limit_s: float | None = None) -> ResultT:
        """Do `work` in a transaction that changes something, and return its result; raise what the driver raises.

        For a file all of it is one trip to one thread: a dozen statements that each came back to a busy event loop
        would take seconds instead of milliseconds.

        Args:
            work: statements only; it runs beside the event loop.
            limit_s: a server that takes longer is away; a file takes as long as it takes.
        """
        if self.file is None:
            async with self.transaction(limit_s=limit_s) as connection:
                return await connection.run_sync(work)
        return await asyncio.get_running_loop().run_in_executor(self._commits, self._put, work)

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Do queries that all see the same moment, and return their result; for a file in one trip, as `commit`.

        Raises:
            DatabaseAwayError: it cannot be asked now.
        """
        if self.file is None:
            async with self.reading() as connection:
                return await connection.run_sync(work)
        with _told_apart():
            return await asyncio.get_running_loop().run_in_executor(self._reads, self._get, work)

    def _put(self, work: Callable[[Connection], ResultT]) -> ResultT:
        if self._writer is None:
            self._writer = thread_engine(self.label, begin="BEGIN IMMEDIATE")
        with self._writer.begin() as connection:
            return work(connection)

    def _get(self, work: Callable[[Connection], ResultT]) -> ResultT:
        if self._reader is None:
            self._reader = thread_engine(self.label, begin="BEGIN")
        with self._reader.connect() as connection:
            return work(connection)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        for thread, engine in ((self._commits, self._writer), (self._reads, self._reader)):
            if engine is not None:
                await asyncio.get_running_loop().run_in_executor(thread, engine.dispose)
            thread.shutdown()


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """Tell a database that is away from a statement that it refused."""
    try:
        yield
    except FAILURES as error:
        if is_refusal(error):
            raise
        raise DatabaseAwayError(reason_of(error)) from error


def upsert(connection: Connection | AsyncConnection, table: Table, *, keep: Collection[str] = ()) -> Any:  # noqa: ANN401 - either dialect's own
    """Return an INSERT that writes over the row which is there already.

    Args:
        keep: columns whose stored value stays when the new one is null.
    """
    statement = _insert(connection, table)
    changed = {
        column.name: func.coalesce(statement.excluded[column.name], column)
        if column.name in keep
        else statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


def insert_new(connection: Connection | AsyncConnection, table: Table) -> Any:  # noqa: ANN401 - either dialect's own
    """Return an INSERT that leaves the row be which is there already."""
    return _insert(connection, table).on_conflict_do_nothing()


def among(
    connection: Connection | AsyncConnection, column: ColumnElement[str], values: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of some values.

    A server prepares each statement that it has not seen: the text must not depend on how many values there are.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(literal(sorted(values), ARRAY(Text)))
    return column.in_(sorted(values))


def reason_of(error: BaseException) -> str:
    """Say in one line why a database failed, without the statement and its parameters."""
    found = getattr(error, "orig", None) or error
    if isinstance(found, PermissionError):
        return f"没有权限打开 {found.filename or '数据库'}"
    # The adapter puts the driver's class in front of the driver's words, the system its numbers.
    words = re.sub(r"^<class '[^']+'>: |\[Errno -?\d+\] ", "", str(found)).strip().partition("\n")[0]
    return words or type(found).__name__


def is_refusal(error: BaseException) -> bool:
    """Tell whether the database refuses the values themselves, so that trying again is in vain."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    # Classes 22 and 23: data exception, integrity constraint violation.
    state = getattr(error.orig, "sqlstate", None) or ""
    return state[:2] in {"22", "23"} or type(error).__name__ in {"DataError", "IntegrityError"}


def _insert(connection: Connection | AsyncConnection, table: Table) -> Any:  # noqa: ANN401 - either dialect's own
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _shown(url: str) -> str:
    """Return an address without user and password."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    return f"postgresql://{hosts or unquote(query.get('host', ''))}{parts.path}"
