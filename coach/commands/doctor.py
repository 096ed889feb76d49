"""`coach doctor`: look over an installation and say how to mend what is wrong."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from coach.commands.options import DataDir, Json, PhrasebookDir, RulesDir  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.config import Settings
    from coach.service.checkup import Finding, State

_SIGNS: Final[dict[State, str]] = {"ok": "✓", "warning": "!", "error": "✗"}


def doctor(
    *,
    data_dir: DataDir = None,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Annotated[list[str] | None, typer.Option(help="启用规则包，如 insurance；可重复。")] = None,
    host: Annotated[str | None, typer.Option(help="监听地址。")] = None,
    port: Annotated[int | None, typer.Option(help="端口。")] = None,
    json: Json = False,
) -> None:
    """检查安装和环境：规则、数据、数据库、Redis、进程数、时钟、端口、页面、访问范围，并说明怎样修。

    只看不改，服务运行时也可以执行。设置的来源与 coach serve 相同：命令行、COACH_* 环境变量、coach.toml。
    每项一行：✓ 正常，! 最好处理，✗ 必须处理。

    退出码：0 没有 ✗；1 有 ✗。

    示例：

      coach doctor

      coach doctor --data-dir /var/lib/coach --json
    """
    from coach.config import load_settings  # noqa: PLC0415 - a second of imports that --help must not pay
    from coach.errors import ConfigError  # noqa: PLC0415
    from coach.service.checkup import Finding  # noqa: PLC0415

    try:
        settings = load_settings(
            data_dir=data_dir,
            rules_dir=rules,
            phrasebook_dir=phrasebook,
            packs=tuple(pack) if pack else None,
            host=host,
            port=port,
        )
    except ConfigError as error:
        findings = [Finding("settings", "设置", "error", str(error), "全部设置见 docs/operations.md")]
    else:
        findings = list(_examine(settings))
    if json:
        _print_json(findings)
    else:
        _print_human(findings)
    raise typer.Exit(1 if any(each.state == "error" for each in findings) else 0)


def _examine(settings: Settings) -> Iterator[Finding]:
    from coach.service.checkup import (  # noqa: PLC0415 - see above
        Finding,
        examine_access,
        examine_data,
        examine_machine,
    )
    from coach.service.checkup_cluster import examine_cluster  # noqa: PLC0415
    from coach.service.checkup_database import examine_database  # noqa: PLC0415
    from coach.service.checkup_rules import examine_rules, load_for_checkup  # noqa: PLC0415
    from coach.service.webhooks.checkup import examine_webhooks  # noqa: PLC0415

    yield Finding("settings", "设置", "ok", "读得懂")
    yield from examine_machine(settings)
    book, problem = load_for_checkup(settings)
    yield from examine_rules(settings, book, problem)
    yield from examine_data(settings)
    yield from examine_database(settings)
    yield from examine_cluster(settings)
    yield from examine_webhooks(settings)
    yield from examine_access(settings, digest=book.digest if book is not None else "")


def _print_json(findings: list[Finding]) -> None:
    import orjson  # noqa: PLC0415 - not needed for people

    answer = {
        "ok": all(each.state != "error" for each in findings),
        "findings": [asdict(each) for each in findings],
    }
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")


def _print_human(findings: list[Finding]) -> None:
    for each in findings:
        first, *more = each.says.splitlines() or [""]
        print(f"{_SIGNS[each.state]} {each.title}：{first}")
        for line in more:
            print(f"    {line}")
        if each.mend:
            print(f"    → {each.mend}")
    errors = sum(each.state == "error" for each in findings)
    warnings = sum(each.state == "warning" for each in findings)
    if errors or warnings:
        print(f"{errors} 项必须处理，{warnings} 项最好处理")
    else:
        print("都正常")
