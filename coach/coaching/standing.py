"""How a live call stands for its supervisor: its cards and what became of them, the customer, the risk, the alerts.

Pure, like the call it watches: the same events give the same standing, so a call heard again after a restart, or
on another machine, stands as before. Nothing is told twice under another id.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.coaching.attention import AttentionBudget
from coach.coaching.events import AdviceGiven, AdviceResolved, AdviceWithdrawn, BlindSpot, TranscriptChanged
from coach.coaching.risk import Risk, risk_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import Advice, BlindReason, CallEvent, Outcome, Severity
    from coach.coaching.progress import Progress

# More cards than an hour of bad calling makes; what is older is counted, not judged any more.
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Alert:
    """A warning or violation the supervisor is told of; one with the same advice takes its place.

    Attributes:
        escalated: not this card alone: the call asks for him.
    """

    advice: Advice
    escalated: bool


@dataclass(frozen=True, slots=True)
class AlertWithdrawn:
    """An alert that was told is none: the recogniser took the words back."""

    advice_id: str


@dataclass(slots=True)
class _Told:
    advice: Advice
    outcome: Outcome | None = None
    # The agent's utterances since, the card's own not counted.
    turns: int = 0


class Standing:
    """The standing of one call.

    Args:
        escalate_after: so many warnings and violations neither adopted nor made up for escalate the call.
        budget: how long a card is searched for its adoption.
    """

    def __init__(self, *, escalate_after: int = 3, budget: AttentionBudget | None = None) -> None:
        self._escalate_after = escalate_after
        self._judge_turns = (budget or AttentionBudget()).judge_turns
        self._told: dict[str, _Told] = {}
        self._counts: Counter[Severity] = Counter()
        self._blind: set[BlindReason] = set()
        self._progress: Progress | None = None
        self._last: str | None = None
        # Of cards that left memory, by severity.
        self._old_unheeded: Counter[Severity] = Counter()
        self._old_made_up = 0
        self.escalated = False

    @property
    def progress(self) -> Progress | None:
        """The stages and the customer's state; None before the first word on them."""
        return self._progress

    @property
    def counts(self) -> dict[Severity, int]:
        """Cards that were given and stand, by severity."""
        return {
            "notice": self._counts["notice"],
            "warning": self._counts["warning"],
            "violation": self._counts["violation"],
        }

    @property
    def unheeded(self) -> int:
        """Warnings and violations that the agent neither adopted nor made up for, and had the time to."""
        here = sum(self._is_unheeded(told) for told in self._told.values())
        return here + self._old_unheeded["warning"] + self._old_unheeded["violation"]

    @property
    def blind(self) -> tuple[BlindReason, ...]:
        """What cannot be seen at the moment, in a fixed order."""
        return tuple(sorted(self._blind))

    @property
    def last_card(self) -> tuple[Advice, Outcome | None] | None:
        """The card given last that stands, with its outcome; None before the first."""
        told = self._told.get(self._last) if self._last else None
        return (told.advice, told.outcome) if told else None

    @property
    def risk(self) -> Risk:
        """How much the call needs its supervisor."""
        violations = [told for told in self._told.values() if told.advice.severity == "violation"]
        made_up = sum(told.outcome in {"adopted", "repaired"} for told in violations)
        unheeded = sum(
            self._is_unheeded(told) for told in self._told.values() if told.advice.severity == "warning"
        )
        return risk_of(
            mood=self._progress.mood if self._progress else "calm",
            signals=self._progress.signals if self._progress else (),
            violations=len(violations) - made_up + self._old_unheeded["violation"],
            made_up=made_up + self._old_made_up,
            unheeded=unheeded + self._old_unheeded["warning"],
            blind=bool(self._blind),
        )

    def note(self, events: Iterable[CallEvent]) -> list[Alert | AlertWithdrawn]:
        """Take in what one step of the call brought; return what the supervisor is to be told at once."""
        fresh: list[str] = []
        gone: list[Alert | AlertWithdrawn] = []
        for event in events:
            match event:
                case TranscriptChanged(utterance, _):
                    if utterance.final and utterance.speaker == "agent":
                        self._count_turn(utterance.utterance_id)
                case AdviceGiven(advice):
                    if self._give(advice):
                        fresh.append(advice.id)
                case AdviceWithdrawn(advice_id):
                    if self._forget(advice_id) and advice_id not in fresh:
                        gone.append(AlertWithdrawn(advice_id))
                case AdviceResolved(advice_id, outcome):
                    told = self._told.get(advice_id)
                    if told is not None:
                        told.outcome = outcome
                case BlindSpot(reason, active, _):
                    (self._blind.add if active else self._blind.discard)(reason)
        escalating = self._escalate()
        alerts = gone + [
            Alert(self._told[each].advice, each == escalating or self._calls_for_help(self._told[each]))
            for each in fresh
            if each in self._told and self._told[each].advice.severity != "notice"
        ]
        if escalating is not None and escalating not in fresh:
            alerts.append(Alert(self._told[escalating].advice, escalated=True))
        return alerts

    def go_on(self, progress: Progress) -> list[Alert]:
        """Take in how the call stands now; an angry customer may escalate what was said before."""
        self._progress = progress
        escalating = self._escalate()
        return [] if escalating is None else [Alert(self._told[escalating].advice, escalated=True)]

    def _give(self, advice: Advice) -> bool:
        """Note a card; tell whether it is news for the supervisor."""
        known = self._told.get(advice.id)
        if known is not None:
            news = known.advice.severity != advice.severity
            self._counts[known.advice.severity] -= 1
            self._counts[advice.severity] += 1
            known.advice = advice
            return news
        self._told[advice.id] = _Told(advice)
        self._counts[advice.severity] += 1
        self._last = advice.id
        if len(self._told) > _KEPT:
            self._retire(next(iter(self._told)))
        return True

    def _forget(self, advice_id: str) -> bool:
        """Take a card back: it never was. Tell whether the supervisor was told of it."""
        told = self._told.pop(advice_id, None)
        if told is None:
            return False
        self._counts[told.advice.severity] -= 1
        if self._last == advice_id:
            self._last = next(reversed(self._told), None)
        return told.advice.severity != "notice"

    def _retire(self, advice_id: str) -> None:
        told = self._told.pop(advice_id)
        if told.outcome in {"adopted", "repaired"}:
            self._old_made_up += told.advice.severity == "violation"
        else:
            self._old_unheeded[told.advice.severity] += 1

    def _count_turn(self, utterance_id: str) -> None:
        for told in self._told.values():
            if told.outcome is None and told.advice.utterance_id != utterance_id:
                told.turns += 1

    def _is_unheeded(self, told: _Told) -> bool:
        if told.advice.severity == "notice":
            # A hint may be left alone; one that is repeated comes as a warning.
            return False
        return told.outcome == "repeated" or (told.outcome is None and told.turns >= self._judge_turns)

    def _calls_for_help(self, told: _Told) -> bool:
        """A violation to a customer who is not calm."""
        return (
            told.advice.severity == "violation"
            and told.outcome not in {"adopted", "repaired"}
            and self._progress is not None
            and self._progress.mood != "calm"
        )

    def _escalate(self) -> str | None:
        """Return the card that stands for a call which just came to ask for its supervisor; None otherwise."""
        if self.escalated:
            return None
        grave = [told for told in self._told.values() if self._calls_for_help(told)]
        if not grave:
            if self.unheeded < self._escalate_after:
                return None
            grave = [told for told in self._told.values() if self._is_unheeded(told)]
        if not grave:
            return None
        self.escalated = True
        # The gravest, of equals the latest.
        return max(grave, key=lambda told: (told.advice.severity == "violation", told.advice.at_ms)).advice.id
