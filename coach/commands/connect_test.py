"""`coach connect-test`: say how a vendor's events are read, before a call depends on it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from coach.commands.options import Json, Unmasked, is_masking
from coach.commands.vendor_options import (
    Agent,
    CallId,
    Roles,
    SpeakerIs,
    Vendor,
    options_of,
    pasted_events,
)
from coach.errors import ConfigError, MessageError, cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coach.coaching.events import Speaker
    from coach.commands.vendor_options import PastedEvent
    from coach.connectors.model import Connector, Incoming
    from coach.connectors.state import State

_WHO: Final = {"agent": "坐席", "customer": "客户", "unknown": "未知"}
_MAX_BYTES: Final = 16 * 1024 * 1024


def connect_test(
    vendor: Vendor,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="几个真实的事件；不给就读标准输入。")
    ] = None,
    *,
    call_id: CallId = "",
    agent: Agent = "",
    speaker: SpeakerIs = "",
    roles: Roles = "",
    ends_call: Annotated[
        bool | None, typer.Option("--ends-call/--keeps-call", help="这一路结束是否就是通话结束。")
    ] = None,
    unmasked: Unmasked = False,
    json: Json = False,
) -> None:
    """看看厂商的事件会被怎样读：谁在说话、时间、是否最终结果，忽略了什么、为什么，还要设置什么。

    不连接任何服务。事件可以一行一个 JSON，可以是一个 JSON 数组，也可以是表单（名=值&名=值）。

    加 --json 时每个结果输出一行，kind 是 heard、started、ended、ignored 或 error。

    退出码：0 都读懂了；1 有读不懂的事件或不知道是谁在说话；2 文件不存在或参数有误。

    示例：

      coach connect-test tencent events.jsonl --call-id c1 --speaker agent

      pbpaste | coach connect-test twilio --roles inbound_track:customer,outbound_track:agent
    """
    from coach.connectors.vendors import connector_for  # noqa: PLC0415 - only once it is run
    from coach.language.masking import mask  # noqa: PLC0415

    options = options_of(call_id=call_id, agent=agent, speaker=speaker, roles=roles, ends_call=ends_call)
    try:
        connector = connector_for(vendor, options)
    except MessageError as error:
        raise typer.BadParameter(error.message) from error
    shown = mask if is_masking(unmasked=unmasked) else str
    seen = _Seen()
    print_one = _print_json if json else _print_human
    for event in pasted_events(_read(file)):
        for row in _rows(event, connector, seen, shown):
            print_one(row)
    if not seen.events:
        raise ConfigError(f"{file or '标准输入'}: 里面没有事件，应为 JSON 对象或表单")
    if not json:
        _print_summary(seen, agent=agent)
    raise typer.Exit(1 if seen.errors or seen.speakers["unknown"] else 0)


@dataclass(slots=True)
class _Seen:
    """What was met so far."""

    events: int = 0
    errors: int = 0
    finals: set[tuple[str, str]] = field(default_factory=set)
    growing: set[tuple[str, str]] = field(default_factory=set)
    states: dict[str, State] = field(default_factory=dict)
    # By utterance: its first words may come before it is known who speaks.
    spoken: dict[tuple[str, str], Speaker] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    hints: dict[str, None] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    @property
    def speakers(self) -> Counter[str]:
        """Utterances by speaker."""
        return Counter(self.spoken.values())


def _rows(
    event: PastedEvent, connector: Connector, seen: _Seen, shown: Callable[[str], str]
) -> Iterator[dict[str, Any]]:
    from coach.connectors.state import State  # noqa: PLC0415

    seen.events += 1
    problem, place = event.problem, ""
    if event.payload is not None:
        try:
            call_id = connector.call_id(event.payload)
            state = seen.states.setdefault(call_id, State())
            found = connector.read(event.payload, state)
        except MessageError as error:
            problem, place = error.message, error.field
        else:
            yield from (_row(event.line, each, seen, shown) for each in found)
            return
    seen.errors += 1
    yield {"line": event.line, "kind": "error", "why": problem, "field": place}


def _row(line: int, event: Incoming, seen: _Seen, shown: Callable[[str], str]) -> dict[str, Any]:
    from coach.connectors.model import Ended, Heard, Started  # noqa: PLC0415

    head: dict[str, Any] = {"line": line, "call_id": event.call_id}
    if isinstance(event, Started):
        return {**head, "kind": "started", "agent_id": event.agent_id}
    if isinstance(event, Ended):
        seen.ended.add(event.call_id)
        return {**head, "kind": "ended", "at_ms": event.at_ms}
    if not isinstance(event, Heard):
        seen.ignored[event.why] += 1
        if event.hint:
            seen.hints[event.hint] = None
        return {**head, "kind": "ignored", "why": event.why, "hint": event.hint}
    heard = event.utterance
    key = (heard.call_id, heard.utterance_id)
    (seen.finals if heard.final else seen.growing).add(key)
    seen.spoken[key] = heard.speaker
    if event.hint:
        seen.hints[event.hint] = None
    return {
        **head,
        "kind": "heard",
        "utterance_id": heard.utterance_id,
        "revision": heard.revision,
        "speaker": heard.speaker,
        "label": event.label,
        "text": shown(heard.text),
        "final": heard.final,
        "start_ms": heard.start_ms,
        "end_ms": heard.end_ms,
        "hint": event.hint,
    }


def _print_json(row: dict[str, Any]) -> None:
    import orjson  # noqa: PLC0415 - not needed for people

    sys.stdout.buffer.write(orjson.dumps(row) + b"\n")


def _print_human(row: dict[str, Any]) -> None:
    kind = row["kind"]
    line = f"第 {row['line']} 行"
    if kind == "error":
        print(f"{line}  ✗ {row['why']}")
    elif kind == "ignored":
        print(f"{line}  忽略：{row['why']}")
    elif kind == "started":
        print(f"{line}  通话开始 {row['call_id']}")
    elif kind == "ended":
        print(f"{line}  通话结束 {row['call_id']}，{_clock(row['at_ms'])}")
    else:
        label = f"「{row['label']}」" if row["label"] else ""
        final = "最终" if row["final"] else "未完"
        times = f"{_clock(row['start_ms'])}–{_clock(row['end_ms'])}"
        print(
            f"{line}  {_WHO[row['speaker']]}{label}  {times}  {final}  {row['text']}  [{row['utterance_id']}]"
        )


def _print_summary(seen: _Seen, *, agent: str) -> None:
    counts = seen.speakers
    speakers = "，".join(f"{name} {counts[role]}" for role, name in _WHO.items() if counts[role])
    calls = "、".join(list(seen.states)[:5]) + (f" 等 {len(seen.states)} 通" if len(seen.states) > 5 else "")  # noqa: PLR2004
    print("小结")
    print(f"  通话：{calls or '没有'}")
    print(
        f"  话：{len(seen.finals | seen.growing)} 句，{len(seen.finals)} 句有最终结果；{speakers or '没有人说话'}"
    )
    if open_ := len(seen.growing - seen.finals):
        print(f"  {open_} 句还没有最终结果：事件截断了，或厂商没有开最终结果")
    if not seen.growing and seen.finals:
        print("  没有中间结果：建议要等一句说完才出现；厂商支持时请打开中间结果")
    for why, count in seen.ignored.most_common():
        print(f"  忽略 {count} 个：{why}")
    if seen.errors:
        print(f"  读不懂 {seen.errors} 个")
    print("要设置")
    if not agent:
        print("  坐席编号：用 agent_id（命令里是 --agent），或先用 call.started 开始这通电话")
    for hint in seen.hints:
        print(f"  {hint}")
    if len(seen.ended) < len(seen.states):
        print("  通话何时结束：这些事件里没有说；通话结束后调用 …/calls/{call_id}/end")
    if agent and not seen.hints and len(seen.ended) == len(seen.states):
        print("  没有了")


def _read(file: Path | None) -> str:
    try:
        if file is None:
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file}: 无法打开：{cause(error)}") from error
    if len(content) > _MAX_BYTES:
        raise ConfigError(f"{file or '标准输入'}: 超过 {_MAX_BYTES} 字节；几个事件就够了")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file or '标准输入'}: 第 {error.start} 字节起不是 UTF-8") from error


def _clock(ms: int) -> str:
    return f"{ms // 60_000:02}:{ms % 60_000 / 1000:04.1f}"
