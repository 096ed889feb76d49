"""Options several commands share, and what they lead to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coach import shipped
from coach.errors import ConfigError

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook

# What the settings of the service take for a yes and a no.
_ON = {"", "on", "true", "yes", "1", "y", "t"}
_OFF = {"off", "false", "no", "0", "n", "f"}

RulesDir = Annotated[
    Path | None,
    typer.Option("--rules", envvar="COACH_RULES_DIR", help="规则目录，默认随包规则。", show_envvar=True),
]
PhrasebookDir = Annotated[
    Path | None,
    typer.Option("--phrasebook", envvar="COACH_PHRASEBOOK_DIR", help="话术目录，默认随包话术。"),
]
Packs = Annotated[
    list[str] | None,
    typer.Option("--pack", help="启用规则包，如 insurance；可重复，也可用 COACH_PACKS（逗号分隔）。"),
]
Unmasked = Annotated[
    bool,
    typer.Option("--unmasked", help="不遮住个人信息；也可用 COACH_MASKING=off。位置不受影响。"),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序读取。")]
DataDir = Annotated[Path | None, typer.Option(help="数据目录，默认同 coach serve（./coach-data）。")]
TenantName = Annotated[str, typer.Option("--tenant", help="租户，默认 default。")]
# How transcripts are read.
AgentIs = Annotated[
    list[str] | None,
    typer.Option("--agent-is", help="转写里坐席叫什么，如 SPEAKER_00；first 表示先开口的是坐席；可重复。"),
]
CustomerIs = Annotated[list[str] | None, typer.Option("--customer-is", help="转写里客户叫什么；可重复。")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="FIELD=HEADER", help="表头叫别的名字时指明，如 text=说了什么；可重复。"),
]
TranscriptFormat = Annotated[
    Literal["", "jsonl", "json", "csv", "xlsx", "text", "vtt", "srt"],
    typer.Option(help="不自动识别，全按这种格式读。"),
]
Encoding = Annotated[str, typer.Option(help="文本文件的编码；默认自动识别 UTF-8、GB18030 和 UTF-16。")]


def read_columns(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    """Read `FIELD=HEADER` of --column as (field, header).

    Raises:
        typer.BadParameter: one has no `=`, or there is no such field.
    """
    return tuple(_read_column(text) for text in texts or ())


def _read_column(text: str) -> tuple[str, str]:
    from coach.transcripts.columns import check_field  # noqa: PLC0415 - most commands read no tables

    name, equals, header = text.partition("=")
    if not equals or not header.strip():
        raise typer.BadParameter(f"--column: 收到 {text!r}，应为 FIELD=HEADER，如 text=说了什么")
    try:
        return check_field(name.strip()), header.strip()
    except ValueError as error:
        raise typer.BadParameter(f"--column: {error}") from error


def is_masking(*, unmasked: bool) -> bool:
    """Tell whether personal data is masked: unless --unmasked or COACH_MASKING says otherwise.

    Raises:
        ConfigError: COACH_MASKING is neither on nor off.
    """
    said = os.environ.get("COACH_MASKING", "").strip().lower()
    if said not in _ON | _OFF:
        raise ConfigError(f"COACH_MASKING: 收到 {said!r}，应为 on 或 off")
    masking = not unmasked and said not in _OFF
    if not masking:
        print("未脱敏：号码、姓名、地址原样输出", file=sys.stderr)
    return masking


def load_book(
    rules: Path | None,
    phrasebook: Path | None,
    *,
    check_examples: bool,
    packs: list[str] | None = None,
    second_opinion: bool = True,
) -> Rulebook:
    """Load the rule book the options name; without --pack, COACH_PACKS names the packs.

    Args:
        rules, phrasebook: folders; those shipped when None.
        check_examples: run the examples of every rule.
        packs: names of packs to switch on.
        second_opinion: False leaves the second opinion out.

    Raises:
        RulebookError, PhrasebookError: with every problem found.
    """
    from coach.rulebook.book import load_rulebook  # noqa: PLC0415 - a quarter of a second

    return load_rulebook(
        rules_dir=rules or shipped.rules_dir(),
        phrasebook_dir=phrasebook or shipped.phrasebook_dir(),
        packs=pack_names(packs),
        check_examples=check_examples,
        second_opinion=second_opinion,
    )


def pack_names(packs: list[str] | None) -> list[str]:
    """Return the packs that --pack names, or else COACH_PACKS."""
    return packs or [name.strip() for name in os.environ.get("COACH_PACKS", "").split(",") if name.strip()]
