"""The result of reviewing one call, and how it is written as a JSON line and read again.

The names of the fields are the keys of results.jsonl, documented in docs/review.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from coach.coaching.moment import Moment
from coach.coaching.scorecard import CallScore, ScoreItem
from coach.errors import TranscriptError, cause

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coach.coaching.events import Severity, Speaker


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call was read: the file as given, and its first line from 1 (0: unknown)."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class TurnMark:
    """A stretch of a turn that a rule found, in characters."""

    start: int
    end: int
    severity: Severity
    rule: str


@dataclass(frozen=True, slots=True)
class ResultTurn:
    """One turn; the text is masked unless the review was asked not to. Times in ms."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    marks: tuple[TurnMark, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultHit:
    """One fault of the agent.

    Attributes:
        turn: index of the turn, from 0.
        start, end: characters of the turn's text.
        at_ms: when the turn ended, from the start of the call.
        suggestion: what to say instead, "" when the phrase book has nothing.
    """

    rule: str
    category: str
    title: str
    severity: Severity
    turn: int
    start: int
    end: int
    text: str
    at_ms: int
    by_sound: bool
    suggestion: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """How many cards the agent would have seen, and what he then said of his own accord."""

    advised: int = 0
    adopted: int = 0
    repaired: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class CallResult:
    """One reviewed call.

    Attributes:
        started_at: wall clock at its start, local time, None when the recording does not say.
        agent_turns: how many turns the agent has; rates are per 100 of them.
        signals: categories of the customer's signals, sorted.
        not_measurable: kinds of moments that could not be judged for want of times.
        digest: of the rule set.
    """

    id: str
    source: Origin
    agent_id: str
    team: str
    started_at: datetime | None
    duration_ms: int
    turns: tuple[ResultTurn, ...]
    agent_turns: int
    score: CallScore
    categories: tuple[str, ...]
    hits: tuple[ResultHit, ...]
    moments: tuple[Moment, ...]
    adoption: Adoption
    signals: tuple[str, ...]
    not_measurable: tuple[str, ...]
    digest: str

    @property
    def faulty_turns(self) -> int:
        """Agent turns with at least one hit: what rates count, so that two hits in a turn are not twice as bad."""
        return len({hit.turn for hit in self.hits})

    def as_json(self) -> bytes:
        """Return the result as one line of results.jsonl, without the line break."""
        return orjson.dumps(self)


def result_from_json(line: bytes) -> CallResult:
    """Read one line of results.jsonl.

    Raises:
        ValueError, KeyError, TypeError: it was not written by `as_json`.
    """
    value: dict[str, Any] = orjson.loads(line)
    score = value["score"]
    return CallResult(
        id=value["id"],
        source=Origin(**value["source"]),
        agent_id=value["agent_id"],
        team=value["team"],
        started_at=datetime.fromisoformat(value["started_at"]) if value["started_at"] else None,
        duration_ms=value["duration_ms"],
        turns=tuple(
            ResultTurn(**{**turn, "marks": tuple(TurnMark(**mark) for mark in turn["marks"])})
            for turn in value["turns"]
        ),
        agent_turns=value["agent_turns"],
        score=CallScore(
            points=score["points"],
            passed=score["passed"],
            fatal=score["fatal"],
            items=tuple(
                ScoreItem(**{**item, "hits": tuple(item["hits"]), "moments": tuple(item["moments"])})
                for item in score["items"]
            ),
        ),
        categories=tuple(value["categories"]),
        hits=tuple(ResultHit(**hit) for hit in value["hits"]),
        moments=tuple(Moment(**moment) for moment in value["moments"]),
        adoption=Adoption(**value["adoption"]),
        signals=tuple(value["signals"]),
        not_measurable=tuple(value["not_measurable"]),
        digest=value["digest"],
    )


def read_results(path: Path) -> Iterator[CallResult]:
    """Read results.jsonl call by call.

    Raises:
        TranscriptError: naming file and line, when a line is not a result.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield result_from_json(line)
                except (ValueError, KeyError, TypeError) as error:
                    raise TranscriptError(
                        f"{path}:{number}: 不是一条质检结果（{error!r}）；"
                        "应为 coach review 写出的 results.jsonl，请重新运行"
                    ) from error
    except OSError as error:
        raise TranscriptError(f"{path}: 读不到文件：{cause(error)}") from error
