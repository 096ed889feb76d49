"""JSON lines: a whole call a line, in any shape, or one utterance a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from coach.errors import json_cause
from coach.transcripts import streams
from coach.transcripts.draft import Draft, FieldError, complete
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.rows import Row, calls_of
from coach.transcripts.shapes import read_record
from coach.transcripts.utterance_json import read_utterance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.transcripts.model import ReadOptions, Slice, TranscriptCall
    from coach.transcripts.streams import Line

_PLAIN: Final = "utf-8"


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls of a file with a JSON object a line."""
    with streams.open_slice(piece, options.limits) as stream:
        lines = streams.lines(stream, first=piece.line, limit=options.limits.record)
        filled = (line for line in lines if line.raw.strip())
        if piece.layout == "utterance":
            found = (to_row(line, piece, options) for line in filled)
            rows = (row for row in found if row is not None)
            yield from calls_of(rows, file=piece.name, scattered=piece.scattered, options=options)
            return
        for line in filled:
            yield _read_call(line, piece, options)


def to_row(line: Line, piece: Slice, options: ReadOptions) -> Row | None:
    """Read a line as an utterance; None for a recogniser's guess."""
    try:
        record = _parse(line, streams.text_encoding(piece), options)
    except FieldError as error:
        return Row("", line.number, problem=("", error.problem), raw=line.raw[:RAW_LIMIT])
    return read_utterance(record, line=line.number, raw=line.raw, call="", options=options)


def _read_call(line: Line, piece: Slice, options: ReadOptions) -> TranscriptCall | Reject:
    place = Place(piece.name, line.number)
    try:
        draft = read_record(_parse(line, streams.text_encoding(piece), options), options)
    except FieldError as error:
        return Reject(place, error.field, error.problem, line.raw[:RAW_LIMIT])
    return complete(named(draft, f"{piece.stem}-{line.number}"), place=place, options=options, raw=line.raw)


def _parse(line: Line, encoding: str, options: ReadOptions) -> object:
    if not line.whole:
        raise FieldError("", f"一行超过 {options.limits.record} 字节，应为一通电话的 JSON")
    try:
        raw = line.raw if encoding == _PLAIN else line.raw.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise FieldError("", f"第 {error.start + 1} 字节起不是 {encoding}") from error
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FieldError(
            "", f"不是 JSON：第 {error.colno} 个字符处 {json_cause(error.msg)}；应为一行一个完整的 JSON 对象"
        ) from error


def named(draft: Draft, name: str) -> Draft:
    """Return the draft with a name if the format gave it none."""
    if draft.id:
        return draft
    return Draft(
        draft.turns, name, draft.agent_id, draft.team, draft.started_at, draft.org, draft.customer_id
    )
