"""A recorded call as the events a recogniser would have sent, with the time of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.errors import TranscriptError, cause, json_cause

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SPEAKERS: Final = frozenset({"agent", "customer", "unknown"})
# A recogniser sends a partial about three times a second; the agent says about four characters in one.
_PARTIAL_MS: Final = 300
_MIN_STEP: Final = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person said without a break. `partials` are the recogniser's guesses, if they were recorded."""

    speaker: str
    start_ms: int
    end_ms: int
    text: str
    partials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded call."""

    id: str
    title: str
    slots: dict[str, str]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """One event without call id and seq. `at_ms` counts from the start of the call."""

    at_ms: int
    event: dict[str, Any]


def read_recording(file: Path) -> Recording:
    """Read a recorded call: `{"id", "title", "slots", "turns": [{"speaker", "start_ms", "end_ms", "text"}]}`.

    Raises:
        TranscriptError: it cannot be read; says where and what was expected.
    """
    try:
        value = orjson.loads(file.read_bytes())
    except OSError as error:
        raise TranscriptError(f"{file}: 读不到文件：{cause(error)}") from error
    except orjson.JSONDecodeError as error:
        raise TranscriptError(
            f"{file}:{error.lineno}:{error.colno}: 不是 JSON：{json_cause(error.msg)}"
        ) from error
    if not isinstance(value, dict) or not isinstance(value.get("turns"), list) or not value["turns"]:
        raise TranscriptError(f'{file}: 应为 {{"id": …, "turns": [ … ]}}，turns 不能为空')
    slots = value.get("slots", {})
    if not isinstance(slots, dict) or not all(isinstance(each, str) for each in slots.values()):
        raise TranscriptError(f"{file}: slots: 应为文字到文字的对象")
    return Recording(
        id=str(value.get("id", file.stem)),
        title=str(value.get("title", "")),
        slots=slots,
        turns=tuple(_turn(turn, f"{file}: turns.{index}") for index, turn in enumerate(value["turns"])),
    )


def timeline(recording: Recording) -> list[TimedEvent]:
    """Return the utterance events of a call and its end, in the order of time."""
    events: list[TimedEvent] = []
    for index, turn in enumerate(recording.turns, 1):
        guesses = turn.partials or tuple(_growing(turn))
        for revision, (text, final) in enumerate(
            [*((guess, False) for guess in guesses), (turn.text, True)], 1
        ):
            share = 1.0 if final else revision / (len(guesses) + 1)
            at_ms = turn.start_ms + int((turn.end_ms - turn.start_ms) * share)
            events.append(
                TimedEvent(
                    at_ms,
                    {
                        "type": "utterance",
                        "utterance_id": f"u{index}",
                        "revision": revision,
                        "speaker": turn.speaker,
                        "text": text,
                        "final": final,
                        "start_ms": turn.start_ms,
                        "end_ms": at_ms,
                    },
                )
            )
    # People talk over each other; a stable sort keeps the revisions of one turn in order.
    events.sort(key=lambda each: each.at_ms)
    last = events[-1].at_ms
    return [*events, TimedEvent(last, {"type": "call.ended", "at_ms": last})]


def _growing(turn: Turn) -> Iterator[str]:
    """Guess the partials that were not recorded: the text grows with the time."""
    steps = max(1, (turn.end_ms - turn.start_ms) // _PARTIAL_MS)
    size = max(_MIN_STEP, -(-len(turn.text) // steps))
    yield from (turn.text[:end] for end in range(size, len(turn.text), size))


def _turn(value: object, where: str) -> Turn:
    if not isinstance(value, dict):
        raise TranscriptError(f"{where}: 应为对象")
    if value.get("speaker") not in _SPEAKERS:
        raise TranscriptError(
            f"{where}.speaker: 收到 {value.get('speaker')!r}，应为 agent、customer 或 unknown"
        )
    start, end, text = value.get("start_ms"), value.get("end_ms"), value.get("text")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise TranscriptError(f"{where}: start_ms、end_ms 应为整数毫秒，且 0 ≤ start_ms ≤ end_ms")
    if not isinstance(text, str):
        raise TranscriptError(f"{where}.text: 收到 {text!r}，应为文字")
    partials = value.get("partials", [])
    if not isinstance(partials, list) or not all(isinstance(each, str) for each in partials):
        raise TranscriptError(f"{where}.partials: 应为文字的数组")
    return Turn(value["speaker"], start, end, text, tuple(partials))
