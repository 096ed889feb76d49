"""What goes into a call and what comes out of it.

Values only: no behaviour, no I/O. `service.messages` turns them into JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Speaker = Literal["agent", "customer", "unknown"]
Severity = Literal["notice", "warning", "violation"]
Outcome = Literal["adopted", "repaired", "repeated"]
BlindReason = Literal["no-transcript", "unknown-speaker", "rejected-frames"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recogniser result. `text` is cumulative inside one `utterance_id`.

    `revision` rises with every new result for the same utterance; times are ms from the call's start.
    """

    call_id: str
    utterance_id: str
    revision: int
    speaker: Speaker
    text: str
    final: bool
    start_ms: int
    end_ms: int


# Never changed; see `language.compiled.Found`.
@dataclass(slots=True)
class Hit:
    """A rule found in one utterance. Offsets are characters (code points) of the original text."""

    rule: str
    category: str
    title: str
    severity: Severity
    start: int
    end: int
    text: str
    by_sound: bool = False
    # False while words still to come could undo the hit (partial text only).
    settled: bool = True
    # Named parts of the pattern, e.g. {"rest": "这个套餐什么时候到期"}; a phrase may reuse them.
    parts: dict[str, str] = field(default_factory=dict)
    suggest: tuple[str, ...] = ()
    why: str = ""
    # Digest of the rule set that found it.
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A phrase ready to be said: every slot is filled, or the wording without it was taken."""

    phrase: str
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """One card for the agent. `id` is a function of (call, utterance, rule, occurrence)."""

    id: str
    call_id: str
    utterance_id: str
    hit: Hit
    severity: Severity
    suggestions: tuple[Suggestion, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of an utterance to highlight, in characters of the original text."""

    start: int
    end: int
    severity: Severity
    advice_id: str


@dataclass(frozen=True, slots=True)
class TranscriptChanged:
    """An utterance is new, longer, corrected or final."""

    utterance: Utterance
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class AdviceGiven:
    """Show this card; one with an id that was given before takes its place."""

    advice: Advice


@dataclass(frozen=True, slots=True)
class AdviceWithdrawn:
    """The recogniser took the words back, or the final text does not confirm them."""

    advice_id: str


@dataclass(frozen=True, slots=True)
class AdviceResolved:
    """The agent said a suggested phrase (adopted), made up for it (repaired) or did it again (repeated)."""

    advice_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """coach cannot see part of the call (`active`), or sees it again (not `active`)."""

    reason: BlindReason
    active: bool
    since_ms: int


CallEvent = TranscriptChanged | AdviceGiven | AdviceWithdrawn | AdviceResolved | BlindSpot
