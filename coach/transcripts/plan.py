"""The work that sources make: slices that worker processes read by themselves, in a stable order.

Looks into every file; JSON lines and CSV are cut where one call ends and the next begins.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from coach.errors import TranscriptError, cause
from coach.transcripts import archive, csvfile, detect, jsonlines, sources, streams
from coach.transcripts.encoding import check_name, is_line_safe, sniff
from coach.transcripts.model import Slice
from coach.transcripts.names import name_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from coach.transcripts.model import Format, ReadOptions

DEFAULT_SLICE: Final = 8 * 1024**2
_CHUNK: Final = 1 << 20
# How far a text is read on while it is plain ASCII and could yet be in any encoding.
_SNIFFED: Final = 1 << 26


def plan(paths: Iterable[Path], *, options: ReadOptions, slice_bytes: int = DEFAULT_SLICE) -> list[Slice]:
    """Return the slices that make up the sources.

    Args:
        paths: files, folders, patterns.
        options: what the files do not say of themselves.
        slice_bytes: about how much of a file one slice holds; a file that cannot be cut is one slice. 0 only
            recognises the files, by their beginnings.

    Raises:
        TranscriptError: a source does not exist. A file that cannot be read does not stop the rest: its slice
            gives one reject.
    """
    below = sources.below(paths)
    pieces = (piece for file in below for piece in _plan_file(file, options, slice_bytes))
    return [replace(piece, index=index) for index, piece in enumerate(name_calls(pieces, below))]


def _plan_file(file: Path, options: ReadOptions, slice_bytes: int) -> Iterator[Slice]:
    try:
        with file.open("rb") as stream:
            magic = stream.read(8)
        if not magic.startswith(archive.ZIP_MAGIC):
            yield from _plan_text(_recognise(file, "", options), options, slice_bytes)
            return
        names = list(archive.members_of(file, options.limits))
    except (TranscriptError, OSError) as error:
        yield _unreadable(file, "", error)
        return
    if (office := _office(names)) is not None:
        yield Slice(file, office[0], problem=office[1])
        return
    wanted = [name for name in names if not sources.is_litter(name)]
    if not wanted:
        yield Slice(file, "unreadable", problem="压缩包里没有文件")
    for name in wanted:
        try:
            yield from _plan_text(_recognise(file, name, options), options, slice_bytes)
        except (TranscriptError, OSError) as error:
            yield _unreadable(file, name, error)


def _office(names: list[str]) -> tuple[Format, str] | None:
    """Tell office documents, which are zip archives too, from archives."""
    lower = {name.lower() for name in names}
    if lower & {"xl/workbook.xml", "xl/workbook.bin"} or {"content.xml", "mimetype"} <= lower:
        return "xlsx", ""
    if any(name.startswith("word/") for name in lower):
        return "unreadable", "这是 Word 文档，应为转写文字；请另存为纯文本"
    return None


def _unreadable(file: Path, member: str, error: TranscriptError | OSError) -> Slice:
    problem = str(error) if isinstance(error, TranscriptError) else f"打不开：{cause(error)}"
    return Slice(file, "unreadable", member=member, problem=problem)


def _recognise(file: Path, member: str, options: ReadOptions) -> Slice:
    """Look into a file or member.

    Raises:
        TranscriptError: it is nothing that we can read.
        OSError: it cannot be opened.
    """
    with streams.open_source(file, member, options.limits) as stream:
        head = stream.read(detect.HEAD)
        detect.check_known(head)
        if head.startswith(archive.ZIP_MAGIC):
            if member and _is_workbook(file, member, options):
                return Slice(file, "xlsx", member=member)
            raise TranscriptError("压缩包里的压缩包，请先解开外面一层")
        if head.startswith(archive.GZIP_MAGIC):
            raise TranscriptError("压缩了两次，请先解开外面一层")
        if detect.is_old_excel(head):
            return Slice(file, "xlsx", member=member)
        encoding = check_name(options.encoding) if options.encoding else sniff(_telling(head, stream))
    piece = Slice(file, "text", member=member, encoding=encoding)
    if not is_line_safe(encoding):
        head = streams.head(piece, options.limits, detect.HEAD)
    try:
        found = detect.recognise(head, encoding=streams.text_encoding(piece), options=options)
    except ValueError as error:
        raise TranscriptError(str(error)) from error
    return replace(piece, format=found.format, layout=found.layout)


def _is_workbook(file: Path, member: str, options: ReadOptions) -> bool:
    with streams.open_source(file, member, options.limits) as stream:
        held = stream.read(options.limits.sheet)
    try:
        return (_office(zipfile.ZipFile(io.BytesIO(held)).namelist()) or ("", ""))[0] == "xlsx"
    except zipfile.BadZipFile:
        return False


def _telling(head: bytes, stream: BinaryIO) -> bytes:
    """Read on while the text is plain ASCII, which would be right in any encoding."""
    read = len(head)
    piece = head
    while piece and piece.isascii() and read < _SNIFFED:
        piece = stream.read(_CHUNK)
        read += len(piece)
    return head + piece if piece is not head else head


def _plan_text(piece: Slice, options: ReadOptions, slice_bytes: int) -> Iterator[Slice]:
    """Cut a file where it can be cut, and see whether the rows of its calls lie scattered."""
    if not slice_bytes:
        yield piece
    elif piece.format == "jsonl" and piece.layout != "utterance":
        if _is_divisible(piece):
            yield from _divide(piece, _line_starts(piece, slice_bytes))
        else:
            yield piece
    elif piece.format in {"jsonl", "csv"}:
        cuts = _call_starts(piece, options, slice_bytes)
        if cuts is None:
            yield replace(piece, scattered=True)
        elif _is_divisible(piece):
            yield from _divide(piece, cuts)
        else:
            yield piece
    else:
        yield piece


def _is_divisible(piece: Slice) -> bool:
    if piece.member or not is_line_safe(piece.encoding):
        return False
    with piece.file.open("rb") as stream:
        return stream.read(2) != archive.GZIP_MAGIC


def _divide(piece: Slice, cuts: list[tuple[int, int]]) -> Iterator[Slice]:
    """Yield the slices between (offset, line) pairs."""
    if not cuts:
        yield piece
        return
    ends = [offset for offset, _ in cuts] + [piece.file.stat().st_size]
    for (start, line), end in zip([(0, 1), *cuts], ends, strict=True):
        yield replace(piece, start=start, end=end, line=line)


def _line_starts(piece: Slice, slice_bytes: int) -> list[tuple[int, int]]:
    """Find the first line after each `slice_bytes`, and its number."""
    cuts: list[tuple[int, int]] = []
    position, line, target = 0, 1, slice_bytes
    with piece.file.open("rb") as stream:
        size = piece.file.stat().st_size
        while target < size:
            while position < target and (chunk := stream.read(min(_CHUNK, target - position))):
                position += len(chunk)
                line += chunk.count(b"\n")
            if not chunk.endswith(b"\n"):
                while rest := stream.readline(_CHUNK):
                    position += len(rest)
                    if rest.endswith(b"\n"):
                        line += 1
                        break
            if position < size:
                cuts.append((position, line))
            target = position + slice_bytes
    return cuts


def _call_starts(piece: Slice, options: ReadOptions, slice_bytes: int) -> list[tuple[int, int]] | None:
    """Find the first new call after each `slice_bytes`; None when rows of one call lie apart."""
    cuts: list[tuple[int, int]] = []
    seen: set[int] = set()
    last = ""
    target = slice_bytes
    for call, offset, line in _row_calls(piece, options):
        if not call or call == last:
            continue
        # Hashes instead of ids: ten million calls are a few hundred MB less.
        if (mark := hash(call)) in seen:
            return None
        seen.add(mark)
        if last and offset >= target:
            cuts.append((offset, line))
            target = offset + slice_bytes
        last = call
    return cuts


def _row_calls(piece: Slice, options: ReadOptions) -> Iterator[tuple[str, int, int]]:
    """Yield the call id ("" when it cannot be told), offset and line of every row."""
    with streams.open_slice(piece, options.limits) as stream:
        lines = streams.lines(stream, limit=options.limits.record)
        base = _mark_size(piece)
        if piece.format == "jsonl":
            for line in lines:
                row = jsonlines.to_row(line, piece, options) if line.raw.strip() else None
                if row is not None:
                    yield row.call, line.offset + base, line.number
            return
        header = csvfile.header_of(piece, options)
        index = header.columns.at.get("call")
        whole = header.columns.layout == "dialogue"
        for record in csvfile.split(lines, header=header, encoding=streams.text_encoding(piece)):
            if record.line <= header.line:
                continue
            if whole:
                yield f"{record.line}", record.offset + base, record.line
            elif index is None:
                yield "", record.offset + base, record.line
            else:
                call = record.cells[index].strip() if index < len(record.cells) else ""
                yield call, record.offset + base, record.line


def _mark_size(piece: Slice) -> int:
    if piece.member or not is_line_safe(piece.encoding):
        return 0
    with piece.file.open("rb") as stream:
        return 3 if stream.read(3) == codecs.BOM_UTF8 else 0
