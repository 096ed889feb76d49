"""One recorded call judged whole: the categories of the agent's faults and the moments.

Drives the same `Call` and `Moments` as the live service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.coaching.call import AttentionBudget, Call
from coach.coaching.checker import Checker
from coach.coaching.events import AdviceGiven, Utterance
from coach.coaching.moments import Moments
from coach.coaching.signals import SignalFinder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from coach.coaching.events import Speaker
    from coach.coaching.moment import Moment, MomentKind, MomentSettings
    from coach.rulebook.book import Rulebook

# In a review nobody is interrupted, so nothing that was found is held back.
_EVERYTHING = AttentionBudget(cool_down_ms=0, notices_per_minute=1_000_000)


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """One turn of a recording; times in ms from the start of the call, 0 when unknown."""

    speaker: Speaker
    text: str
    start_ms: int = 0
    end_ms: int = 0


@dataclass(frozen=True, slots=True)
class CallReview:
    """What a recording holds.

    Attributes:
        categories: of the agent's faults, sorted, each once.
        moments: in order of their turns.
        not_measurable: kinds that could not be judged for want of times.
    """

    categories: tuple[str, ...]
    moments: tuple[Moment, ...]
    not_measurable: tuple[MomentKind, ...]


class CallReviewer:
    """Reviews recordings with one rule book.

    Args:
        rulebook: its agent rules give the categories, its customer rules the signals.
        settings: the numbers of the moments.
    """

    def __init__(self, rulebook: Rulebook, *, settings: MomentSettings | None = None) -> None:
        self._checker = Checker(rulebook)
        self._phrasebook = rulebook.phrasebook
        self._finder = SignalFinder(rulebook)
        self._settings = settings

    def review(
        self,
        call_id: str,
        turns: Iterable[RecordedTurn],
        *,
        started_at: datetime | None = None,
        org: str = "",
    ) -> CallReview:
        """Judge one call.

        Args:
            call_id: its id.
            turns: in the order in which they were spoken.
            started_at: wall clock at its start, local time.
            org: the name of the firm, if known.
        """
        call = Call(
            call_id, agent_id="", checker=self._checker, phrasebook=self._phrasebook, budget=_EVERYTHING
        )
        moments = Moments(self._finder, settings=self._settings, started_at=started_at, org=org)
        found: list[Moment] = []
        categories: set[str] = set()
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
            categories.update(event.advice.hit.category for event in events if isinstance(event, AdviceGiven))
            found += [*moments.hear(utterance), *moments.note(events)]
        found += moments.end()
        found.sort(key=lambda moment: moment.turn)
        return CallReview(tuple(sorted(categories)), tuple(found), moments.not_measurable)
