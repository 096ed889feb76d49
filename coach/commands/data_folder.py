"""The database of a tenant, for commands that work beside a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from coach.config import Settings
    from coach.service.database import Database


def tenant_settings(data_dir: Path | None, tenant: str) -> Settings:
    """Read the settings with the folder of a tenant.

    Raises:
        ConfigError: there is no such folder, or a setting is wrong.
    """
    from coach.config import load_settings  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.service.database import DEFAULT_TENANT  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir)
    folder = settings.data_dir
    if tenant != DEFAULT_TENANT:
        folder = folder / "tenants" / tenant
    if not folder.is_dir():
        raise ConfigError(
            f"data_dir: {folder} 不存在；先运行一次 coach serve，或用 --data-dir、--tenant 指定"
        )
    return settings.model_copy(update={"data_dir": folder})


def open_tenant(data_dir: Path | None, tenant: str, *, read_only: bool = False) -> Database:
    """Return the database of a tenant.

    Raises:
        ConfigError: there is no such folder or database, or a setting is wrong.
    """
    from coach.service.database import Database  # noqa: PLC0415 - as above

    database = Database.of(tenant_settings(data_dir, tenant), tenant=tenant, read_only=read_only)
    if database.file is not None and not database.file.is_file():
        raise ConfigError(f"data_dir: {database.file} 不存在；应为 coach serve 的数据目录")
    return database
