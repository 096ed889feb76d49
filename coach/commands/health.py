"""`coach rules health`: how each rule fares, by what reviewers and agents say."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final, TextIO

import typer

from coach.commands.options import (
    Json,
    Packs,
    PhrasebookDir,
    RulesDir,
    load_book,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.service.health import RuleHealth

_TIMEOUT_S: Final = 30
_MAX_BYTES: Final = 16 * 1024 * 1024
_STATUSES: Final = {"stable": "", "trial": "试用", "gone": "不在规则集里"}
# Below this share even the upper end of the interval says that the rule disturbs more than it helps (choice).
_POOR: Final = 0.8
_ENOUGH: Final = 5
_NEVER_SHOWN: Final = 10


def health(
    *,
    url: Annotated[str, typer.Option(help="问正在运行的服务，如 http://127.0.0.1:8600。")] = "",
    key: Annotated[
        str, typer.Option(envvar="COACH_KEY", help="API 密钥，和 --url 一起用。", show_default=False)
    ] = "",
    data_dir: Annotated[Path | None, typer.Option(help="直接读数据目录，默认 ./coach-data。")] = None,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
) -> None:
    """规则体检：每条规则命中多少、复核对错各多少、坐席怎么看；最差的在最上面。

    精确率是复核判“对”的占比，括号里是 95% 区间（Wilson）；没有复核过的写“-”。

    退出码：0 完成；1 服务拒绝或连不上；2 参数或数据目录有误。

    示例：

      coach rules health --data-dir /var/lib/coach

      coach rules health --url http://127.0.0.1:8600 --key coach_…  --json
    """
    told = _ask(url, key) if url else _read(data_dir, rules, phrasebook, pack)
    if json:
        import orjson  # noqa: PLC0415 - not needed for people

        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
        return
    _print(told, sys.stdout)


def _read(
    data_dir: Path | None, rules: Path | None, phrasebook: Path | None, pack: list[str] | None
) -> dict[str, Any]:
    import asyncio  # noqa: PLC0415 - only this way needs it

    from coach.config import load_settings  # noqa: PLC0415
    from coach.errors import UnreachableError  # noqa: PLC0415
    from coach.service.database import Database, DatabaseAwayError  # noqa: PLC0415
    from coach.service.health import as_dict, rules_health  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir)
    book = load_book(
        rules or settings.rules_dir,
        phrasebook or settings.phrasebook_dir,
        check_examples=False,
        packs=pack or list(settings.packs),
    )

    async def read() -> list[RuleHealth]:
        database = Database.of(settings, read_only=True)
        try:
            return await rules_health(database, book.tellers, reviews=settings.data_dir / "reviews")
        except DatabaseAwayError as error:
            raise UnreachableError(f"{database.label}: 无法读取：{error.reason}") from error
        finally:
            await database.close()

    found = asyncio.run(read())
    return {"digest": book.digest, "rules": [as_dict(each) for each in found]}


def _ask(url: str, key: str) -> dict[str, Any]:
    """Ask a running service.

    Raises:
        ConfigError: the address or the key is missing or malformed.
        CoachError: the service refuses, or cannot be reached.
    """
    from urllib.error import HTTPError  # noqa: PLC0415 - only this way needs it
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import ProxyHandler, Request, build_opener  # noqa: PLC0415

    import orjson  # noqa: PLC0415

    from coach.config import is_loopback  # noqa: PLC0415
    from coach.errors import CoachError, ConfigError  # noqa: PLC0415

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"--url: 收到 {url!r}，应为 http(s)://主机[:端口]")
    if not key or not key.isascii():
        raise ConfigError("--key: 问服务需要 API 密钥；也可放在环境变量 COACH_KEY 里")
    # A proxy cannot reach this machine's own address.
    opener = build_opener(ProxyHandler({}) if is_loopback(parts.hostname) else ProxyHandler())
    request = Request(  # noqa: S310 - the scheme was checked
        f"{url.rstrip('/')}/v1/rules/health", headers={"Authorization": f"Bearer {key}"}
    )
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            told: dict[str, Any] = orjson.loads(answer.read(_MAX_BYTES))
    except HTTPError as error:
        with error:
            body = error.read(_MAX_BYTES)
        try:
            message = orjson.loads(body)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = error.reason
        raise CoachError(f"{url}: HTTP {error.code}：{message}") from error
    except OSError as error:
        raise CoachError(f"{url}: 连不上：{getattr(error, 'reason', error)}") from error
    except ValueError as error:
        raise CoachError(f"{url}: 回答不是 JSON，是不是 coach 的地址：{error}") from error
    return told


def _print(told: Mapping[str, Any], to: TextIO) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed for --json
    from rich.table import Table  # noqa: PLC0415

    rules = told["rules"]
    used = [rule for rule in rules if rule["fired"] or rule["confirmed"] or rule["false"]]
    quiet = [rule for rule in rules if rule["never_fired"]]
    console = Console(file=to, highlight=False, width=None if to.isatty() else 150)
    if used:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("规则", overflow="fold", min_width=24)
        for name in ("命中", "判对", "判错"):
            table.add_column(name, justify="right")
        table.add_column("精确率（95% 区间）", justify="right", no_wrap=True)
        for name in ("坐席误报", "坐席有用", "静音", "申诉"):
            table.add_column(name, justify="right")
        table.add_column("说明", overflow="fold")
        for rule in used:
            table.add_row(*_row(rule))
        console.print(table)
    else:
        console.print("还没有规则命中过。")
    if quiet:
        listed = "、".join(rule["rule"] for rule in quiet[:_NEVER_SHOWN])
        more = f" 等 {len(quiet)} 条" if len(quiet) > _NEVER_SHOWN else ""
        console.print(f"\n从未命中：{listed}{more}", markup=False)
    decided = sum(rule["confirmed"] + rule["false"] for rule in rules)
    waiting = sum(rule["open_appeals"] for rule in rules)
    console.print(
        f"\n共 {len(rules)} 条，命中过 {len(used)} 条，从未命中 {len(quiet)} 条；"
        f"复核 {decided:,} 处，待处理申诉 {waiting:,} 处；规则集 {told['digest']}",
        markup=False,
    )


def _row(rule: Mapping[str, Any]) -> tuple[str, ...]:
    precision = "-"
    notes: list[str] = [_STATUSES.get(rule["status"], rule["status"])]
    if rule["precision"] is not None:
        precision = f"{rule['precision']:.0%}（{rule['precision_low']:.0%}–{rule['precision_high']:.0%}）"
        if rule["precision_high"] < _POOR and rule["confirmed"] + rule["false"] >= _ENOUGH:
            notes.insert(0, "误报多，应改")
    appealed = f"{rule['appealed']:,}"
    if rule["open_appeals"]:
        appealed += f"（待处理 {rule['open_appeals']:,}）"
    return (
        f"{rule['rule']}",
        f"{rule['fired']:,}",
        f"{rule['confirmed']:,}",
        f"{rule['false']:,}",
        precision,
        f"{rule['false_alarms']:,}",
        f"{rule['useful']:,}",
        f"{rule['muted']:,}",
        appealed,
        "，".join(note for note in notes if note),
    )
