"""The bytes of a slice, and its lines with their numbers and a bound on their length."""

from __future__ import annotations

import codecs
import io
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from coach.transcripts import archive
from coach.transcripts.encoding import as_utf8, is_line_safe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coach.transcripts.model import Limits, Slice


# How far lines are looked at to learn how they end.
_SEEN: Final = 1 << 16


class Line(NamedTuple):
    """One line without its line break; `offset` is in bytes from the start of the stream.

    A line that is too long is cut and not `whole`.
    """

    number: int
    offset: int
    raw: bytes
    whole: bool = True


def open_source(file: Path, member: str, limits: Limits) -> BinaryIO:
    """Open a file or a member of an archive, unpacked.

    Raises:
        RefusedError: an archive is broken or swells too much; also later, while reading.
        OSError: the file cannot be read.
    """
    if member:
        return archive.open_member(file, member, limits)
    with file.open("rb") as stream:
        packed = stream.read(2) == archive.GZIP_MAGIC
    return archive.open_gzip(file, limits) if packed else file.open("rb")


def open_slice(piece: Slice, limits: Limits) -> BinaryIO:
    """Open a slice as text in an encoding whose lines can be told, without byte order mark."""
    stream = open_source(piece.file, piece.member, limits)
    if piece.end:
        stream.seek(piece.start)
        stream = io.BufferedReader(_Window(stream, piece.end - piece.start), 1 << 16)
        return _with_line_feeds(stream if piece.start else _without_mark(stream))
    if not is_line_safe(piece.encoding):
        stream = as_utf8(stream, piece.encoding)
    return _with_line_feeds(_without_mark(stream))


def text_encoding(piece: Slice) -> str:
    """Return the encoding of what `open_slice` gives."""
    return piece.encoding if is_line_safe(piece.encoding) else "utf-8"


def head(piece: Slice, limits: Limits, size: int) -> bytes:
    """Return the first bytes of the file of which a slice is a part, as `open_slice` gives them."""
    with open_slice(replace(piece, start=0, end=0), limits) as stream:
        return stream.read(size)


def _without_mark(stream: BinaryIO) -> BinaryIO:
    buffered = cast("io.BufferedReader", stream)
    if buffered.peek(3)[:3] == codecs.BOM_UTF8:
        buffered.read(3)
    return stream


def _with_line_feeds(stream: BinaryIO) -> BinaryIO:
    """End lines with a line feed where they end with a carriage return alone, as old Macs write them."""
    seen = cast("io.BufferedReader", stream).peek(_SEEN)
    # The last one may belong to a line feed that was not seen.
    if b"\n" in seen or b"\r" not in seen[:-1]:
        return stream
    return io.BufferedReader(_LineFeeds(stream), _SEEN)


def lines(stream: BinaryIO, *, first: int = 1, limit: int) -> Iterator[Line]:
    """Yield the lines of a stream.

    Args:
        stream: is read to its end.
        first: number of its first line.
        limit: bytes of a line.
    """
    number, offset = first, 0
    while raw := stream.readline(limit):
        size, whole = len(raw), True
        if size == limit and raw[-1:] != b"\n":
            while rest := stream.readline(1 << 20):
                whole = False
                size += len(rest)
                if rest[-1:] == b"\n":
                    break
        yield Line(number, offset, raw.rstrip(b"\r\n"), whole)
        number += 1
        offset += size


class _LineFeeds(io.RawIOBase):
    """A stream with a line feed for every carriage return: offsets stay."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class _Window(io.RawIOBase):
    """The next `size` bytes of a stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(min(len(buffer), self._left))
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
