"""How uploaded transcripts would be read: formats, calls, speakers, and who of unnamed speakers says what."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Final

from coach.language.masking import mask
from coach.transcripts.model import Reject
from coach.transcripts.plan import plan
from coach.transcripts.read import read_slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coach.coaching.events import Speaker
    from coach.transcripts.model import ReadOptions, Slice

# Enough to see how a file is read; the review reads all of it.
_FILES: Final = 200
_CALLS: Final = 200
_PROBLEMS: Final = 3
_SAYS: Final = 3
_SHOWN: Final = 60
# Speakers that nobody can tell apart are named in the reader's message.
_OPEN: Final = re.compile(r"不知道说话人 (?P<labels>“.*”) (?P<asks>中谁是坐席|是不是客户|是谁)")
_LABEL: Final = re.compile(r"“(.*?)”")


def look(files: Sequence[Path], options: ReadOptions, *, masked: bool) -> Iterator[dict[str, Any]]:
    """Yield for each file (or file in an archive) what is recognised of it.

    Each value has `file`, `format`, `layout`, `encoding`, `calls`, `turns`, `speakers`, `rejects`, `problems`,
    `partly` (only the first calls were looked at) and `labels`: speakers that nobody mapped, with what they say,
    and whether it is asked if they are the agent or a customer.

    Raises:
        TranscriptError: a file does not exist.
    """
    pieces = plan(files, options=options, slice_bytes=0)
    for _, group in groupby(islice(pieces, _FILES), key=lambda piece: piece.name):
        yield _look(next(group), options, masked=masked)


def _look(piece: Slice, options: ReadOptions, *, masked: bool) -> dict[str, Any]:
    speakers = {"agent": 0, "customer": 0, "unknown": 0}
    calls = rejects = 0
    problems: list[str] = []
    labels: dict[str, Speaker] = {}
    partly = False
    for found in read_slice(piece, options):
        if calls + rejects >= _CALLS:
            partly = True
            break
        if isinstance(found, Reject):
            rejects += 1
            if len(problems) < _PROBLEMS:
                line = f"第 {found.place.line} 行：" if found.place.line else ""
                problems.append(f"{line}{found.field + '：' if found.field else ''}{found.problem}")
            if (said := _OPEN.search(found.problem)) is not None:
                asks: Speaker = "customer" if said["asks"] == "是不是客户" else "agent"
                labels |= {name: asks for name in _LABEL.findall(said["labels"]) if name not in labels}
            continue
        calls += 1
        for turn in found.turns:
            speakers[turn.speaker] += 1
    return {
        "file": piece.name,
        "format": piece.format,
        "layout": piece.layout.partition(":")[0],
        "encoding": piece.encoding,
        "calls": calls,
        "turns": sum(speakers.values()),
        "speakers": speakers,
        "rejects": rejects,
        "problems": problems,
        "partly": partly,
        "labels": [
            {"label": label, "asks": asks, "says": _says(piece, options, label, asks, masked=masked)}
            for label, asks in labels.items()
        ],
    }


def _says(piece: Slice, options: ReadOptions, label: str, role: Speaker, *, masked: bool) -> list[str]:
    """Return the first things that a speaker says in the first call that has him."""
    named = frozenset({label})
    tried = replace(options, customer_is=named) if role == "customer" else replace(options, agent_is=named)
    for found in islice(read_slice(piece, tried), _CALLS):
        if not isinstance(found, Reject):
            said = [turn.text for turn in found.turns if turn.speaker == role and turn.text.strip()]
            return [(mask(text) if masked else text)[:_SHOWN] for text in said[:_SAYS]]
    return []
