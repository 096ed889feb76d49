"""The databases of every tenant that an installation has: for whom works on all of them, not for the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from coach.errors import ConfigError
from coach.service.database import DEFAULT_TENANT, FAILURES, FILE, Database, reason_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from coach.config import Settings

FOLDER: Final = "tenants"


async def databases_of(
    settings: Settings, *, tenants: Collection[str] = (), read_only: bool = False
) -> list[Database]:
    """Return the databases of some tenants, or of the default one and all that have one; the caller closes them.

    Raises:
        ConfigError: the address or a name is none, or the server cannot be asked.
    """
    names = tenants or [DEFAULT_TENANT, *await _known(settings)]
    return [
        Database.of(_settings_of(settings, name), tenant=name, patient=True, read_only=read_only)
        for name in dict.fromkeys(names)
    ]


def _settings_of(settings: Settings, tenant: str) -> Settings:
    if tenant == DEFAULT_TENANT:
        return settings
    return settings.model_copy(update={"data_dir": settings.data_dir / FOLDER / tenant})


async def _known(settings: Settings) -> list[str]:
    if settings.database_url is None:
        return _with_file(settings.data_dir / FOLDER)
    database = Database.of(settings)
    try:
        async with database.transaction() as connection:
            schemas = await connection.execute(
                text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'coach\\_%' ORDER BY nspname")
            )
            return [name.removeprefix("coach_") for name in schemas.scalars()]
    except FAILURES as error:
        raise ConfigError(f"{database.label}: 无法打开数据库：{reason_of(error)}") from error
    finally:
        await database.close()


def _with_file(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in folder.glob(f"*/{FILE}"))
