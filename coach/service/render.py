"""What the service says to sidebars, as plain dicts ready for orjson (docs/protocol.md, section 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from coach.coaching.events import AdviceGiven, AdviceResolved, AdviceWithdrawn, BlindSpot, TranscriptChanged
from coach.service.messages import GapError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coach.coaching.events import Advice, CallEvent, Hit, Mark, Outcome
    from coach.coaching.moment import Moment
    from coach.coaching.progress import MustSay, Progress
    from coach.errors import MessageError
    from coach.rulebook.phrasebook import Phrasebook

Message = dict[str, Any]


def render_event(call_id: str, event: CallEvent) -> Message:
    """Render one event of a call."""
    match event:
        case TranscriptChanged():
            return render_transcript(event)
        case AdviceGiven(advice):
            return render_advice(advice)
        case AdviceWithdrawn(advice_id):
            return {"type": "advice.withdrawn", "call_id": call_id, "id": advice_id}
        case AdviceResolved(advice_id, outcome):
            return {"type": "advice.resolved", "call_id": call_id, "id": advice_id, "outcome": outcome}
        case BlindSpot():
            return render_blind(call_id, event)


def render_transcript(changed: TranscriptChanged) -> Message:
    """Render the state of one utterance."""
    utterance = changed.utterance
    return {
        "type": "transcript",
        "call_id": utterance.call_id,
        "utterance_id": utterance.utterance_id,
        "revision": utterance.revision,
        "speaker": utterance.speaker,
        "final": utterance.final,
        "start_ms": utterance.start_ms,
        "end_ms": utterance.end_ms,
        "segments": cut(utterance.text, changed.marks),
    }


def render_advice(advice: Advice) -> Message:
    """Render one card."""
    hit = advice.hit
    return {
        "type": "advice",
        "id": advice.id,
        "call_id": advice.call_id,
        "utterance_id": advice.utterance_id,
        "rule": hit.rule,
        "category": hit.category,
        "severity": advice.severity,
        "title": hit.title,
        "quote": hit.text,
        "suggestions": [{"phrase": each.phrase, "text": each.text} for each in advice.suggestions],
        "why": hit.why,
        "by_sound": hit.by_sound,
        "at_ms": advice.at_ms,
    }


def render_blind(call_id: str, spot: BlindSpot) -> Message:
    """Render the begin or end of a blind spot."""
    return {
        "type": "blind",
        "call_id": call_id,
        "reason": spot.reason,
        "active": spot.active,
        "since_ms": spot.since_ms,
    }


def render_moment(moment: Moment, *, moment_id: str, call_id: str, utterance_id: str) -> Message:
    """Render something that happened."""
    return {
        "type": "moment",
        "call_id": call_id,
        "id": moment_id,
        "kind": moment.kind,
        "at_ms": moment.at_ms,
        "turn": moment.turn,
        "utterance_id": utterance_id,
        "details": dict(moment.details),
    }


def render_stage(call_id: str, progress: Progress) -> Message:
    """Render the stage strip and the customer's state."""
    intent = progress.intent
    return {
        "type": "stage",
        "call_id": call_id,
        "active": progress.active,
        "seen": list(progress.seen),
        "stage": progress.stage,
        "next": progress.next,
        "customer": {
            "mood": progress.mood,
            "signals": list(progress.signals),
            "motive": progress.motive,
            "intent": None if intent is None else {"motive": intent.motive, "settled": intent.settled},
        },
    }


def render_must_says(call_id: str, must_says: Iterable[MustSay]) -> Message:
    """Render what must be said, all of it."""
    return {
        "type": "must_say",
        "call_id": call_id,
        "parts": [
            {
                "id": each.id,
                "part": each.part,
                "phase": each.phase,
                "due_ms": each.due_ms,
                "said": each.said,
                "missed": each.missed,
                "phrase": each.phrase,
            }
            for each in must_says
        ],
    }


def render_hit(hit: Hit, phrasebook: Phrasebook) -> Message:
    """Render a hit of a check outside of a call: only the agent's own words fill slots."""
    return {
        "rule": hit.rule,
        "category": hit.category,
        "severity": hit.severity,
        "start": hit.start,
        "end": hit.end,
        "text": hit.text,
        "by_sound": hit.by_sound,
        "suggestions": [text for _, text in phrasebook.choose(hit.suggest, hit.parts)],
        "why": hit.why,
    }


def render_error(error: MessageError, *, call_id: str | None = None, seq: int | None = None) -> Message:
    """Render the answer to a frame that was refused."""
    message: Message = {
        "type": "error",
        "code": error.code,
        "message": error.message,
        "field": error.field or None,
        "call_id": call_id,
        "seq": seq,
    }
    if isinstance(error, GapError):
        message["expected"] = error.expected
    return message


def render_resolved(resolved: Mapping[str, Outcome]) -> list[Message]:
    """Render the outcomes of a call for a snapshot."""
    return [{"id": advice_id, "outcome": outcome} for advice_id, outcome in resolved.items()]


def cut(text: str, marks: Iterable[Mark]) -> list[Message]:
    """Cut `text` at the marks, so that the pieces joined are the text; an overlapping mark gives way."""
    pieces: list[Message] = []
    at = 0
    for mark in sorted(marks, key=lambda mark: (mark.start, -mark.end)):
        start, end = max(mark.start, at), min(mark.end, len(text))
        if start >= end:
            continue
        if at < start:
            pieces.append({"text": text[at:start]})
        pieces.append({"text": text[start:end], "severity": mark.severity, "advice_id": mark.advice_id})
        at = end
    if at < len(text) or not pieces:
        pieces.append({"text": text[at:]})
    return pieces


def timestamp(seconds: float) -> str:
    """Render a moment (seconds since 1970) as the wire writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
