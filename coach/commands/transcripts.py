"""`coach transcripts`: show how recorded calls are read, before they are reviewed."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from coach.commands.options import (
    AgentIs,
    Columns,
    CustomerIs,
    Encoding,
    Json,
    TranscriptFormat,
    Unmasked,
    is_masking,
    read_columns,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from coach.coaching.events import Speaker
    from coach.transcripts.model import ReadOptions, Reject, Slice, TranscriptCall

_FORMATS: Final = {
    "jsonl": "JSON 行",
    "json": "JSON",
    "csv": "CSV",
    "xlsx": "Excel",
    "text": "文本对话",
    "vtt": "WebVTT 字幕",
    "srt": "SRT 字幕",
    "unreadable": "读不了",
}
_LAYOUTS: Final = {
    "call": "一条一通",
    "utterance": "一行一句",
    "dialogue": "一行一通",
    "contact-lens": "Contact Lens",
    "aliyun": "阿里云质检",
    "funasr": "FunASR",
    "twilio": "Twilio",
    "whisperx": "WhisperX",
}
_SPEAKERS: Final[dict[Speaker, str]] = {"agent": "坐席", "customer": "客户", "unknown": "未知"}
# Files told one by one; of more, the first of each kind and the sums.
_FILES: Final = 12
_REJECTS: Final = 5
_ALL_REJECTS: Final = 20
_REPEATED: Final = 3


def transcripts(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="转写文件、文件夹、通配（calls/*.csv）或压缩包，可以给多个。"),
    ],
    *,
    agent_is: AgentIs = None,
    customer_is: CustomerIs = None,
    format: TranscriptFormat = "",  # noqa: A002 - the flag is called so
    encoding: Encoding = "",
    column: Columns = None,
    turns: Annotated[int, typer.Option(min=0, help="每个文件的第一通显示几句。")] = 4,
    head: Annotated[int, typer.Option(min=0, help="每个文件只读前几通；0 是读完。")] = 0,
    unmasked: Unmasked = False,
    json: Json = False,
) -> None:
    """看看转写文件会被怎样读：格式、通数、句数、谁是坐席，哪些记录读不懂。

    质检之前先用它核对。读不懂的记录说明文件、行号、字段、收到什么、应为什么。

    加 --json 时每个文件输出一行 {"file", "format", "layout", "encoding", "calls", "turns", "speakers", "first",
    "repeated_ids", "rejects"}。

    退出码：0 都读懂了；1 有读不懂的记录；2 文件不存在或参数有误。

    示例：

      coach transcripts 十月.xlsx

      coach transcripts 录音/ --agent-is SPEAKER_00

      coach transcripts 老系统.csv --column text=说了什么 --column speaker=谁
    """
    from coach.language.masking import mask  # noqa: PLC0415 - only once the flags are right
    from coach.transcripts.model import ReadOptions  # noqa: PLC0415
    from coach.transcripts.plan import plan  # noqa: PLC0415

    options = ReadOptions(
        agent_is=frozenset(agent_is or ()),
        customer_is=frozenset(customer_is or ()),
        format=format,
        encoding=encoding,
        columns=read_columns(column),
    )
    shown = mask if is_masking(unmasked=unmasked) else str
    pieces = plan(sources, options=options, slice_bytes=sys.maxsize)
    ids: set[int] = set()
    looks = (
        _look(list(group), options, ids, head=head, turns=turns, masked=shown)
        for _, group in groupby(pieces, key=lambda piece: piece.name)
    )
    wrong = _print_json(looks) if json else _print_human(looks, many=len(pieces) > _FILES)
    raise typer.Exit(1 if wrong else 0)


@dataclass(slots=True)
class _Look:
    """What was seen of one file."""

    piece: Slice
    calls: int = 0
    partly: bool = False
    speakers: dict[Speaker, int] = field(default_factory=lambda: dict.fromkeys(_SPEAKERS, 0))
    first: TranscriptCall | None = None
    shown: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rejected: int = 0
    repeated: list[str] = field(default_factory=list)

    @property
    def turns(self) -> int:
        return sum(self.speakers.values())


def _look(
    pieces: list[Slice],
    options: ReadOptions,
    ids: set[int],
    *,
    head: int,
    turns: int,
    masked: Callable[[str], str],
) -> _Look:
    """Look at one file; `ids` are hashes of those that calls have had so far, in any file."""
    from coach.transcripts.model import Reject  # noqa: PLC0415
    from coach.transcripts.read import read_slice  # noqa: PLC0415

    look = _Look(pieces[0])
    for piece in pieces:
        for found in read_slice(piece, options):
            if isinstance(found, Reject):
                look.rejected += 1
                if look.rejected <= _ALL_REJECTS:
                    look.rejects.append(found)
                continue
            look.calls += 1
            if (mark := hash(found.id)) in ids:
                look.repeated.append(found.id)
            ids.add(mark)
            for turn in found.turns:
                look.speakers[turn.speaker] += 1
            if look.first is None:
                look.first = found
                look.shown = [
                    {
                        "speaker": turn.speaker,
                        "text": masked(turn.text),
                        "start_ms": turn.start_ms,
                        "end_ms": turn.end_ms,
                    }
                    for turn in islice(found.turns, turns)
                ]
            if look.calls == head:
                look.partly = True
                return look
    return look


def _print_json(looks: Iterable[_Look]) -> int:
    import orjson  # noqa: PLC0415 - not needed for people

    wrong = 0
    for look in looks:
        wrong += look.rejected
        first = look.first
        answer = {
            "file": look.piece.name,
            "format": look.piece.format,
            "layout": look.piece.layout.partition(":")[0],
            "encoding": look.piece.encoding,
            "calls": look.calls,
            "turns": look.turns,
            "speakers": look.speakers,
            "first": first
            and {
                "id": first.id,
                "line": first.place.line,
                "agent_id": first.agent_id,
                "team": first.team,
                "started_at": first.started_at,
                "org": first.org,
                "customer_id": first.customer_id,
                "turns": look.shown,
            },
            "repeated_ids": len(look.repeated),
            "rejected": look.rejected,
            "rejects": [
                {
                    "file": each.place.file,
                    "line": each.place.line,
                    "field": each.field,
                    "problem": each.problem,
                }
                for each in look.rejects
            ],
        }
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
    return wrong


def _print_human(looks: Iterator[_Look], *, many: bool) -> int:
    sums: dict[str, list[int]] = {}
    wrong = files = 0
    repeated: list[str] = []
    for look in looks:
        files += 1
        repeated += look.repeated
        kind = _kind(look.piece)
        known = kind in sums
        total = sums.setdefault(kind, [0, 0, 0, 0])
        for index, count in enumerate((1, look.calls, look.turns, look.rejected)):
            total[index] += count
        if not many or not known:
            _print_look(look)
        if wrong < _ALL_REJECTS:
            limit = _REJECTS if not many else min(_REJECTS, _ALL_REJECTS - wrong)
            for reject in look.rejects[:limit]:
                print(f"  ✗ {reject}")
            if look.rejected > limit:
                print(f"  ✗ ……这个文件还有 {look.rejected - limit} 条读不懂")
        wrong += look.rejected
    if files > 1:
        print("合计")
        for kind, (count, calls, turns, rejected) in sums.items():
            print(
                f"  {kind}：{count} 个文件，{calls} 通，{turns} 句"
                + (f"，{rejected} 条读不懂" if rejected else "")
            )
    if repeated:
        named = "、".join(list(dict.fromkeys(repeated))[:_REPEATED])
        print(
            f"编号重复：{len(repeated)} 通的编号前面已有别的通话用过（{named}{'…' if len(set(repeated)) > _REPEATED else ''}）；"
            "质检结果里后来的改叫“编号-2”。是不是通话编号列选错了，或同一通给了两遍？"
        )
    return wrong


def _kind(piece: Slice) -> str:
    layout = _LAYOUTS.get(piece.layout.partition(":")[0], "")
    return _FORMATS[piece.format] + (f"（{layout}）" if layout else "")


def _print_look(look: _Look) -> None:
    piece, first = look.piece, look.first
    notes = [_kind(piece)]
    if piece.format not in {"xlsx", "unreadable"}:
        notes.append(piece.encoding.upper())
    if piece.scattered:
        notes.append("同一通的行不相邻，按编号归拢")
    print(f"{piece.name}\n  {'，'.join(notes)}")
    if first is None:
        return
    counts = "，".join(
        f"{name} {look.speakers[role]}" for role, name in _SPEAKERS.items() if look.speakers[role]
    )
    partly = "（只看了前几通）" if look.partly else ""
    print(f"  {look.calls} 通{partly}，{look.turns} 句：{counts or '没有人说话'}")
    about = [
        f"{name} {value}"
        for name, value in (
            ("工号", first.agent_id),
            ("班组", first.team),
            ("开始", first.started_at and f"{first.started_at:%Y-%m-%d %H:%M:%S}"),
            ("公司", first.org),
            ("客户编号", first.customer_id),
        )
        if value
    ]
    line = f"（第 {first.place.line} 行）" if first.place.line else ""
    print(f"  第一通 {first.id}{line}" + ("：" + "，".join(about) if about else ""))
    for turn in look.shown:
        seconds = turn["start_ms"] / 1000
        print(
            f"    {int(seconds // 60):02}:{seconds % 60:04.1f} {_SPEAKERS[turn['speaker']]}：{turn['text']}"
        )
