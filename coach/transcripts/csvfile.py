"""CSV and TSV: rows with quoted line breaks, read as a stream; a row with a stray quote costs that row only."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from coach.transcripts import streams
from coach.transcripts.columns import (
    CellError,
    Columns,
    HeaderError,
    cell_text,
    read_about,
    read_row,
    understand,
)
from coach.transcripts.dialogue import read_cell
from coach.transcripts.draft import FieldError, complete
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.rows import Row, calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coach.transcripts.model import ReadOptions, Slice, TranscriptCall
    from coach.transcripts.streams import Line

DELIMITERS: Final = (",", "\t", ";", "|", "，")
# The header may come after a title or two.
_HEADER_LINES: Final = 10
_HEAD: Final = 1 << 18
# How far a quoted cell may reach before its quote is taken for a stray one.
_CELL_LINES: Final = 2_000
_CELL_BYTES: Final = 1 << 20

csv.field_size_limit(1 << 24)


class Record(NamedTuple):
    """One row; `cells` are empty when it has a problem. `offset` is in bytes from the start of the stream."""

    line: int
    offset: int
    raw: bytes
    cells: Sequence[str]
    problem: str = ""


class Header(NamedTuple):
    """The columns, what separates them, and the line that holds them."""

    columns: Columns
    delimiter: str
    line: int


def find_header(head: bytes, encoding: str, options: ReadOptions) -> Header:
    """Find the header among the first lines.

    Args:
        head: beginning of the file.
        encoding: a line-safe one.
        options: may name columns.

    Raises:
        HeaderError: no line names a text and a speaker, or a dialogue; tells of the likeliest line.
    """
    best: Header | None = None
    first_error: HeaderError | None = None
    texts = head.decode(encoding, "replace").splitlines()[:_HEADER_LINES]
    for number, text in enumerate(texts, 1):
        for delimiter in DELIMITERS:
            cells = next(csv.reader([text], delimiter=delimiter), [])
            if len(cells) < 2 and delimiter != ",":  # noqa: PLR2004 - it separates nothing
                continue
            try:
                columns = understand(cells, options)
            except HeaderError as error:
                first_error = first_error or error
                continue
            if best is None or len(columns.at) > len(best.columns.at):
                best = Header(columns, delimiter, number)
        if best is not None:
            return best
    raise first_error or HeaderError("没有表头")


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls of a table."""
    header = header_of(piece, options)
    stem = piece.stem
    rows = records(piece, header, options)
    if header.columns.layout == "dialogue":
        for record in rows:
            yield _whole_call(record, header.columns, piece, options)
        return
    yield from calls_of(
        (to_row(record, header.columns, call=stem, options=options) for record in rows),
        file=piece.name,
        scattered=piece.scattered,
        options=options,
    )


def header_of(piece: Slice, options: ReadOptions) -> Header:
    """Return the header of the file of which a slice is a part."""
    return find_header(streams.head(piece, options.limits, _HEAD), streams.text_encoding(piece), options)


def records(piece: Slice, header: Header, options: ReadOptions) -> Iterator[Record]:
    """Yield the rows of a slice, without the header and what comes before it."""
    with streams.open_slice(piece, options.limits) as stream:
        rows = streams.lines(stream, first=piece.line, limit=options.limits.record)
        for record in split(rows, header=header, encoding=streams.text_encoding(piece)):
            if record.line > header.line:
                yield record


def to_row(record: Record, columns: Columns, *, call: str, options: ReadOptions) -> Row:
    """Read a row as an utterance; one that is broken keeps its problem."""
    if record.problem:
        return Row("", record.line, problem=("", record.problem), raw=record.raw[:RAW_LIMIT])
    return read_row(columns, record.cells, line=record.line, raw=record.raw, call=call, options=options)


