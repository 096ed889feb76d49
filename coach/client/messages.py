"""What the service says, as types: the stream of an agent and the answers over HTTP (docs/protocol.md).

A field that a newer service adds is kept out of the way, not refused; a message of a new type is an `OtherEvent`.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Severity = Literal["notice", "warning", "violation"]
Speaker = Literal["agent", "customer", "unknown"]
Verdict = Literal["useful", "false-alarm"]


class Said(BaseModel):
    """Something the service says."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Said):
    """Something that happened, with its place in a stream."""

    # What a client sends back as `after`; absent inside a snapshot.
    offset: str | None = None


class Segment(Said):
    """A stretch of an utterance; marked where it has an advice."""

    text: str
    severity: Severity | None = None
    advice_id: str | None = None


class Transcript(Event):
    """The state of one utterance; takes the place of its earlier revision."""

    type: Literal["transcript"]
    call_id: str
    utterance_id: str
    revision: int
    speaker: Speaker
    final: bool
    start_ms: int
    end_ms: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The words without marks."""
        return "".join(segment.text for segment in self.segments)


class Suggestion(Said):
    """A phrase ready to be said."""

    phrase: str
    text: str


class Advice(Event):
    """A card; one with an id that was shown takes its place."""

    type: Literal["advice"]
    id: str
    call_id: str
    utterance_id: str
    rule: str
    category: str
    severity: Severity
    title: str
    quote: str
    suggestions: tuple[Suggestion, ...]
    why: str
    by_sound: bool
    at_ms: int


class AdviceWithdrawn(Event):
    """A card is taken back."""

    type: Literal["advice.withdrawn"]
    call_id: str
    id: str


class Outcome(Said):
    """What became of a card."""

    id: str
    outcome: Literal["adopted", "repaired", "repeated"]


class AdviceResolved(Event):
    """The agent said it, made up for it, or did it again."""

    type: Literal["advice.resolved"]
    call_id: str
    id: str
    outcome: Literal["adopted", "repaired", "repeated"]


class Blind(Event):
    """Part of the call cannot be seen, or can be again."""

    type: Literal["blind"]
    call_id: str
    reason: Literal["no-transcript", "unknown-speaker", "rejected-frames"]
    active: bool
    since_ms: int


class Moment(Event):
    """Something happened; `details` are by `kind` (docs/moments.md)."""

    type: Literal["moment"]
    call_id: str
    id: str
    kind: str
    at_ms: int
    turn: int
    utterance_id: str
    details: dict[str, Any]
    due: bool | None = None


class Intent(Said):
    """Why the customer calls."""

    motive: str
    settled: bool


class Customer(Said):
    """How the customer is."""

    mood: Literal["calm", "upset", "critical"]
    signals: tuple[str, ...]
    motive: str | None
    intent: Intent | None


class Stage(Event):
    """How the call stands; takes the place of the one before."""

    type: Literal["stage"]
    call_id: str
    active: bool
    seen: tuple[str, ...]
    stage: str | None
    next: str | None
    customer: Customer


class MustSayPart(Said):
    """One thing that has to be said."""

    id: str
    part: str
    phase: str
    due_ms: int | None
    said: bool
    missed: bool
    phrase: str


class MustSay(Event):
    """All that has to be said in this call; takes the place of the one before."""

    type: Literal["must_say"]
    call_id: str
    parts: tuple[MustSayPart, ...]


class Whisper(Event):
    """A word from the supervisor to the agent; the customer does not hear it."""

    type: Literal["whisper"]
    call_id: str
    id: str
    text: str
    sender: str
    at: datetime


class CallStarted(Event):
    """A call began."""

    type: Literal["call.started"]
    call_id: str
    started_at: datetime


class CallEnded(Event):
    """A call is over; `reason` says whether its producer ended it or the service did, after a long silence."""

    type: Literal["call.ended"]
    call_id: str
    at_ms: int
    reason: Literal["ended", "timeout"] = "ended"


class RunningCall(Said):
    """All that a sidebar shows of a call."""

    call_id: str
    started_at: datetime
    transcript: tuple[Transcript, ...]
    advice: tuple[Advice, ...]
    resolved: tuple[Outcome, ...]
    snoozed: tuple[str, ...]
    blind: tuple[Blind, ...]
    moments: tuple[Moment, ...]
    stage: Stage
    must_say: MustSay
    whispers: tuple[Whisper, ...] = ()


class Snapshot(Event):
    """The whole state; takes the place of everything before."""

    type: Literal["snapshot"]
    agent_id: str
    call: RunningCall | None


class Ready(Said):
    """The socket may be used. `store` "nothing": words stay in memory, an ack means received."""

    type: Literal["ready"]
    role: Literal["producer", "agent", "supervisor"]
    store: Literal["words", "nothing"] = "words"


class Ack(Said):
    """Everything of the call up to `seq` is on disk."""

    type: Literal["ack"]
    call_id: str
    seq: int


class Error(Said):
    """Something was refused; a `gap` names the seq that is `expected`."""

    type: Literal["error"]
    code: str
    message: str
    field: str | None
    call_id: str | None
    seq: int | None
    expected: int | None = None
    # Of a whisper that was refused.
    id: str | None = None


class Pressure(Said):
    """The disk is behind (`active`): send nothing until a second message says that it has caught up."""

    type: Literal["pressure"]
    active: bool
    waiting: int


class Pong(Said):
    """The answer to `ping`."""

    type: Literal["pong"]


class Noted(Said):
    """What a sidebar or a supervisor sent is stored, or done."""

    type: Literal["noted"]
    advice_id: str | None = None
    rule: str | None = None
    # Of a call; with a whisper also its id.
    call_id: str | None = None
    id: str | None = None


class Degraded(Event):
    """Events of other processes may be missing (`active`), or come again; a snapshot follows. It has no offset."""

    type: Literal["degraded"]
    active: bool
    reason: Literal["bus"]


class OtherEvent(Event):
    """A message of a type that this version does not know."""

    model_config = ConfigDict(frozen=True, extra="allow")
    type: str


StreamEvent = (
    Snapshot
    | CallStarted
    | Transcript
    | Advice
    | AdviceWithdrawn
    | AdviceResolved
    | Blind
    | Moment
    | Stage
    | MustSay
    | Whisper
    | Degraded
    | CallEnded
)

_KNOWN = TypeAdapter[StreamEvent](Annotated[StreamEvent, Field(discriminator="type")])
STREAM_TYPES: tuple[type[Event], ...] = get_args(StreamEvent)
_TYPES = frozenset(get_args(model.model_fields["type"].annotation)[0] for model in STREAM_TYPES)


def read_event(message: dict[str, Any]) -> StreamEvent | OtherEvent:
    """Read one message of an agent's stream.

    Raises:
        pydantic.ValidationError: a message of a known type lacks something; the service breaks its protocol.
    """
    if message.get("type") in _TYPES:
        return _KNOWN.validate_python(message)
    return OtherEvent.model_validate(message)
