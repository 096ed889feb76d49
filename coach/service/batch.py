"""What is written to the store: one `Write` per durable event, many writes merged into one `Batch`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import Advice, Utterance
    from coach.coaching.moment import Moment

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """What one event changes on disk.

    Attributes:
        advance: the call's seq before and after; None when the call does not move (feedback).
        moved_at: when that was, in seconds since 1970, by the clock of the service.
        started: the row of a new call.
        advice: advice given or changed, in order; `withdrawn` may name some of it again.
        undone: the piece of advice whose verdict is taken back, with the kind of feedback.
        answer: what a batch over HTTP was answered, in case it is sent again.
    """

    call_id: str
    advance: tuple[int, int] | None = None
    moved_at: float | None = None
    started: Row | None = None
    ended_ms: int | None = None
    utterance: Row | None = None
    advice: tuple[Row, ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()
    withdrawn: tuple[str, ...] = ()
    moments: tuple[Row, ...] = ()
    feedback: Row | None = None
    undone: tuple[str, str] | None = None
    snooze: Row | None = None
    answer: Row | None = None

    def without_words(self) -> Write:
        """Return what may be kept where nothing that was said may be: the call, its place and its end."""
        started = self.started and {**self.started, "slots": "{}", "customer": None}
        return Write(
            self.call_id,
            advance=self.advance,
            moved_at=self.moved_at,
            started=started,
            ended_ms=self.ended_ms,
            snooze=self.snooze,
            answer=self.answer,
        )


@dataclass(slots=True)
class Batch:
    """Writes merged, so that each table is touched once and the last word on each row wins."""

    advances: dict[str, tuple[int, int]] = field(default_factory=dict)
    moved_at: dict[str, float] = field(default_factory=dict)
    started: dict[str, Row] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    utterances: dict[tuple[str, str], Row] = field(default_factory=dict)
    advice: dict[str, Row] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    moments: dict[str, Row] = field(default_factory=dict)
    feedback: dict[tuple[str, str], Row] = field(default_factory=dict)
    undone: set[tuple[str, str]] = field(default_factory=set)
    snoozes: dict[tuple[str, str, int], Row] = field(default_factory=dict)
    answers: dict[str, Row] = field(default_factory=dict)

    @classmethod
    def of(cls, writes: Iterable[Write]) -> Batch:
        """Merge writes in their order."""
        batch = cls()
        for write in writes:
            batch._add(write)
        return batch

    def _add(self, write: Write) -> None:
        if write.advance:
            first = self.advances.get(write.call_id, write.advance)[0]
            self.advances[write.call_id] = (first, write.advance[1])
        if write.moved_at is not None:
            self.moved_at[write.call_id] = write.moved_at
        if write.started:
            self.started.setdefault(write.call_id, write.started)
        if write.ended_ms is not None:
            self.ended[write.call_id] = write.ended_ms
        if write.utterance:
            self.utterances[write.call_id, write.utterance["utterance_id"]] = write.utterance
        for row in write.advice:
            self.advice[row["id"]] = row
            self.withdrawn.discard(row["id"])
        self.outcomes.update(write.outcomes)
        self.withdrawn.update(write.withdrawn)
        self.moments.update((row["id"], row) for row in write.moments)
        if write.feedback:
            given = (write.feedback["advice_id"], write.feedback["kind"])
            self.feedback[given] = write.feedback
            self.undone.discard(given)
        if write.undone:
            self.feedback.pop(write.undone, None)
            self.undone.add(write.undone)
        if write.snooze:
            self.snoozes[write.call_id, write.snooze["rule"], write.snooze["seq"]] = write.snooze
        if write.answer:
            self.answers[write.answer["identity"]] = write.answer


def started_row(
    *,
    call_id: str,
    agent_id: str,
    started_at: float,
    slots: dict[str, str],
    team: str | None = None,
    agent_name: str = "",
    customer: str | None = None,
) -> Row:
    """Build the row of a new call, at seq 0 until its first write moves it; `customer`: keyed hash of his id."""
    return {
        "call_id": call_id,
        "agent_id": agent_id,
        "started_at": started_at,
        "slots": orjson.dumps(slots).decode(),
        "seq": 0,
        "moved_at": started_at,
        "ended_ms": None,
        "customer": customer,
        "team": team,
        "agent_name": agent_name,
    }


def utterance_row(utterance: Utterance, *, seq: int) -> Row:
    """Build the row of a final."""
    return {
        "call_id": utterance.call_id,
        "utterance_id": utterance.utterance_id,
        "revision": utterance.revision,
        "seq": seq,
        "speaker": utterance.speaker,
        "text": utterance.text,
        "start_ms": utterance.start_ms,
        "end_ms": utterance.end_ms,
    }


def moment_row(moment: Moment, *, moment_id: str, call_id: str, utterance_id: str) -> Row:
    """Build the row of a moment."""
    return {
        "id": moment_id,
        "call_id": call_id,
        "utterance_id": utterance_id,
        "kind": moment.kind,
        "at_ms": moment.at_ms,
        "turn": moment.turn,
        "details": orjson.dumps(dict(moment.details)).decode(),
    }


def advice_row(advice: Advice) -> Row:
    """Build the row of a piece of advice, not withdrawn and without outcome."""
    hit = advice.hit
    return {
        "id": advice.id,
        "call_id": advice.call_id,
        "utterance_id": advice.utterance_id,
        "rule": hit.rule,
        "category": hit.category,
        "severity": advice.severity,
        "title": hit.title,
        "quote": hit.text,
        "start": hit.start,
        "end": hit.end,
        "suggestions": orjson.dumps(
            [{"phrase": s.phrase, "text": s.text} for s in advice.suggestions]
        ).decode(),
        "why": hit.why,
        "by_sound": hit.by_sound,
        "at_ms": advice.at_ms,
        "digest": hit.digest,
        "outcome": None,
        "withdrawn": False,
    }
