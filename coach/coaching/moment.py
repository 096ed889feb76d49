"""A moment of a call, the turn it is about, and the numbers that decide.

Values only. `moments.Moments` finds them; docs/moments.md defines every kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.coaching.events import Speaker

MomentKind = Literal[
    "missing-greeting",
    "missing-closing",
    "missing-must-say",
    "interruption",
    "long-silence",
    "hold-without-notice",
    "fast-speech",
    "no-empathy-after-complaint",
    "repeated-question",
    "dispute-loop",
    "commitment",
    "customer-complaint",
    "churn-risk",
    "escalation-risk",
    "adoption",
]

# What a moment may say about itself: plain values, ready for JSON.
Detail = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something worth knowing about a call.

    Attributes:
        at_ms: when, from the start of the call; 0 in a transcript without times.
        turn: index of the turn it is about, from 0.
        details: what was seen; the keys of each kind are listed in docs/moments.md.
    """

    kind: MomentKind
    at_ms: int
    turn: int
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One final utterance, as the watchers see it.

    Attributes:
        text: normalised, 您 written 你, marks being one of ，。？！；.
        spoken: the words as they came.
        timed: its times can be believed: it lasts, and not exactly as long as the turn before.
        follows: the same speaker spoke last; both are parts of one turn in the everyday sense.
    """

    index: int
    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    timed: bool
    follows: bool
    spoken: str = ""

    @property
    def duration_ms(self) -> int:
        """How long it lasted; 0 when its times cannot be believed."""
        return self.end_ms - self.start_ms if self.timed else 0


@dataclass(frozen=True, slots=True)
class MomentSettings:
    """The numbers. Each names where it comes from; "choice" is ours, to be tuned with the customer.

    Attributes:
        greeting_parts: what a greeting must hold (State Grid service code: unit and agent number). Take out
            what an announcement before the call already says.
        greeting_ms: the greeting is due by the end of the first turn or by this time after its start
            (choice; recorded announcements take 5 to 8 s).
        joined_ms: a pause shorter than this does not end a turn (endpointing of recognisers: 0.2 to 2 s).
        closing_turns: so many last agent turns are searched for the closing (choice).
        overlap_ms: speaking at the same time for at least this long is an interruption (public quality guides
            use 2 to 3 s; the shorter limit leaves out no real one).
        interruption_han: shorter agent texts are backchannels (vendor guides: 4 characters).
        silence_ms: nobody speaks (telecom quality sheets).
        hold_silence_ms: the same after the agent asked to wait (12333 hotline: a word every 30 s).
        notice_ms: a look-up this long needs a word before it (choice, below the 10 s of the 12366 hotline).
        return_ms: a wait this long needs a word after it (12366 hotline: over 10 s).
        grace_ms: live, words may reach us so much later than they were said.
        abandoned_ms: live, an utterance that has not grown for so long will not become final any more.
        fast_han, fast_ms: speed is judged over at least so many characters and so much speech (choice).
        fast_rate, very_fast_rate: Han characters a minute (training material: 120 to 260 is ordinary).
        upset_rate: the limit while the customer is upset ...
        upset_ratio: ... if the agent also speaks so much faster than he did before (percent): habitual pace
            differs from person to person by more than the two limits do.
        empathy_turns, empathy_ms: how long a complaint may go without a word of empathy (complaint handling: first
            the feeling, then the matter).
        complaint_weight: a complaint this heavy asks for empathy.
        similar: share of content that makes a request the same request (vendor default: 0.6).
        similar_han: shorter requests are not compared (vendor default: 5 characters).
        repeat_turns: so many turns back a customer's request is remembered.
        again_ms: the same signal is told again after this time.
        repaired_turns: a repair in own words heeds a card at most so many turns old (choice).
        settled_ms: after so much of the call the customer's motive counts as settled (handbooks: 30 to 60 s).
    """

    greeting_parts: tuple[str, ...] = ("问候", "单位", "工号")
    greeting_ms: int = 8_000
    joined_ms: int = 1_200
    closing_turns: int = 3
    overlap_ms: int = 1_500
    interruption_han: int = 4
    silence_ms: int = 10_000
    hold_silence_ms: int = 30_000
    notice_ms: int = 8_000
    return_ms: int = 10_000
    grace_ms: int = 1_000
    abandoned_ms: int = 15_000
    fast_han: int = 30
    fast_ms: int = 8_000
    fast_rate: int = 300
    very_fast_rate: int = 350
    upset_rate: int = 260
    upset_ratio: int = 120
    empathy_turns: int = 2
    empathy_ms: int = 15_000
    complaint_weight: float = 2.0
    similar: float = 0.6
    similar_han: int = 5
    repeat_turns: int = 6
    again_ms: int = 60_000
    repaired_turns: int = 4
    settled_ms: int = 60_000
