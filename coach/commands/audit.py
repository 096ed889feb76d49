"""`coach audit`: who did what, from the database of a service that may be running."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coach.commands.options import DataDir, Json, TenantName  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from coach.service.database import Database


def audit(
    *,
    data_dir: DataDir = None,
    tenant: TenantName = "default",
    since: Annotated[str, typer.Option(help="从这个时间起，如 2026-10-01 或 2026-10-01T08:00。")] = "",
    until: Annotated[str, typer.Option(help="到这个时间之前。")] = "",
    who: Annotated[str, typer.Option(help="只看这个密钥或人员的。")] = "",
    action: Annotated[str, typer.Option(help="只看这种操作，如 token-minted。")] = "",
    target: Annotated[str, typer.Option(help="只看对这个对象的操作，如一通电话的编号。")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多显示的条数，最近的在前。")] = 100,
    json: Json = False,
) -> None:
    """查看审计日志：谁、何时、从哪里、做了什么。

    示例：coach audit --since 2026-10-01 --action data-deleted
    """
    import orjson  # noqa: PLC0415 - `coach check` must not pay for it

    from coach.commands.data_folder import open_tenant  # noqa: PLC0415
    from coach.errors import ConfigError, MessageError  # noqa: PLC0415
    from coach.service.audit import ACTIONS  # noqa: PLC0415
    from coach.service.audit_routes import read_time  # noqa: PLC0415

    if action and action not in ACTIONS:
        raise ConfigError(f"--action: 收到 {action!r}，应为 {'、'.join(ACTIONS)} 之一")
    try:
        wanted = {
            "since": read_time(since, name="--since") or 0.0,
            "until": read_time(until, name="--until"),
            "who": who,
            "action": action,
            "target": target,
            "limit": limit,
        }
    except MessageError as error:
        raise ConfigError(error.message) from error
    database = open_tenant(data_dir, tenant, read_only=True)
    entries = asyncio.run(_read(database, wanted))
    for entry in entries:
        print(orjson.dumps(entry).decode() if json else _line(entry))
    if not entries and not json:
        print("没有符合条件的记录")


async def _read(database: Database, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    import time  # noqa: PLC0415 - as above

    from coach.errors import MessageError, UnreachableError  # noqa: PLC0415
    from coach.service.audit import Audit  # noqa: PLC0415

    try:
        return await Audit(database, clock=time.time).listed(**wanted)
    except MessageError as error:
        reason = getattr(error, "reason", error)
        raise UnreachableError(f"{database.label}: 无法读取：{reason}") from error
    finally:
        await database.close()


def _line(entry: dict[str, Any]) -> str:
    details = " ".join(f"{name}={value}" for name, value in entry["details"].items())
    parts = (
        entry["at"],
        f"{entry['who']}({entry['role']})",
        entry["address"] or "-",
        entry["action"],
        entry["target"],
        details,
    )
    return "  ".join(part for part in parts if part)
