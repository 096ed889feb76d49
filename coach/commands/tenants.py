"""`coach tenants`: who shares this installation, and whether their file is right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from coach.commands.options import DataDir, Json  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from pathlib import Path

    from coach.service.tenants_file import TenantPlan

app = typer.Typer(
    no_args_is_help=True,
    help="查看和核对租户。租户写在数据目录的 tenants.toml（或 COACH_TENANTS_FILE）里，"
    "改后几秒内生效，少数字段要重启（见 docs/operations.md）。\n\n"
    "退出码：0 正确；1 某个租户的规则有误；2 文件有误。",
    rich_markup_mode=None,
)


@app.command(name="list")
def list_tenants(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """列出租户：名称、数据目录、规则、脱敏、存储和配额。

    示例：coach tenants list
    """
    rows = [_as_dict(plan) for plan in _plans(data_dir)]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    from rich.console import Console  # noqa: PLC0415 - `coach check` must not pay for it
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for column in ("租户", "名称", "规则包", "脱敏", "存储", "保留", "配额"):
        table.add_column(column)
    for row in rows:
        quotas = "，".join(f"{name} {value}" for name, value in row["quotas"].items() if value is not None)
        days = row["retention_days"]
        table.add_row(
            row["tenant"],
            row["name"],
            "、".join(row["packs"]) or "-",
            "开" if row["masking"] else "关",
            row["store"],
            f"{days} 天" if days else "不限",
            quotas or "-",
        )
    Console().print(table)


@app.command(name="check")
def check_tenants(*, data_dir: DataDir = None) -> None:
    """核对租户文件，装载每个租户的规则并运行例句；只看不改。

    示例：coach tenants check
    """
    from coach.errors import PhrasebookError, RulebookError  # noqa: PLC0415 - --help must not pay
    from coach.rulebook.book import load_rulebook  # noqa: PLC0415
    from coach.service.tenants_file import tenants_file  # noqa: PLC0415

    plans = _plans(data_dir)
    checked: dict[tuple[object, ...], str] = {}
    failed = False
    print(f"租户文件：{tenants_file(plans[0].settings)}")
    for plan in plans:
        if plan.rules not in checked:
            settings = plan.settings
            try:
                book = load_rulebook(
                    rules_dir=settings.rules,
                    phrasebook_dir=settings.phrasebook,
                    packs=settings.packs,
                    overrides=settings.overrides,
                )
                checked[plan.rules] = f"{len(book.rules)} 条规则，摘要 {book.digest}"
            except (RulebookError, PhrasebookError) as error:
                failed = True
                checked[plan.rules] = f"规则有误：\n{error}"
        print(f"{plan.name}（{plan.title}）：{checked[plan.rules]}")
    raise typer.Exit(1 if failed else 0)


def _plans(data_dir: Path | None) -> tuple[TenantPlan, ...]:
    from coach.config import load_settings  # noqa: PLC0415 - --help must not pay
    from coach.service.tenants_file import load_tenants  # noqa: PLC0415

    return load_tenants(load_settings(data_dir=data_dir))


def _as_dict(plan: TenantPlan) -> dict[str, Any]:
    settings = plan.settings
    return {
        "tenant": plan.name,
        "name": plan.title,
        "data_dir": str(settings.data_dir),
        "rules_dir": str(settings.rules),
        "phrasebook_dir": str(settings.phrasebook),
        "packs": list(settings.packs),
        "overrides": str(settings.overrides) if settings.overrides else None,
        "masking": settings.masking,
        "origins": list(settings.origins),
        "retention_days": settings.retention_days,
        "store": settings.store,
        "quotas": plan.quotas.model_dump(),
    }
