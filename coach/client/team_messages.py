"""What the service says to a supervisor, as types (docs/protocol.md, section 8).

Every message carries the whole state of what it is about, so that one told twice harms nothing.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter

from coach.client.messages import Degraded, Event, OtherEvent, Said, Severity, StreamEvent

Blindness = Literal["no-transcript", "unknown-speaker", "rejected-frames"]


class RiskReason(Said):
    """One thing that adds to the risk; `words` are Chinese, for people."""

    code: str
    points: int
    count: int
    words: str


class Risk(Said):
    """How much a call needs its supervisor: 0 to 100, the weightiest reason first."""

    score: int
    reasons: tuple[RiskReason, ...]


class Counts(Said):
    """Cards that were given and stand."""

    notice: int
    warning: int
    violation: int


class LastCard(Said):
    """The card given last, with what became of it."""

    id: str
    rule: str
    severity: Severity
    title: str
    quote: str
    at_ms: int
    outcome: Literal["adopted", "repaired", "repeated"] | None


class TeamCall(Event):
    """How a call of the team stands; not told again for 30 s, it is gone."""

    type: Literal["team.call"]
    call_id: str
    agent_id: str
    agent_name: str
    started_at: datetime
    stage: str | None
    next: str | None
    mood: Literal["calm", "upset", "critical"]
    risk: Risk
    counts: Counts
    unheeded: int
    last_card: LastCard | None
    blind: tuple[Blindness, ...]
    escalated: bool


class TeamCallGone(Event):
    """A call of the team is over."""

    type: Literal["team.call_gone"]
    call_id: str
    reason: Literal["ended", "timeout"]


class Alert(Event):
    """A warning or violation was said (`escalated`: the call asks for its supervisor); replaces the one of its id."""

    type: Literal["alert"]
    id: str
    call_id: str
    agent_id: str
    agent_name: str
    severity: Literal["warning", "violation"]
    rule: str
    title: str
    quote: str
    at: datetime
    at_ms: int
    escalated: bool


class AlertWithdrawn(Event):
    """An alert was none: the recogniser took the words back."""

    type: Literal["alert.withdrawn"]
    call_id: str
    id: str


class WhisperSeen(Event):
    """The agent has taken note of a whisper."""

    type: Literal["whisper.read"]
    call_id: str
    id: str
    at: datetime


class TeamCalls(Event):
    """What a supervisor's socket starts from: the live calls, and the latest alerts of each."""

    type: Literal["team.calls"]
    team: str
    calls: tuple[TeamCall, ...]
    alerts: tuple[Alert, ...]


class Rates(Said):
    """The team's day so far, by the service's time zone; rates are null while there is nothing to divide by."""

    type: Literal["rates"]
    team: str
    since: datetime
    calls: int
    agent_utterances: int
    alerts: int
    alerts_per_100: float | None
    cards: int
    adopted: int
    adoption: float | None
    false_alarms: int


class Watched(Said):
    """An event of a call that is watched, as its agent's stream has it; the first is a `snapshot`."""

    type: Literal["watched"]
    call_id: str
    event: StreamEvent


TeamEvent = TeamCalls | TeamCall | TeamCallGone | Alert | AlertWithdrawn | WhisperSeen
TEAM_TYPES: tuple[type[Event], ...] = get_args(TeamEvent)

_Known = TeamEvent | Rates | Watched | Degraded
_KNOWN = TypeAdapter[_Known](Annotated[_Known, Field(discriminator="type")])
_TYPES = frozenset(get_args(model.model_fields["type"].annotation)[0] for model in get_args(_Known))


def read_team_event(message: dict[str, Any]) -> TeamEvent | Rates | Watched | Degraded | OtherEvent:
    """Read one message of a team's stream.

    Raises:
        pydantic.ValidationError: a message of a known type lacks something; the service breaks its protocol.
    """
    if message.get("type") in _TYPES:
        return _KNOWN.validate_python(message)
    return OtherEvent.model_validate(message)
