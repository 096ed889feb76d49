"""What the service answers about decisions on hits, and how rules fare, as types (docs/protocol.md, section 7)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Literal

from coach.client.answers import Answer

HitVerdict = Literal["right", "wrong"]
DecisionState = Literal["decided", "appealed", "settled"]


class DecisionStep(Answer):
    """One step: decided, appealed or settled; an appeal has no verdict."""

    kind: DecisionState
    verdict: HitVerdict | None
    reason: str
    who: str
    at: datetime


class Decision(Answer):
    """What was decided about a hit: of a review (`review` and `turn`), or of a live call (`utterance`).

    Offsets are characters. `digest` is that of the rules that found it; `agent_id` is "" where nobody is known.
    """

    id: str
    review: str | None
    call: str
    turn: int | None
    utterance: str | None
    rule: str
    start: int
    end: int
    agent_id: str
    text: str
    digest: str
    verdict: HitVerdict
    state: DecisionState
    at: datetime
    history: tuple[DecisionStep, ...]


class DecisionList(Answer):
    """Decisions, the latest first."""

    decisions: tuple[Decision, ...]


class RuleHealth(Answer):
    """How one rule fares. `precision` and its 95 % interval are 0 to 1, null while nothing was decided.

    `severity` is "" and `status` "gone" for a rule that the book no longer has.
    """

    rule: str
    title: str
    severity: str
    status: str
    live: int
    reviewed: int
    fired: int
    never_fired: bool
    confirmed: int
    false: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    muted: int
    false_alarms: int
    useful: int
    appealed: int
    open_appeals: int


class RuleHealthList(Answer):
    """How the rules fare, the worst first."""

    digest: str
    rules: tuple[RuleHealth, ...]
