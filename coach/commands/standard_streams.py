"""Standard input, output and error as commands need them: there, and able to write whatever is told."""

from __future__ import annotations

import codecs
import io
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What GBK, the encoding of Chinese Windows, has for the marks of coach.
_STAND_INS: Final = {"✓": "√", "✗": "×"}
_ERRORS: Final = "coach-stand-ins"


def prepare_streams() -> None:
    """Open what was closed as nothing, and make nothing that is told fail for want of a character.

    ASCII, the encoding of the locale `C`, has no Chinese at all and gives way to UTF-8. Any other stays: what it
    lacks is told as `?`, or by a sign that is like it.
    """
    # A process that was started with a stream closed has None there.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - is no path
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    codecs.register_error(_ERRORS, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if is_ascii else None, errors=_ERRORS)


def drop_output() -> None:
    """Give up what could not be written, so that ending does not try it again."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines, the first one without the byte order mark that Windows writes."""
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix(codecs.BOM_UTF8)


@dataclass(slots=True)
class Texts:
    """Lines of UTF-8 as texts; those that are none are told on standard error.

    Attributes:
        wrong: how many could not be read so far.
    """

    lines: Iterable[bytes]
    wrong: int = 0

    @classmethod
    def of(cls, arguments: list[str] | None) -> Texts:
        """Return the texts of the command line, or else of standard input."""
        if arguments:
            return cls([text.encode("utf-8", "surrogateescape") for text in arguments])
        return cls(without_mark(sys.stdin.buffer))

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.lines, 1):
            try:
                yield line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                self.wrong += 1
                print(
                    f"第 {number} 行：第 {error.start + 1} 个字节不是 UTF-8；应为 UTF-8 编码的文字，这一行没有输出",
                    file=sys.stderr,
                )


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_STAND_INS.get(letter, "?") for letter in lacking), error.end
