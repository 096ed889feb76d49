"""`coach db`: the revisions of the database's tables."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from coach.commands.options import DataDir, Json  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from coach.service.database import Database

app = typer.Typer(
    no_args_is_help=True,
    help="管理数据库的表结构。\n\n"
    "SQLite 文件由 coach serve 启动时自动升级；PostgreSQL 由这里的 upgrade 升级，升级前先备份。"
    "设置的来源与 coach serve 相同，数据库地址是 COACH_DATABASE_URL；"
    "不指定 --tenant 时，tenants.toml 里的和已有数据库的租户都包括在内。\n\n"
    "退出码：0 完成；1 连不上数据库，或 check 发现要处理的；2 设置有误，或数据库要先升级、来自更新的 coach。",
    rich_markup_mode=None,
)

Tenants = Annotated[list[str] | None, typer.Option("--tenant", help="只处理这个租户；可重复。")]
_STATES: Final = {
    "current": "是最新的",
    "empty": "还没有表",
    "behind": "落后，要升级",
    "ahead": "来自更新的 coach",
}


@app.command()
def upgrade(*, data_dir: DataDir = None, tenant: Tenants = None, json: Json = False) -> None:
    """建表或升级到这个版本的 coach 需要的结构；已是最新时什么都不做。

    每个租户是一个事务：要么升完，要么没有动。两处同时执行也只升一次。

    示例：

      COACH_DATABASE_URL=postgresql://coach@db/coach coach db upgrade
    """
    from coach.service.migrate import upgrade as upgrade_one  # noqa: PLC0415 - --help must not pay

    async def work(database: Database) -> dict[str, Any]:
        before, after = await upgrade_one(database)
        return {"before": before.revision or None, "after": after.revision}

    rows = _each(data_dir, tenant, work)
    _tell(
        rows,
        json=json,
        line=lambda row: (
            f"已是 {row['after']}" if row["before"] == row["after"]
            else f"{row['before'] or '空库'} → {row['after']}"
        ),
    )  # fmt: skip


@app.command()
def current(*, data_dir: DataDir = None, tenant: Tenants = None, json: Json = False) -> None:
    """显示每个租户的表结构是哪个版本；只看不改。

    示例：coach db current --json
    """
    rows = _each(data_dir, tenant, _standing, read_only=True)
    _tell(rows, json=json, line=lambda row: f"{row['revision'] or '-'}，{_STATES[row['state']]}")


@app.command()
def check(*, data_dir: DataDir = None, tenant: Tenants = None, json: Json = False) -> None:
    """核对表结构：版本是否最新，表、列、索引是否与这个版本的 coach 一致；只看不改。

    示例：coach db check
    """
    from coach.service.migrate import differences  # noqa: PLC0415 - --help must not pay

    async def work(database: Database) -> dict[str, Any]:
        found = await _standing(database)
        # Of another revision everything would differ.
        wrong = await differences(database) if found["state"] == "current" else []
        return {**found, "differences": wrong, "ok": found["state"] == "current" and not wrong}

    rows = _each(data_dir, tenant, work, read_only=True)

    def line(row: dict[str, Any]) -> str:
        told = [f"{row['revision'] or '-'}，{_STATES[row['state']]}"]
        told += [f"    与本版本不同：{each}" for each in row["differences"]]
        if row["state"] in {"empty", "behind"}:
            told.append("    → 执行 coach db upgrade")
        return "\n".join(told)

    _tell(rows, json=json, line=line)
    raise typer.Exit(0 if all(row["ok"] for row in rows) else 1)


async def _standing(database: Database) -> dict[str, Any]:
    from coach.service.migrate import stands  # noqa: PLC0415 - --help must not pay

    found = await stands(database)
    return {"revision": found.revision or None, "head": found.head, "state": found.state}


def _each(
    data_dir: Path | None,
    tenants: list[str] | None,
    work: Callable[[Database], Awaitable[dict[str, Any]]],
    *,
    read_only: bool = False,
) -> list[dict[str, Any]]:
    """Do the work with one database after another; return what came of each.

    Raises:
        ConfigError: a setting is wrong, or (UnreachableError) a database cannot be opened.
    """
    from coach.config import load_settings  # noqa: PLC0415 - --help must not pay
    from coach.service.databases import databases_of  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir)

    async def all_of_them() -> list[dict[str, Any]]:
        rows = []
        for database in await databases_of(settings, tenants=tenants or (), read_only=read_only):
            try:
                row = await work(database)
                rows.append({"tenant": database.tenant, "database": database.label, **row})
            finally:
                await database.close()
        return rows

    return asyncio.run(all_of_them())


def _tell(rows: list[dict[str, Any]], *, json: bool, line: Callable[[dict[str, Any]], str]) -> None:
    if json:
        import orjson  # noqa: PLC0415 - not needed for people

        sys.stdout.buffer.write(orjson.dumps({"databases": rows}, option=orjson.OPT_INDENT_2) + b"\n")
        return
    for row in rows:
        print(f"{row['tenant']}（{row['database']}）：{line(row)}")
