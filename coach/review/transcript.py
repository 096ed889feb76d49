"""One call as a page shows it: turns cut at their marks, what was found and what to say instead."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import Severity, Speaker
    from coach.review.names import AgentNames
    from coach.review.result import CallResult, TurnMark
    from coach.review.wording import Wording

# Longer calls are shown around what was found: so many turns before and after it, and so many in all.
_WHOLE = 120
_AROUND = 3
_AT_MOST = 200
_RANK = {"notice": 0, "warning": 1, "violation": 2}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a turn; `severity` is "" outside marks."""

    text: str
    severity: Severity | str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What was found in a turn, and the wording to use instead ("" without one)."""

    title: str
    severity: str
    better: str = ""


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn to show, or, with `omitted`, how many turns are left out here. `at` is minutes:seconds."""

    speaker: Speaker = "unknown"
    at: str = ""
    pieces: tuple[Piece, ...] = ()
    notes: tuple[Note, ...] = ()
    omitted: int = 0


def clock(ms: int) -> str:
    """Return ms as minutes:seconds."""
    return f"{ms // 60_000}:{ms // 1000 % 60:02d}"


def cut(text: str, marks: Iterable[tuple[int, int, Severity]]) -> tuple[Piece, ...]:
    """Cut a text at its marks (character offsets); where marks overlap the gravest shows."""
    known = [(max(0, start), min(end, len(text)), severity) for start, end, severity in marks]
    edges = sorted({0, len(text), *(edge for start, end, _ in known for edge in (start, end))})
    pieces: list[Piece] = []
    for left, right in pairwise(edges):
        over = [severity for start, end, severity in known if start <= left and right <= end]
        severity = max(over, key=_RANK.__getitem__, default="")
        if pieces and pieces[-1].severity == severity:
            pieces[-1] = Piece(pieces[-1].text + text[left:right], severity)
        else:
            pieces.append(Piece(text[left:right], severity))
    return tuple(pieces)


def turns_of(result: CallResult, *, names: AgentNames, words: Wording) -> list[TurnView]:
    """Return the turns to show; a long call is shortened to the places where something was found."""
    notes: dict[int, list[Note]] = {}
    for hit in result.hits:
        note = Note(
            f"{words.category(hit.category)}：{hit.title}",
            hit.severity,
            names.hide(hit.suggestion, result.agent_id),
        )
        if note not in notes.setdefault(hit.turn, []):
            notes[hit.turn].append(note)
    for moment in result.moments:
        kind = "good" if moment.kind == "adoption" else "notice"
        notes.setdefault(moment.turn, []).append(Note(words.kind(moment.kind), kind))
    shown = _shown(len(result.turns), notes)
    timed = any(turn.end_ms for turn in result.turns)
    views: list[TurnView] = []
    last = -1
    for index in shown:
        if index - last > 1:
            views.append(TurnView(omitted=index - last - 1))
        last = index
        turn = result.turns[index]
        marks: Iterable[TurnMark] = turn.marks
        views.append(
            TurnView(
                speaker=turn.speaker,
                at=clock(turn.start_ms) if timed else "",
                pieces=cut(
                    names.hide(turn.text, result.agent_id),
                    [(mark.start, mark.end, mark.severity) for mark in marks],
                ),
                notes=tuple(notes.get(index, ())),
            )
        )
    if len(result.turns) - last > 1:
        views.append(TurnView(omitted=len(result.turns) - last - 1))
    return views


def _shown(count: int, found: Iterable[int]) -> list[int]:
    if count <= _WHOLE:
        return list(range(count))
    near = {
        index
        for place in found
        for index in range(place - _AROUND, place + _AROUND + 1)
        if 0 <= index < count
    }
    return sorted(near | set(range(_AROUND)))[:_AT_MOST]
