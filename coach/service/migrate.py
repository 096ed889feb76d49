"""Brings a database to the revision of this program, or says who has to.

A SQLite file is upgraded when it is opened; a server only by `coach db upgrade`. Alembic is imported only when
there is something to upgrade.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from coach.errors import ConfigError, UnreachableError
from coach.service.database import DEFAULT_TENANT, FAILURES, reason_of
from coach.service.schema_legacy import LEGACY_STEPS, LEGACY_VERSION
from coach.service.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.database import Database

State = Literal["current", "empty", "behind", "ahead"]

_FOLDER: Final = Path(__file__).parent / "migrations"
# What programs from before the revisions look at: any of them refuses a file with this number.
FILE_VERSION: Final = LEGACY_VERSION + 1
_BASE: Final = "0001"
# Any number will do; it keeps two upgrades of one server apart.
_LOCK: Final = 0x636F616368


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands. `revision` is "" for one without tables, "v3" for a file from before the revisions."""

    revision: str
    head: str

    @property
    def state(self) -> State:
        """Say how that relates to this program."""
        if not self.revision:
            return "empty"
        if self.revision == self.head:
            return "current"
        return "behind" if self.revision.startswith("v") or self.revision in _revisions() else "ahead"


@cache
def _revisions() -> tuple[str, ...]:
    """Return the revisions that this program knows, oldest first; the files are numbered in their order."""
    return tuple(sorted(file.name[:4] for file in (_FOLDER / "versions").glob("[0-9]*.py")))


def head() -> str:
    """Return the revision that this program needs."""
    return _revisions()[-1]


async def standing(connection: AsyncConnection) -> Standing:
    """Read where a database stands, inside a transaction."""
    known = await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version"))
    if known:
        row = (await connection.execute(text("SELECT version_num FROM alembic_version"))).first()
        return Standing(str(row[0]) if row else "", head())
    if connection.dialect.name == "sqlite":
        version = int((await connection.execute(text("PRAGMA user_version"))).scalar_one())
        if version:
            # One that this program does not know is ahead.
            return Standing(f"v{version}" if version <= LEGACY_VERSION else f"({version})", head())
    return Standing("", head())


async def stands(database: Database) -> Standing:
    """Read where a database stands; a file that is missing stays missing.

    Raises:
        UnreachableError: it cannot be opened.
    """
    try:
        if database.file is not None and not database.file.is_file():
            return Standing("", head())
        async with database.transaction() as connection:
            return await standing(connection)
    except FAILURES as error:
        raise _unreachable(database, error) from error


async def open_database(database: Database) -> None:
    """Make sure that a database has the tables of this program; a file is made or upgraded, a server is not.

    Raises:
        UnreachableError: it cannot be opened.
        ConfigError: it is of a newer program, or (a server) has to be upgraded first.
    """
    if database.file is None:
        found = await stands(database)
        if found.state != "current":
            raise ConfigError(refusal(database, found))
        return
    await upgrade(database)


async def upgrade(database: Database) -> tuple[Standing, Standing]:
    """Bring a database to the newest revision; return where it stood and where it stands.

    Two upgrades at once are one: the second waits and finds nothing to do.

    Raises:
        UnreachableError: it cannot be opened.
        ConfigError: it is of a newer program.
    """
    try:
        if database.file is not None:
            # Made by us, so that nobody else on the machine can read what customers said.
            database.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            database.file.touch(mode=0o600)
        async with database.transaction() as connection:
            if database.file is None:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                known = await connection.scalar(select(func.to_regnamespace(f'"{database.schema}"')))
                # One that the administrator made needs no right to make one.
                if known is None:
                    await connection.execute(CreateSchema(database.schema))
            before = await standing(connection)
            if before.state == "ahead":
                raise ConfigError(refusal(database, before))
            if before.state != "current":
                await _upgrade(connection, before)
            return before, await standing(connection)
    except FAILURES as error:
        raise _unreachable(database, error) from error


async def differences(database: Database) -> list[str]:
    """Compare the tables with those of this program; [] when they are the same.

    Raises:
        UnreachableError: it cannot be opened.
    """
    try:
        async with database.transaction() as connection:
            return await connection.run_sync(_compare)
    except FAILURES as error:
        raise _unreachable(database, error) from error


def refusal(database: Database, found: Standing) -> str:
    """Say why a database that is not current cannot be used, and what to do."""
    if found.state == "ahead":
        return (
            f"{database.label}: 数据库版本 {found.revision} 来自更新的 coach，"
            f"本版本最多支持 {found.head}；请升级 coach"
        )
    told = f"数据库版本 {found.revision}，应为 {found.head}" if found.revision else "库里还没有表"
    who = "" if database.tenant == DEFAULT_TENANT else f" --tenant {database.tenant}"
    return f"{database.label}: {told}；请先执行 coach db upgrade{who}"


def _unreachable(database: Database, error: Exception) -> UnreachableError:
    # SQLite says "unable to open", or "readonly" once it writes, and not that a right is missing.
    file = database.file
    denied = file is not None and isinstance(error, DBAPIError) and not _may_change(file)
    reason = f"没有权限打开 {file}" if denied else reason_of(error)
    return UnreachableError(f"{database.label}: 无法打开数据库：{reason}")


def _may_change(file: Path) -> bool:
    """Tell whether this process may write a file that is there, and the log beside it."""
    # Rights are those the process acts with, where the system can tell.
    effective = os.access in os.supports_effective_ids
    if not os.access(file.parent, os.W_OK | os.X_OK, effective_ids=effective):
        return False
    return not file.exists() or os.access(file, os.R_OK | os.W_OK, effective_ids=effective)


async def _upgrade(connection: AsyncConnection, before: Standing) -> None:
    if before.state == "empty":
        # The tables as they are now; a test holds that the revisions lead to the same.
        await connection.run_sync(metadata.create_all)
        await _stamp(connection, head())
    else:
        if before.revision.startswith("v"):
            for statements in LEGACY_STEPS[int(before.revision[1:]) - 1 :]:
                for statement in statements:
                    await connection.execute(text(statement))
            await _stamp(connection, _BASE)
        await connection.run_sync(_run_revisions)
    if connection.dialect.name == "sqlite":
        await connection.execute(text(f"PRAGMA user_version = {FILE_VERSION}"))


async def _stamp(connection: AsyncConnection, revision: str) -> None:
    # As Alembic would.
    await connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    await connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def _run_revisions(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a sixth of a second that most starts need not pay

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _compare(connection: Connection) -> list[str]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - see above
    from alembic.migration import MigrationContext  # noqa: PLC0415

    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [_told(each) for each in compare_metadata(context, metadata)]


def _told(difference: Any) -> str:  # noqa: ANN401 - Alembic's own tuples, or lists of them
    """Put one of Alembic's differences in a line."""
    if isinstance(difference, list):
        return "；".join(_told(each) for each in difference)
    kind, *parts = difference
    names = [str(getattr(part, "name", part)) for part in parts if part is not None and part != {}]
    return f"{kind}: {' '.join(names)}"
