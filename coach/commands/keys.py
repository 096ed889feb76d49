"""`coach keys`: the API keys of an installation. A running service sees a change within seconds."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from coach.commands.options import DataDir, Json  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from coach.service.keys import ApiKey, ApiKeys

app = typer.Typer(
    no_args_is_help=True,
    help="管理 API 密钥。运行中的服务几秒内生效，无需重启。\n\n退出码：0 完成；1 连不上数据库；2 名称、租户或数据目录有误。",
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="密钥的名称，如 softphone。")]

T = TypeVar("T")


@app.command(name="list")
def list_keys(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """列出密钥的名称、租户、角色和状态；密钥本身不保存。

    示例：coach keys list
    """
    keys = _with_keys(data_dir, lambda keys: keys.listed())
    now = time.time()
    if as_json:
        print(json.dumps([_as_dict(key, now) for key in keys], ensure_ascii=False, indent=2))
        return
    from rich.console import Console  # noqa: PLC0415 - `coach check` must not pay for it
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for column in ("名称", "租户", "角色", "状态", "创建", "到期", "最近使用"):
        table.add_column(column)
    for key in keys:
        days = (_day(each) for each in (key.created_at, key.expires_at, key.last_used_at))
        table.add_row(key.name, key.tenant, key.role, _TOLD[_state(key, now)], *(day or "-" for day in days))
    Console().print(table)


@app.command(name="new")
def new_key(
    name: Name,
    *,
    tenant: Annotated[str, typer.Option(help="租户的名称。")] = "default",
    role: Annotated[
        str, typer.Option(help="producer（话务平台）、agent、supervisor、reviewer 或 admin。")
    ] = "producer",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="有效天数，默认不过期。")] = None,
    data_dir: DataDir = None,
) -> None:
    """新建一个密钥，只显示这一次。

    示例：coach keys new softphone --tenant bank --days 365
    """
    from coach.errors import ConfigError  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.service.roles import ROLES  # noqa: PLC0415

    known = next((each for each in ROLES if each == role), None)
    if known is None:
        raise ConfigError(f"--role: 收到 {role!r}，应为 {'、'.join(ROLES)} 之一")
    _check_tenant(data_dir, tenant)
    made = _with_keys(
        data_dir, lambda keys: keys.create(name, role=known, tenant=tenant, days=days), hashes=True
    )
    print(made)


@app.command(name="rotate")
def rotate_key(
    name: Name,
    *,
    grace: Annotated[float, typer.Option(min=0, max=8760, help="旧密钥还有效的小时数。")] = 24,
    data_dir: DataDir = None,
) -> None:
    """换一个新密钥，旧的在宽限期内仍有效。新密钥只显示这一次。

    示例：coach keys rotate softphone --grace 48
    """
    print(_with_keys(data_dir, lambda keys: keys.rotate(name, grace_h=grace), hashes=True))


@app.command(name="revoke")
def revoke_key(name: Name, *, data_dir: DataDir = None) -> None:
    """作废一个密钥（连同宽限期内的旧密钥）。

    示例：coach keys revoke first
    """
    count = _with_keys(data_dir, lambda keys: keys.revoke(name))
    print(f"已作废 {name}（{count} 个密钥）")


_TOLD = {"active": "有效", "expired": "已过期", "revoked": "已作废"}


def _state(key: ApiKey, now: float) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.in_force(now) else "expired"


def _day(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()


def _as_dict(key: ApiKey, now: float) -> dict[str, object]:
    return {
        "name": key.name,
        "tenant": key.tenant,
        "role": key.role,
        "state": _state(key, now),
        "created_at": _time(key.created_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_on": _day(key.last_used_at),
    }


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _check_tenant(data_dir: Path | None, tenant: str) -> None:
    from coach.config import load_settings  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.errors import ConfigError  # noqa: PLC0415
    from coach.service.tenants_file import load_tenants  # noqa: PLC0415

    names = [plan.name for plan in load_tenants(load_settings(data_dir=data_dir))]
    if tenant not in names:
        raise ConfigError(
            f"--tenant: 收到 {tenant!r}，应为 {'、'.join(names)} 之一；租户写在 tenants.toml 里"
        )


def _with_keys(data_dir: Path | None, work: Callable[[ApiKeys], Awaitable[T]], *, hashes: bool = False) -> T:
    """Open the keys, do the work, close the database.

    Args:
        hashes: the work makes keys, for which there has to be a signing secret.
    """
    from coach.config import load_settings  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.errors import ConfigError  # noqa: PLC0415
    from coach.service.audit import at_the_command_line  # noqa: PLC0415
    from coach.service.database import Database  # noqa: PLC0415
    from coach.service.keys import ApiKeys  # noqa: PLC0415
    from coach.service.migrate import open_database  # noqa: PLC0415
    from coach.service.old_keys import FILE as OLD_KEYS  # noqa: PLC0415
    from coach.service.signing import load_secrets  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir)
    folder = settings.data_dir
    if not folder.is_dir():
        raise ConfigError(f"data_dir: {folder} 不存在；先运行一次 coach serve，或用 --data-dir 指定")
    given = settings.secret.get_secret_value() if settings.secret else ""
    secrets = load_secrets(folder, given=given, make=hashes or (folder / OLD_KEYS).exists())

    async def run() -> T:
        database = Database.of(settings)
        try:
            await open_database(database)
            keys = ApiKeys(database, secrets, actor=at_the_command_line())
            await keys.open(old_file=folder / OLD_KEYS if secrets.all else None)
            return await work(keys)
        finally:
            await database.close()

    return asyncio.run(run())
