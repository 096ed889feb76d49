"""Live and in a review, the same words give the same hits: every sample call goes both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from coach.coaching.call import Call
from coach.coaching.checker import Checker
from coach.coaching.events import AdviceGiven, AdviceWithdrawn, Utterance
from coach.coaching.moments import Moments
from coach.coaching.review_call import EVERYTHING, CallReviewer, RecordedTurn
from coach.coaching.signals import SignalFinder
from coach.commands.recording import read_recording, timeline
from coach.rulebook.book import load_rulebook
from coach.shipped import _CHECKOUT, phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from coach.coaching.attention import AttentionBudget
    from coach.coaching.events import Advice
    from coach.coaching.moment import Moment
    from coach.coaching.review_call import CallReview
    from coach.commands.recording import Recording

CALLS = sorted(path for path in (_CHECKOUT / "web/public/calls").glob("*.json") if path.stem != "index")
Found = set[tuple[int, str, int, int, str]]


class Live:
    """What the sidebar shows at the end of a call that arrived with all its partials."""

    def __init__(self, engine: Engine, recording: Recording, budget: AttentionBudget | None) -> None:
        call = Call(
            recording.id,
            agent_id="",
            checker=engine.checker,
            phrasebook=engine.book.phrasebook,
            slots=recording.slots,
            budget=budget,
        )
        watcher = Moments(engine.finder, org=recording.slots.get("org", ""))
        self.cards: dict[str, Advice] = {}
        self.moments: list[Moment] = []
        for each in timeline(recording):
            if each.event["type"] != "utterance":
                continue
            event = {key: value for key, value in each.event.items() if key != "type"}
            utterance = Utterance(recording.id, **event)
            events = call.hear(utterance)
            self.moments += [*watcher.hear(utterance), *watcher.note(events)]
            for told in events:
                if isinstance(told, AdviceGiven):
                    self.cards[told.advice.id] = told.advice
                elif isinstance(told, AdviceWithdrawn):
                    del self.cards[told.advice_id]
        self.moments += watcher.end()
        # A card that was made up for in the same breath has no mark left: the final text holds no hit.
        self.marked = {mark.advice_id for changed in call.transcript() for mark in changed.marks}

    def found(self) -> Found:
        """Return the hits of the cards that stand."""
        return {
            (int(card.utterance_id[1:]) - 1, card.hit.rule, card.hit.start, card.hit.end, card.severity)
            for card in self.cards.values()
            if card.id in self.marked
        }


class Engine:
    """The shipped rules, loaded once for all calls."""

    def __init__(self) -> None:
        self.book = load_rulebook(
            rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False
        )
        self.checker = Checker(self.book)
        self.finder = SignalFinder(self.book)
        self.reviewer = CallReviewer(self.book)

    def live(self, recording: Recording, budget: AttentionBudget | None) -> Live:
        """Play a call with its partials."""
        return Live(self, recording, budget)

    def review(self, recording: Recording) -> CallReview:
        """Review the final texts of a call."""
        return self.reviewer.review(
            recording.id,
            [RecordedTurn(turn.speaker, turn.text, turn.start_ms, turn.end_ms) for turn in recording.turns],
            org=recording.slots.get("org", ""),
            slots=recording.slots,
        )


@dataclass(frozen=True)
class Both:
    """One call: live without and with a budget, and reviewed."""

    unlimited: Live
    live: Live
    review: CallReview


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return the shipped rules."""
    return Engine()


def found(review: CallReview) -> Found:
    """Return the hits of a review."""
    return {
        (
            fault.turn,
            fault.advice.hit.rule,
            fault.advice.hit.start,
            fault.advice.hit.end,
            fault.advice.severity,
        )
        for fault in review.faults
    }


@pytest.fixture(scope="session", params=CALLS, ids=lambda path: path.stem)
def both(request: pytest.FixtureRequest, engine: Engine) -> Both:
    """Return one sample call, live and reviewed."""
    recording = read_recording(request.param)
    return Both(engine.live(recording, EVERYTHING), engine.live(recording, None), engine.review(recording))


def test_a_review_finds_what_live_tells(both: Both) -> None:
    """With an unlimited budget the cards that stand at the end are the hits of the review."""
    assert both.unlimited.found() == found(both.review)


def test_live_tells_nothing_a_review_does_not_find(both: Both) -> None:
    """The attention budget of live leaves hits out; it never adds any."""
    assert {each[:4] for each in both.live.found()} <= {each[:4] for each in found(both.review)}


def test_a_review_sees_the_moments_of_live(both: Both) -> None:
    """Kinds and turns are the same, with partials and without."""
    live = sorted((moment.kind, moment.turn) for moment in both.unlimited.moments)
    assert live == sorted((moment.kind, moment.turn) for moment in both.review.moments)


def test_there_are_sample_calls() -> None:
    """The comparison above compares something."""
    assert len(CALLS) >= 10
