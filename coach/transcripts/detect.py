"""What a file is, by its content: never by its name alone, and never by guessing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from coach.errors import TranscriptError
from coach.transcripts import csvfile, cues, jsonfile
from coach.transcripts.columns import HeaderError
from coach.transcripts.lines import find_names, spoken_line
from coach.transcripts.shapes import shape_of
from coach.transcripts.utterance_json import is_utterance

if TYPE_CHECKING:
    from coach.transcripts.model import Format, ReadOptions

# How much of a file is looked at.
HEAD: Final = 1 << 18
_SRT: Final = re.compile(r"(?:\d+\s*\n)?\s*\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}\s*-->")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What people put beside transcripts, by its first bytes.
_FOREIGN: Final = (
    (
        (b"RIFF", b"ID3", b"OggS", b"fLaC", b"#!AMR", b"\xff\xfb", b"\xff\xf3"),
        "这是录音，应为转写；请先用语音识别转写",
    ),
    ((b"%PDF",), "这是 PDF，应为转写文字；请导出成文本、CSV 或 Excel"),
    (
        (b"Rar!", b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd"),
        "这种压缩包读不了，应为 .zip 或 .gz",
    ),
    ((b"PAR1",), "这是 Parquet，应为 JSON 行、CSV 或 Excel"),
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), "这是图片，应为转写文字"),
)
_TAR_AT: Final = 257
# How many lines tell what a file is.
_LINES: Final = 50


class Recognised(NamedTuple):
    """A format, and what it holds: see `Slice.layout`."""

    format: Format
    layout: str = ""


def check_known(head: bytes) -> None:
    """Refuse what is plainly something else.

    Raises:
        TranscriptError: what it is, and what was expected.
    """
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise TranscriptError("空文件")
    for magics, problem in _FOREIGN:
        if head.startswith(magics):
            raise TranscriptError(problem)
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        raise TranscriptError("这是 tar 包，应为 .zip 或 .gz；请先解开")


def is_old_excel(head: bytes) -> bool:
    """Whether it is a workbook from before 2007 (or locked with a password)."""
    return head.startswith(_OLE)


def recognise(head: bytes, *, encoding: str, options: ReadOptions) -> Recognised:
    """Tell the format of a text.

    Args:
        head: its beginning, at most `HEAD` bytes.
        encoding: a line-safe one.
        options: labels and columns that the user has named; a format, if named, is only looked into.

    Raises:
        TranscriptError: what was tried and what would have been expected.
    """
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]
    start = text.lstrip()[:1]
    if options.format == "jsonl":
        return Recognised("jsonl", _line_layout(lines))
    if options.format == "json" or (
        start in {"{", "["} and not options.format and not _is_bracketed(lines, options)
    ):
        return _json(text, lines, forced=bool(options.format))
    if options.format == "csv":
        return Recognised("csv", _table_layout(head, encoding, options))
    if options.format:
        return Recognised(options.format)
    if text.lstrip().startswith("WEBVTT"):
        return Recognised("vtt")
    if _SRT.match(text.lstrip()) or _is_broken_srt(lines, options):
        return Recognised("srt")
    if _objects(lines) > len(lines) // 2:
        return Recognised("jsonl", _line_layout(lines))
    return _table_or_dialogue(head, encoding, lines, options)


def _is_broken_srt(lines: list[str], options: ReadOptions) -> bool:
    """Whether a text opens like subtitles whose first timing is broken: a number, and what was meant for a timing."""
    first, second = (*lines, "", "")[:2]
    return (
        first.strip().isdigit()
        and cues.is_timing(second)
        and spoken_line(second, frozenset(), options) is None
    )


def _table_or_dialogue(head: bytes, encoding: str, lines: list[str], options: ReadOptions) -> Recognised:
    spoken = sum(spoken_line(line, frozenset(), options) is not None for line in lines)
    problem = ""
    try:
        columns = csvfile.find_header(head, encoding, options).columns
    except HeaderError as error:
        problem = str(error)
    else:
        # A dialogue may open with a word that could be the only column of a table.
        if not spoken or len(columns.at) > 1:
            return Recognised("csv", columns.layout)
    if spoken or find_names(lines, options):
        return Recognised("text")
    if "," in lines[0] or "\t" in lines[0]:
        raise TranscriptError(problem)
    raise TranscriptError(
        f"认不出格式，第一行是 {lines[0][:60]!r}；应为 JSON、CSV/Excel（有表头）、“客服：…/客户：…”文本、WebVTT 或 SRT"
    )


def _table_layout(head: bytes, encoding: str, options: ReadOptions) -> str:
    return csvfile.find_header(head, encoding, options).columns.layout


def _json(text: str, lines: list[str], *, forced: bool) -> Recognised:
    if not forced and _are_records(lines):
        return Recognised("jsonl", _line_layout(lines))
    prefix, keys = jsonfile.prefix_of(text.encode())
    if jsonfile.is_utterances(prefix, keys):
        return Recognised("json", "utterance")
    name = shape_of(keys)
    if not name and not prefix and is_utterance(keys) and not forced:
        return Recognised("jsonl", "utterance")
    if not name and not forced:
        there = "、".join(sorted(keys)[:8]) or "没有"
        raise TranscriptError(
            f"是 JSON，但认不出是哪种转写，键有：{there}；应有 turns、Transcript、dialogue、sentence_info、sentences 或 "
            "segments，或一行一句（call_id、speaker、text）"
        )
    return Recognised("json", f"{name}:{prefix}" if prefix else name)


def _are_records(lines: list[str]) -> bool:
    """Whether each line is a record of its own, even if one of the first two is broken."""
    first = lines[0].strip()
    if first.startswith("["):
        return False
    if _objects(lines) > 1 or (_object(first) is not None and len(lines) > 1):
        return True
    # A document over several lines opens a list or an object at the end of its first.
    value = _object(lines[1]) if len(lines) > 1 else None
    return value is not None and bool(shape_of(value)) and not first.endswith(("[", "{", ",", ":"))


def _line_layout(lines: list[str]) -> str:
    """Tell from the first lines that can be read whether a line is a call or an utterance."""
    for line in lines:
        value = _object(line)
        if value is not None:
            if name := shape_of(value):
                return name
            if is_utterance(value):
                return "utterance"
    return "call"


def _objects(lines: list[str]) -> int:
    return sum(_object(line) is not None for line in lines)


def _object(line: str) -> dict[str, object] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _is_bracketed(lines: list[str], options: ReadOptions) -> bool:
    """Whether a text that opens with a bracket is `[00:01] 客服：…` rather than JSON."""
    return spoken_line(lines[0], frozenset(), options) is not None
