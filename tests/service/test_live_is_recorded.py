"""What an agent is told live is what a review of the recording finds: every sample call of the demo, both ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from coach import shipped
from coach.coaching.attention import AttentionBudget
from coach.coaching.checker import Checker
from coach.coaching.must_says import MustSayFinder
from coach.coaching.review_call import CallReviewer, RecordedTurn
from coach.coaching.signals import SignalFinder
from coach.rulebook.book import load_rulebook
from coach.service.ruleset import RuleSet

CALLS = Path(__file__).resolve().parents[2] / "web" / "public" / "calls"
IDS = [each["id"] for each in json.loads((CALLS / "index.json").read_text("utf-8"))]
STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    """The shipped rules; their examples are run elsewhere."""
    return shipped_rules()


@cache
def shipped_rules() -> RuleSet:
    """Load the shipped rules once."""
    book = load_rulebook(
        rules_dir=shipped.rules_dir(), phrasebook_dir=shipped.phrasebook_dir(), check_examples=False
    )
    return RuleSet(book, Checker(book), SignalFinder(book), MustSayFinder(book))


def results(call: dict) -> list[dict]:
    """Every recogniser result of a sample call in the order in which it is sent, as the demo sends them."""
    sent = []
    for index, turn in enumerate(call["turns"]):
        text, start, end = turn["text"], turn["start_ms"], turn["end_ms"]
        partials = turn.get("partials") or [text[:length] for length in range(3, len(text), 3)]
        spacing = (end - start) / (len(partials) + 1)
        for revision, partial in enumerate([*partials, text]):
            at = round(start + spacing * (revision + 1))
            sent.append(
                {
                    "type": "utterance",
                    "utterance_id": f"u{index}",
                    "revision": revision,
                    "speaker": turn["speaker"],
                    "text": partial,
                    "final": revision == len(partials),
                    "start_ms": start,
                    "end_ms": at,
                }
            )
    return sorted(sent, key=lambda result: result["end_ms"])


def live(running, wire, call: dict) -> dict:
    """Play a sample call through the service while its clock ticks twice a second; return what it stored."""
    now = [STARTED.timestamp()]
    # Masked words would differ from the recording's.
    service = running(clock=lambda: now[0], masking=False)
    events = [wire.started("c1", slots=call.get("slots", {})), *results(call)]
    for seq, event in enumerate(events, 1):
        at = STARTED.timestamp() + event.get("end_ms", 0) / 1000
        while now[0] + 0.5 < at:
            now[0] += 0.5
            service.within(service.tenant.calls.tick)
        now[0] = max(now[0], at)
        service.within(post, service.tenant, {**event, "call_id": "c1", "seq": seq})
    last = call["turns"][-1]["end_ms"]
    ended = wire.ended(seq=len(events) + 1, at_ms=last)
    answer = service.http("POST", "/v1/calls/c1/events", json={"events": [ended]})
    assert answer.json()["errors"] == []
    return service.http("GET", "/v1/calls/c1").json()


async def post(tenant, event: dict) -> None:
    """Hand one event to the tenant, as its sockets do."""
    from coach.service.auth import Principal
    from coach.service.messages import read_producer_event

    principal = Principal(role="producer", agent_id=None)
    await tenant.calls.accept(read_producer_event(event), producer=Silent(), principal=principal)


class Silent:
    """A producer that does not wait for acks."""

    def ack(self, call_id, seq):
        """Say nothing."""

    def refuse(self, error, *, call_id, seq):
        """Refuse nothing silently."""
        raise AssertionError(error)


@pytest.mark.parametrize("name", IDS)
def test_live_equals_recorded(running, wire, name):
    """The same moments with the same details, and the same categories of cards."""
    call = json.loads((CALLS / f"{name}.json").read_text("utf-8"))
    stored = live(running, wire, call)
    reviewer = CallReviewer(shipped_rules().rulebook, budget=AttentionBudget())
    review = reviewer.review(
        "c1",
        [
            RecordedTurn(turn["speaker"], turn["text"], turn["start_ms"], turn["end_ms"])
            for turn in call["turns"]
        ],
        started_at=STARTED.astimezone(),
        org=call.get("slots", {}).get("org", ""),
    )
    recorded = [(each.kind, each.at_ms, each.turn, dict(each.details)) for each in review.moments]
    told = [(each["kind"], each["at_ms"], each["turn"], each["details"]) for each in stored["moments"]]
    assert sorted(map(repr, told)) == sorted(map(repr, recorded))
    cards = {each["category"] for each in stored["advice"] if not each["withdrawn"]}
    assert cards == set(review.categories)
