"""JSON documents: one call, an array of calls, an envelope such as `tickets`, or an array of utterances.

Small documents are parsed at once; large or broken ones record by record, so that what comes before a break is kept.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import ijson
import orjson

from coach.errors import TranscriptError, json_cause
from coach.transcripts import streams
from coach.transcripts.archive import RefusedError
from coach.transcripts.depth import Depth, TooDeepError
from coach.transcripts.draft import FieldError, complete
from coach.transcripts.jsonlines import named
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.rows import calls_of
from coach.transcripts.shapes import ENVELOPES, read_record, shape_of
from coach.transcripts.utterance_json import is_utterance, read_utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.transcripts.model import ReadOptions, Slice, TranscriptCall

# Up to here a document is parsed at once, some ten times faster than event by event.
_AT_ONCE: Final = 8 * 1024**2
# Numbers beyond measure fail in the arithmetic below the parser.
_UNPARSED: Final = (ijson.JSONError, ArithmeticError)


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls of a JSON document."""
    broken: list[Reject] = []
    found = _records(piece, options, broken)
    first = next(found, None)
    if first is not None and piece.layout == "utterance":
        yield from _utterances(first, found, piece, options)
    elif first is not None:
        for where, record in _chain(first, found):
            yield _read_call(where, record, piece, options)
    yield from broken


def _utterances(
    first: tuple[str, Any], rest: Iterator[tuple[str, Any]], piece: Slice, options: ReadOptions
) -> Iterator[TranscriptCall | Reject]:
    rows = (
        read_utterance(record, line=0, raw=_raw(record), call=piece.stem, options=options)
        for _, record in _chain(first, rest)
    )
    yield from calls_of(
        (row for row in rows if row is not None), file=piece.name, scattered=True, options=options
    )


def _chain(first: tuple[str, Any], rest: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield first
    yield from rest


def _read_call(where: str, record: object, piece: Slice, options: ReadOptions) -> TranscriptCall | Reject:
    place = Place(piece.name, 0 if where else 1)
    try:
        draft = read_record(record, options)
    except FieldError as error:
        path = f"{where}.{error.field}" if where and error.field else where or error.field
        return Reject(place, path, error.problem, _raw(record))
    number = f"-{int(where.rpartition('[')[2].rstrip(']')) + 1}" if where else ""
    answer = complete(named(draft, f"{piece.stem}{number}"), place=place, options=options, raw=_raw(record))
    if where and isinstance(answer, Reject):
        return Reject(answer.place, f"{where}.{answer.field}", answer.problem, answer.raw)
    return answer


def _records(piece: Slice, options: ReadOptions, broken: list[Reject]) -> Iterator[tuple[str, Any]]:
    """Yield the records with their paths, "" for the document itself; what ends it early goes to `broken`."""
    with streams.open_slice(piece, options.limits) as stream:
        head = stream.read(_AT_ONCE + 1)
        encoding = streams.text_encoding(piece)
        if len(head) <= _AT_ONCE:
            try:
                yield from _unwrap(
                    orjson.loads(head if encoding == "utf-8" else head.decode(encoding, "replace"))
                )
            except orjson.JSONDecodeError as error:
                yield from _salvage(
                    io.BytesIO(head), piece, broken, (error.lineno, error.colno, json_cause(error.msg))
                )
            return
        yield from _salvage(_Rejoined(head, stream), piece, broken, None)


def _unwrap(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"[{index}]", record) for index, record in enumerate(value))
        return
    if isinstance(value, dict) and not shape_of(value):
        for key in ENVELOPES:
            if isinstance(value.get(key), list):
                yield from ((f"{key}[{index}]", record) for index, record in enumerate(value[key]))
                return
    yield "", value


def _salvage(
    stream: io.BytesIO | _Rejoined, piece: Slice, broken: list[Reject], known: tuple[int, int, str] | None
) -> Iterator[tuple[str, Any]]:
    """Yield the elements of the array or envelope one by one, up to where the JSON breaks."""
    prefix = _prefix(piece)
    count = 0
    try:
        for record in ijson.items(_Shallow(stream), prefix, use_float=True):
            path = f"{prefix.rpartition('.')[0]}[{count}]" if prefix else ""
            count += 1
            yield path, record
    except RefusedError:
        raise
    except TooDeepError as error:
        broken.append(Reject(Place(piece.name), "", str(error)))
    except _UNPARSED as error:
        # The library shows the place in the document, which may be a page of it.
        reason = str(error).splitlines()[0] if str(error) else "不完整"
        line, column, message = known or (0, 0, reason)
        where = f"第 {line} 行第 {column} 个字符处 " if line else ""
        raw = stream.getvalue() if isinstance(stream, io.BytesIO) else stream.last
        kept = f"；前面的 {count} 通已读" if count else ""
        problem = f"不是完整的 JSON：{where}{message}{kept}"
        broken.append(Reject(Place(piece.name, line), "", problem, _around(raw, line, column)))


def _prefix(piece: Slice) -> str:
    """Return the path of the records from how the document was recognised."""
    return (
        piece.layout.partition(":")[2]
        if ":" in piece.layout
        else ("item" if piece.layout == "utterance" else "")
    )


def prefix_of(head: bytes) -> tuple[str, frozenset[str]]:
    """Find where the records of a document are and which keys they have.

    Args:
        head: its beginning, which may end anywhere.

    Returns:
        The path of the records ("" for the document itself, "item" for an array, "tickets.item" for an
        envelope) and the keys of the document or of its first record.

    Raises:
        TranscriptError: it nests too deep.
    """
    try:
        Depth().feed(head)
    except TooDeepError as error:
        raise TranscriptError(str(error)) from error
    keys: dict[str, list[str]] = {}
    opened: set[str] = set()
    try:
        for prefix, event, value in ijson.parse(io.BytesIO(head), use_float=True):
            if event == "map_key":
                keys.setdefault(prefix, []).append(value)
            elif event == "start_map":
                opened.add(prefix)
    except _UNPARSED:
        pass
    for prefix in ("item", *(f"{key}.item" for key in ENVELOPES)):
        if prefix in opened and not shape_of(keys.get("", [])):
            return prefix, frozenset(keys.get(prefix, []))
    return "", frozenset(keys.get("", []))


def is_utterances(prefix: str, keys: frozenset[str]) -> bool:
    """Whether a document is an array of utterances."""
    return prefix == "item" and not shape_of(keys) and is_utterance(keys)


def _raw(record: object) -> bytes:
    try:
        return orjson.dumps(record, default=str)[:RAW_LIMIT]
    except orjson.JSONEncodeError:
        # What can be read may nest deeper than what can be written.
        return b""


def _around(document: bytes, line: int, column: int) -> bytes:
    """Return what stands where a document breaks; its end when the place is not known."""
    if not line:
        return document[-RAW_LIMIT:]
    lines = document.splitlines()
    # Columns count characters; a Chinese one takes three bytes at most.
    there = lines[line - 1] if line <= len(lines) else b"".join(lines[-1:])
    return there[max(0, column - RAW_LIMIT // 2) :][:RAW_LIMIT]


class _Shallow:
    """A document that is read no further than it nests too deep."""

    def __init__(self, stream: io.BytesIO | _Rejoined) -> None:
        self._stream = stream
        self._depth = Depth()

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            TooDeepError: what was read nests too deep.
        """
        piece = self._stream.read(size)
        self._depth.feed(piece)
        return piece


class _Rejoined:
    """What was read already, then the rest; `last` is what was read last."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        piece = self._head.read(size) or self._rest.read(size)
        self.last = piece or self.last
        return piece
