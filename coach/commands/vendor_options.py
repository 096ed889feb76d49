"""What `coach connect-test` and `coach relay` share: the options of a stream, and events as people paste them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

import typer

from coach.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.connectors.model import Options

Vendor = Annotated[str, typer.Argument(metavar="VENDOR", help="厂商，如 funasr、tencent、twilio。")]
CallId = Annotated[str, typer.Option("--call-id", help="通话编号；默认用厂商给的。")]
Agent = Annotated[str, typer.Option("--agent", help="坐席编号。")]
SpeakerIs = Annotated[str, typer.Option("--speaker", help="这一路是谁：agent 或 customer。")]
Roles = Annotated[str, typer.Option("--roles", help="厂商的标签各是谁，如 0:customer,1:agent。")]


@dataclass(frozen=True, slots=True)
class PastedEvent:
    """One event of a text. `problem` says why it cannot be read; then there is no payload."""

    line: int
    payload: dict[str, Any] | None = None
    problem: str = ""


def options_of(*, call_id: str, agent: str, speaker: str, roles: str, ends_call: bool | None) -> Options:
    """Build the options of a stream.

    Raises:
        typer.BadParameter: a role or a speaker is wrong.
    """
    from coach.connectors.model import Options, read_roles, read_speaker  # noqa: PLC0415 - only once it is run

    try:
        return Options(
            call_id=call_id,
            agent_id=agent,
            speaker=read_speaker(speaker, name="--speaker") if speaker else None,
            roles=read_roles(roles, name="--roles"),
            ends_call=ends_call,
        )
    except MessageError as error:
        raise typer.BadParameter(error.message) from error


def pasted_events(text: str) -> Iterator[PastedEvent]:
    """Read events as people paste them: JSON, one after another or in an array, or forms, one a line."""
    text = text.removeprefix("\ufeff")
    decoder = json.JSONDecoder()
    at, line = 0, 1
    while at < len(text):
        if text[at] in " \t\r\n,":
            line += text[at] == "\n"
            at += 1
            continue
        end_of_line = text.find("\n", at) % (len(text) + 1)
        if text[at] not in "{[":
            yield _form(text[at:end_of_line].strip(), line)
            at = end_of_line
            continue
        try:
            value, after = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            column = getattr(error, "colno", 1)
            why = getattr(error, "msg", "嵌套太深")
            yield PastedEvent(
                line, problem=f"不是 JSON：第 {getattr(error, 'lineno', line)} 行第 {column} 列 {why}"
            )
            line, at = line + 1, end_of_line + 1
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield PastedEvent(line, each)
            else:
                yield PastedEvent(line, problem=f"收到 {str(each)[:40]!r}，应为 JSON 对象 {{…}}")
        line += text.count("\n", at, after)
        at = after


def _form(text: str, line: int) -> PastedEvent:
    try:
        fields = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError:
        return PastedEvent(line, problem=f"收到 {text[:40]!r}，应为一个 JSON 对象或一个表单（名=值&名=值）")
    return PastedEvent(line, dict(fields))