def split(lines: Iterable[Line], *, header: Header, encoding: str) -> Iterator[Record]:
    """Join lines to rows and cut them into cells.

    Args:
        lines: of the stream.
        header: what separates cells and how many a row should have.
        encoding: a line-safe one.
    """
    delimiter = header.delimiter
    closed = _closed_pattern(delimiter.encode(encoding))
    source = iter(lines)
    again: deque[Line] = deque()
    while (line := again.popleft() if again else next(source, None)) is not None:
        number, offset, raw, whole = line
        if not whole:
            yield Record(number, offset, raw, (), f"一行超过 {len(raw)} 字节")
        elif b'"' not in raw:
            if raw.strip():
                yield _simple(line, delimiter, encoding)
        else:
            taken = [line]
            joined = raw
            while not closed.fullmatch(joined) and len(taken) < _CELL_LINES and len(joined) < _CELL_BYTES:
                # Only a quote can close the cell, so what comes without one is taken unseen.
                while (more := again.popleft() if again else next(source, None)) is not None:
                    taken.append(more)
                    if b'"' in more.raw or len(taken) >= _CELL_LINES:
                        break
                joined = b"\n".join(part.raw for part in taken)
                if more is None:
                    break
            record = _quoted(line, joined, delimiter, encoding) if closed.fullmatch(joined) else None
            if record is None or (len(taken) > 1 and len(record.cells) != header.columns.width):
                again.extendleft(reversed(taken[1:]))
                problem = '引号没有闭合：单元格以 " 开头就要以 " 结尾，里面的引号写两遍'
                record = Record(number, offset, raw, (), problem)
            yield record


def _simple(line: Line, delimiter: str, encoding: str) -> Record:
    try:
        return Record(line.number, line.offset, line.raw, line.raw.decode(encoding).split(delimiter))
    except UnicodeDecodeError as error:
        return Record(line.number, line.offset, line.raw, (), _undecodable(error, encoding))


def _quoted(line: Line, raw: bytes, delimiter: str, encoding: str) -> Record:
    try:
        cells = next(csv.reader(io.StringIO(raw.decode(encoding), newline=""), delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        return Record(line.number, line.offset, raw, (), _undecodable(error, encoding))
    except csv.Error as error:
        return Record(line.number, line.offset, raw, (), f"不是 CSV：{error}")
    return Record(line.number, line.offset, raw, cells)


def _undecodable(error: UnicodeDecodeError, encoding: str) -> str:
    return (
        f"第 {error.start + 1} 字节起不是 {encoding}：{error.object[error.start : error.start + 4].hex(' ')}"
    )


def _closed_pattern(delimiter: bytes) -> re.Pattern[bytes]:
    """Match a row in which every cell that opens with a quote closes with one."""
    # No possessive groups: Python before 3.11.5 loses matches of theirs. Nothing here is tried in two ways.
    mark, first, rest = (re.escape(part) for part in (delimiter, delimiter[:1], delimiter[1:]))
    plain = rb"[^%b]*+(?:%b(?!%b)[^%b]*+)*" % (first, first, rest, first)
    cell = rb'(?:"[^"]*+(?:""[^"]*+)*"(?!")%b|(?!")%b)' % (plain, plain)
    return re.compile(rb"%b(?:%b%b)*" % (cell, mark, cell))


def _whole_call(
    record: Record, columns: Columns, piece: Slice, options: ReadOptions
) -> TranscriptCall | Reject:
    """Read a row that holds a whole call."""
    place = Place(piece.name, record.line)
    raw = record.raw[:RAW_LIMIT]
    if record.problem:
        return Reject(place, "", record.problem, raw)
    return whole_call(record.cells, columns, place=place, stem=piece.stem, raw=raw, options=options)


def whole_call(
    cells: Sequence[object], columns: Columns, *, place: Place, stem: str, raw: bytes, options: ReadOptions
) -> TranscriptCall | Reject:
    """Read cells of which one holds the dialogue of a whole call."""
    name = columns.name("dialogue")
    if len(cells) > columns.width and any(str(cell or "").strip() for cell in cells[columns.width :]):
        problem = f"收到 {len(cells)} 列，表头有 {columns.width} 列；文字里有分隔符的要加引号"
        return Reject(place, "", problem, raw)
    identity = cell_text(columns.cell(cells, "call"))
    if "call" in columns.at and not identity:
        return Reject(place, columns.name("call"), "为空，应有通话编号", raw)
    text = columns.cell(cells, "dialogue")
    try:
        about = read_about(columns, cells, options)
        draft = read_cell(cell_text(text), options)
    except FieldError as error:
        return Reject(place, f"{name}.{error.field}" if error.field else name, error.problem, raw)
    except CellError as error:
        return Reject(place, error.column, str(error), raw)
    known = {key: getattr(draft, key) for key in ("agent_id", "team", "started_at", "org", "customer_id")}
    merged = {key: value for key, value in known.items() if value} | about
    return complete(
        type(draft)(draft.turns, identity or draft.id or f"{stem}-{place.line}", **merged),
        place=place,
        options=options,
        raw=raw,
    )
