"""What calls are called in a format that has no ids: the path of their file below its source, without ending.

No two files of a run have the same name; which of them share one never depends on how the work is cut.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from coach.transcripts.model import Slice

_ENDING: Final = 5
# The second call of a file is called after it: 1.txt gives 1 and 1-2.
_COUNTED: Final = re.compile(r"(.+)-\d+")
_File = tuple["Path", str]


def name_calls(pieces: Iterable[Slice], below: Mapping[Path, str]) -> Iterator[Slice]:
    """Yield the pieces with their `stem`.

    Args:
        pieces: of all files of a run.
        below: the path of each file below its source; of a source that is a file, its name.
    """
    held = list(pieces)
    choices = {(piece.file, piece.member): _choices(piece, readable(below[piece.file])) for piece in held}
    taken = dict.fromkeys(choices, 0)
    # The last choice is the whole path, which no other file has.
    for _ in range(2):
        names = {file: choices[file][level] for file, level in taken.items()}
        for file in _clashing(names):
            taken[file] = min(taken[file] + 1, 2)
    for piece in held:
        file = (piece.file, piece.member)
        yield replace(piece, stem=choices[file][taken[file]])


def readable(path: Path | str) -> str:
    """Return a path as text that can be written: a part that is not in UTF-8 is read as GB18030, or escaped."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "/".join(map(_readable_part, os.fsencode(text).split(os.fsencode(os.sep))))
    return text


def without_endings(name: str) -> str:
    """Return a path without the ending of the file: `.txt`, `.csv.gz`."""
    folder, slash, short = name.replace("\\", "/").rpartition("/")
    for _ in range(2):
        shorter, dot, ending = short.rpartition(".")
        if not dot or not shorter or len(ending) > _ENDING:
            break
        short = shorter
        if ending.lower() != "gz":
            break
    return folder + slash + short


def _choices(piece: Slice, below: str) -> tuple[str, str, str]:
    """Return names for the calls of a file, the shortest first."""
    if not piece.member:
        return without_endings(below), below, piece.name
    # The folders of an archive that is a source itself are below that source.
    folder = f"{without_endings(below)}/" if "/" in below else ""
    return folder + without_endings(piece.member), f"{below}/{piece.member}", piece.name


def _readable_part(part: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return part.decode(encoding)
        except UnicodeDecodeError:
            continue
    return "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in part)  # noqa: PLR2004 - ASCII


def _clashing(names: Mapping[_File, str]) -> list[_File]:
    """Return the files whose name another has, or could give to one of its calls."""
    count = Counter(names.values())
    return [
        file
        for file, name in names.items()
        if count[name] > 1 or ((counted := _COUNTED.fullmatch(name)) and counted.group(1) in count)
    ]
