"""Slices into calls, whatever their format; and whole sources for those who do not divide the work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from coach.errors import TranscriptError, cause
from coach.transcripts import csvfile, cues, dialogue, excel, jsonfile, jsonlines
from coach.transcripts.model import Place, Reject
from coach.transcripts.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from coach.transcripts.model import Format, ReadOptions, Slice, TranscriptCall

    Reader = Callable[[Slice, ReadOptions], Iterator[TranscriptCall | Reject]]

_READERS: Final[dict[Format, Reader]] = {
    "jsonl": jsonlines.read,
    "json": jsonfile.read,
    "csv": csvfile.read,
    "xlsx": excel.read,
    "text": dialogue.read,
    "vtt": cues.read,
    "srt": cues.read,
}


def read_slice(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls and rejects of one slice, in the order of the file, one at a time.

    What goes wrong with the file itself (it is gone, broken, swells too much) is a reject too.
    """
    if piece.format == "unreadable":
        yield Reject(Place(piece.name), "", piece.problem)
        return
    try:
        yield from _READERS[piece.format](piece, options)
    except TranscriptError as error:
        yield Reject(Place(piece.name), "", str(error))
    except OSError as error:
        yield Reject(Place(piece.name), "", f"读不下去：{cause(error)}")
    except ValueError as error:
        # A header that has changed since the work was planned.
        yield Reject(Place(piece.name), "", str(error))


def open_calls(path: Path, *, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls and rejects of one source: a file, a folder or a pattern.

    Raises:
        TranscriptError: the source does not exist.
    """
    for piece in plan([path], options=options, slice_bytes=sys.maxsize):
        yield from read_slice(piece, options)
