"""Which encoding a text file is in: a byte order mark, else strict UTF-8, else strict GB18030.

A ladder rather than a statistical guess: Chinese text is never valid UTF-8 by chance.
"""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO, Final

from coach.errors import TranscriptError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LADDER: Final = ("utf-8", "gb18030")
# A file with a few broken bytes is still in its encoding; its broken lines are rejected one by one.
# GBK read as UTF-8 is broken nearly everywhere; UTF-8 read as GBK rarely is, so that needs more.
_BROKEN_SHARE: Final = {"utf-8": 0.4, "gb18030": 0.02}
_PLAUSIBLE_SHARE: Final = 0.9
# Encodings in which a byte below 0x30 is never a part of another character, so that lines and commas can be
# told before decoding.
_LINE_SAFE: Final = frozenset(
    {"utf-8", "gb18030", "gbk", "gb2312", "big5", "big5hkscs", "ascii", "cp936", "cp950"}
)


def sniff(head: bytes) -> str:
    """Return the encoding of a text by its beginning.

    Raises:
        TranscriptError: it is no text, or in an encoding that has to be named.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _sniff_wide(head)
    for name in _LADDER:
        if _decodes(head, name):
            return name
    for name in _LADDER:
        text = head.decode(name, "replace")
        broken = text.count("\ufffd")
        if broken < _BROKEN_SHARE[name] * sum(not character.isascii() for character in text):
            return name
    raise TranscriptError(
        "认不出文字编码：不是 UTF-8、GBK/GB18030 或 UTF-16；请用 --encoding 指明，如 --encoding big5"
    )


def _decodes(head: bytes, name: str) -> bool:
    try:
        # final=False: the beginning may end inside a character.
        codecs.getincrementaldecoder(name)("strict").decode(head, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _sniff_wide(head: bytes) -> str:
    for name in ("utf-16-le", "utf-16-be"):
        text = head[: len(head) & ~1].decode(name, "replace")
        plausible = sum(map(_is_plausible, text))
        if text and plausible / len(text) > _PLAUSIBLE_SHARE:
            return name
    raise TranscriptError("不是文字文件（含有零字节）；应为转写文字、JSON、CSV、Excel、字幕或它们的压缩包")


def _is_plausible(letter: str) -> bool:
    chinese = (
        "\u4e00" <= letter <= "\u9fff" or "\u3000" <= letter <= "\u303f" or "\uff00" <= letter <= "\uffef"
    )
    return chinese or (letter.isascii() and letter != "\0")


def check_name(name: str) -> str:
    """Return an encoding's name as Python spells it.

    Raises:
        TranscriptError: there is no such encoding.
    """
    try:
        found = codecs.lookup(name).name
    except LookupError as error:
        raise TranscriptError(
            f"--encoding: 收到 {name!r}，应为编码名，如 utf-8、gb18030、big5、utf-16"
        ) from error
    return {"utf-8-sig": "utf-8"}.get(found, found)


def is_line_safe(encoding: str) -> bool:
    """Whether lines and commas can be told before decoding."""
    return encoding in _LINE_SAFE


def as_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Return a stream of the same text in UTF-8, for encodings that are not line safe."""
    return io.BufferedReader(_Recoded(stream, encoding), 1 << 16)


class _Recoded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._done:
            piece = self._stream.read(1 << 16)
            self._done = not piece
            self._ready = self._decoder.decode(piece, final=self._done).encode("utf-8", "replace")
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
