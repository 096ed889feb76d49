"""The databases of every tenant that an installation has: for whom works on all of them, not for the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from coach.errors import UnreachableError
from coach.service.database import FAILURES, FILE, TENANTS_FOLDER, Database, reason_of
from coach.service.tenants_file import load_tenants

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from coach.config import Settings


async def databases_of(
    settings: Settings, *, tenants: Collection[str] = (), read_only: bool = False
) -> list[Database]:
    """Return the databases of some tenants, or of all: declared, or with a database from before; the caller closes them.

    Raises:
        ConfigError: the file of the tenants, the address or a name is wrong.
        UnreachableError: the server cannot be asked.
    """
    declared = {plan.name: plan.settings for plan in load_tenants(settings)}
    names = tenants or [*declared, *await _known(settings)]
    return [
        Database.of(
            declared.get(name) or _settings_of(settings, name), tenant=name, patient=True, read_only=read_only
        )
        for name in dict.fromkeys(names)
    ]


def _settings_of(settings: Settings, tenant: str) -> Settings:
    return settings.model_copy(update={"data_dir": settings.data_dir / TENANTS_FOLDER / tenant})


async def _known(settings: Settings) -> list[str]:
    if settings.database_url is None:
        return _with_file(settings.data_dir / TENANTS_FOLDER)
    database = Database.of(settings)
    try:
        async with database.transaction() as connection:
            schemas = await connection.execute(
                text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'coach\\_%' ORDER BY nspname")
            )
            return [name.removeprefix("coach_") for name in schemas.scalars()]
    except FAILURES as error:
        raise UnreachableError(f"{database.label}: 无法打开数据库：{reason_of(error)}") from error
    finally:
        await database.close()


def _with_file(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in folder.glob(f"*/{FILE}"))
