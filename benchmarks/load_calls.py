"""Calls as a recogniser sends them: every turn grows by one character a fifth of a second, then comes its final.

The words are those of `calls.Center`; speech is as fast as people speak, with the pauses and overlaps of the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.calls import Center

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.calls import Recorded

# A recogniser says the last word on an utterance a little after it ended.
_FINAL_MS = 150
_FIRST_MS = 800


@dataclass(frozen=True, slots=True)
class Spoken:
    """One recogniser result, `at_ms` after the call's start.

    Attributes:
        turn: which utterance of the call, from 0 on.
        text: all of it so far.
    """

    at_ms: int
    turn: int
    revision: int
    agent: bool
    text: str
    final: bool
    start_ms: int


@dataclass(frozen=True, slots=True)
class Script:
    """One call: its results in the order of time, and when it ends."""

    results: tuple[Spoken, ...]
    ends_ms: int


def scripts(count: int, *, per_second: float, seed: int = 7) -> list[Script]:
    """Write calls.

    Args:
        per_second: partials a second while somebody speaks; each is one character longer.
    """
    return [_script(call, step_ms=1000 / per_second) for call in Center(seed=seed).calls(count)]


def _script(call: Recorded, *, step_ms: float) -> Script:
    results = sorted(_results(call, step_ms=step_ms), key=lambda each: each.at_ms)
    return Script(tuple(results), ends_ms=results[-1].at_ms + 1000)


def _results(call: Recorded, *, step_ms: float) -> Iterator[Spoken]:
    now, ended = _FIRST_MS, call.turns[0].start_ms
    for number, turn in enumerate(call.turns):
        start = max(0, now + turn.start_ms - ended)
        ended = turn.end_ms
        for length in range(1, len(turn.text)):
            at = int(start + length * step_ms)
            yield Spoken(at, number, length, turn.agent, turn.text[:length], final=False, start_ms=start)
        now = int(start + len(turn.text) * step_ms)
        yield Spoken(
            now + _FINAL_MS, number, len(turn.text), turn.agent, turn.text, final=True, start_ms=start
        )
