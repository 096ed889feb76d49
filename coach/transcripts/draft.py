"""A call as a format gives it, before it is known who the agent is; and its completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.coaching.review_call import RecordedTurn
from coach.transcripts.labels import assign
from coach.transcripts.model import RAW_LIMIT, Reject, TranscriptCall

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from coach.transcripts.model import Place, ReadOptions

_SHOWN = 60


class FieldError(ValueError):
    """A field of a record is wrong: its dotted path, and what came and what was expected."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}")


@dataclass(frozen=True, slots=True)
class Heard:
    """One turn with the label of its speaker; times in ms, None when unknown."""

    label: str
    text: str
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One call with labels for speakers. The id is "" when the format has none."""

    turns: tuple[Heard, ...]
    id: str = ""
    agent_id: str = ""
    team: str = ""
    started_at: datetime | None = None
    org: str = ""
    customer_id: str = ""


def complete(
    draft: Draft, *, place: Place, options: ReadOptions, raw: bytes = b""
) -> TranscriptCall | Reject:
    """Make a call of a draft: silent turns left out, in the order of time, every speaker known or rejected."""
    turns = [turn for turn in draft.turns if turn.text.strip()]
    if len(turns) > options.limits.turns:
        problem = f"一通里有 {len(turns)} 句，应不超过 {options.limits.turns} 句；是不是通话编号列选错了？"
        return Reject(place, "turns", problem, raw[:RAW_LIMIT])
    longest = max((len(turn.text) for turn in turns), default=0)
    if longest > options.limits.characters:
        number = next(index for index, turn in enumerate(draft.turns, 1) if len(turn.text) == longest)
        problem = (
            f"第 {number} 句有 {longest} 个字，应不超过 {options.limits.characters} 个；"
            "是不是转写没有分句，或整通对话写成了一句？"
        )
        return Reject(place, "turns", problem, raw[:RAW_LIMIT])
    if all(turn.start_ms is not None for turn in turns):
        # Recognisers that transcribe one channel after the other write them one after the other.
        turns.sort(key=lambda turn: turn.start_ms or 0)
    try:
        roles = assign([turn.label for turn in turns], options)
    except ValueError as error:
        return Reject(place, "speaker", str(error), raw[:RAW_LIMIT])
    return TranscriptCall(
        id=draft.id,
        turns=tuple(
            RecordedTurn(
                role,
                join_lines(turn.text.splitlines()) if "\n" in turn.text else turn.text.strip(),
                start_ms=turn.start_ms or 0,
                end_ms=max(turn.end_ms or 0, turn.start_ms or 0),
            )
            for role, turn in zip(roles, turns, strict=True)
        ),
        place=place,
        agent_id=draft.agent_id,
        team=draft.team,
        started_at=draft.started_at,
        org=draft.org,
        customer_id=draft.customer_id,
    )


def join_lines(parts: Iterable[str]) -> str:
    """Join the lines of one turn: words with a space, Chinese without."""
    text = ""
    for part in map(str.strip, parts):
        glue = " " if text[-1:].isascii() and part[:1].isascii() and text and part else ""
        text += glue + part
    return text


def show(value: object) -> str:
    """Return a value as an error message shows it: short."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
