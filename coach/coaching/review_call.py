"""One recorded call judged whole: the agent's faults and what became of them, the moments, the signals.

Drives the same `Call` and `Moments` as the live service.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coach.coaching.attention import AttentionBudget
from coach.coaching.call import Call
from coach.coaching.checker import Checker
from coach.coaching.events import AdviceGiven, AdviceResolved, AdviceWithdrawn, Utterance
from coach.coaching.moments import Moments
from coach.coaching.must_says import MustSayFinder
from coach.coaching.signals import SignalFinder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from coach.coaching.events import Advice, CallEvent, Outcome, Speaker
    from coach.coaching.moment import Moment, MomentKind, MomentSettings
    from coach.coaching.signals import Signal, SignalCategory
    from coach.rulebook.book import Rulebook

# In a review nobody is interrupted, so nothing that was found is held back.
EVERYTHING = AttentionBudget(cool_down_ms=0, notices_per_minute=1_000_000, overlapping=True)


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """One turn of a recording; times in ms from the start of the call, 0 when unknown."""

    speaker: Speaker
    text: str
    start_ms: int = 0
    end_ms: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the agent: the card that live he would have been shown, and what became of it.

    Attributes:
        turn: index of the turn, from 0.
        outcome: None when he neither made up for it nor repeated it.
    """

    turn: int
    advice: Advice
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class CallReview:
    """What a recording holds.

    Attributes:
        categories: of the agent's faults, sorted, each once.
        moments: in order of their turns.
        not_measurable: kinds that could not be judged for want of times.
        faults: in order of their turns; a rule counts once a turn unless it is a violation.
        signals: categories of the customer's signals, sorted, each once.
    """

    categories: tuple[str, ...]
    moments: tuple[Moment, ...]
    not_measurable: tuple[MomentKind, ...]
    faults: tuple[Fault, ...] = ()
    signals: tuple[SignalCategory, ...] = ()


class CallReviewer:
    """Reviews recordings with one rule book.

    Args:
        rulebook: its agent rules give the categories, its customer rules the signals.
        settings: the numbers of the moments.
        budget: what an agent would have been told; everything that was found, unless given.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        *,
        settings: MomentSettings | None = None,
        budget: AttentionBudget = EVERYTHING,
    ) -> None:
        self._checker = Checker(rulebook)
        self._phrasebook = rulebook.phrasebook
        self._finder = SignalFinder(rulebook)
        self._must_says = MustSayFinder(rulebook)
        self._settings = settings
        self._budget = budget

    @property
    def digest(self) -> str:
        """Digest of the rule set."""
        return self._checker.digest

    def warm(self) -> None:
        """Load dictionaries and automata now; processes forked afterwards share them."""
        self._checker.warm()
        self._finder.find("我要投诉你们")

    def review(
        self,
        call_id: str,
        turns: Iterable[RecordedTurn],
        *,
        started_at: datetime | None = None,
        org: str = "",
        slots: Mapping[str, str] | None = None,
    ) -> CallReview:
        """Judge one call.

        Args:
            call_id: its id.
            turns: in the order in which they were spoken.
            started_at: wall clock at its start, local time.
            org: the name of the firm, if known.
            slots: what is known about the call, to fill the suggested phrases.
        """
        call = Call(
            call_id,
            agent_id="",
            checker=self._checker,
            phrasebook=self._phrasebook,
            slots=slots,
            budget=self._budget,
        )
        listening = _Listening(self._finder)
        moments = Moments(
            listening,
            settings=self._settings,
            started_at=started_at,
            org=org,
            must_says=self._must_says,
        )
        found: list[Moment] = []
        faults: dict[str, Fault] = {}
        for index, turn in enumerate(turns):
            utterance = Utterance(
                call_id,
                str(index),
                1,
                turn.speaker,
                turn.text,
                final=True,
                start_ms=turn.start_ms,
                end_ms=turn.end_ms,
            )
            events = call.hear(utterance)
            _note(faults, events, index)
            found += [*moments.hear(utterance), *moments.note(events)]
        found += moments.end()
        found.sort(key=lambda moment: moment.turn)
        return CallReview(
            categories=tuple(sorted({fault.advice.hit.category for fault in faults.values()})),
            moments=tuple(found),
            not_measurable=moments.not_measurable,
            faults=tuple(faults.values()),
            signals=tuple(sorted(listening.heard)),
        )


def _note(faults: dict[str, Fault], events: Iterable[CallEvent], turn: int) -> None:
    """Keep the cards as the sidebar would: given, given again, withdrawn, resolved."""
    for event in events:
        if isinstance(event, AdviceGiven):
            faults[event.advice.id] = Fault(turn, event.advice)
        elif isinstance(event, AdviceWithdrawn):
            faults.pop(event.advice_id, None)
        elif isinstance(event, AdviceResolved) and event.advice_id in faults:
            faults[event.advice_id] = replace(faults[event.advice_id], outcome=event.outcome)


class _Listening(SignalFinder):
    """Remembers the categories of what another finder found."""

    def __init__(self, finder: SignalFinder) -> None:
        self._finder = finder
        self.heard: set[SignalCategory] = set()

    def find(self, text: str) -> tuple[Signal, ...]:
        signals = self._finder.find(text)
        self.heard.update(signal.category for signal in signals)
        return signals
