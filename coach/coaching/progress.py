"""How a call stands, for whoever watches it live: the stages, the customer, and what must still be said.

Values only; `moments.Moments` keeps them. What has happened is told as moments, how things stand as these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from coach.coaching.intent import Intent
    from coach.coaching.signals import CustomerMood, Motive, SignalCategory
    from coach.coaching.stages import Stage

MustSayPhase = Literal["greeting", "call"]


@dataclass(frozen=True, slots=True)
class MustSay:
    """Something the agent has to say in this call.

    Attributes:
        id: `greeting/<part>`, or the id under which a rule pack declares it.
        part: its short name, as the agent reads it.
        due_ms: by when, from the start of the call; None while the time does not run, or until the end.
        said: it was said, as far as is known now.
        missed: its time is up and it was not said.
        phrase: what to say; "" for a part of the greeting.
    """

    id: str
    part: str
    phase: MustSayPhase
    due_ms: int | None
    said: bool
    missed: bool
    phrase: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The stage strip and the customer's state.

    Attributes:
        active: the customer complained or means to leave or to escalate: the steps are asked for.
        stage: the step taken last, in the order of the strip; None before the first.
        next: the first step not taken; None when all were, and while none is asked for.
        signals: what of the customer's signals still counts, in the order of `signals.CATEGORIES`.
        motive: of his complaint; None while he has none.
        intent: why he calls; None before there is anything to judge by.
    """

    active: bool
    seen: tuple[Stage, ...]
    stage: Stage | None
    next: Stage | None
    mood: CustomerMood
    signals: tuple[SignalCategory, ...]
    motive: Motive | None
    intent: Intent | None
