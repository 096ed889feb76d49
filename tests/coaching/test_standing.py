"""How a call stands for its supervisor."""

from __future__ import annotations

from coach.coaching.events import (
    Advice,
    AdviceGiven,
    AdviceResolved,
    AdviceWithdrawn,
    BlindSpot,
    Hit,
    TranscriptChanged,
    Utterance,
)
from coach.coaching.progress import Progress
from coach.coaching.standing import Alert, AlertWithdrawn, Standing


def card(identity: str, severity: str = "warning", *, at_ms: int = 0) -> Advice:
    """A card for an utterance of its own."""
    hit = Hit("ignorance/x", "ignorance", "换个说法", severity, 0, 3, "不知道")  # type: ignore[arg-type]
    return Advice(identity, "c", f"u-{identity}", hit, severity, (), at_ms)  # type: ignore[arg-type]


def given(identity: str, severity: str = "warning", *, at_ms: int = 0) -> AdviceGiven:
    """A card is given."""
    return AdviceGiven(card(identity, severity, at_ms=at_ms))


def turn(number: int, *, speaker: str = "agent", final: bool = True) -> TranscriptChanged:
    """Somebody says something that makes up for nothing."""
    return TranscriptChanged(
        Utterance("c", f"t{number}", 1, speaker, "好的", final=final, start_ms=0, end_ms=1),  # type: ignore[arg-type]
        (),
    )


def mood(name: str, *signals: str) -> Progress:
    """How the customer is."""
    return Progress(False, (), None, None, name, signals, None, None)  # type: ignore[arg-type]


def test_warnings_and_violations_are_told_and_notices_are_not():
    """A hint is between coach and the agent."""
    standing = Standing()
    alerts = standing.note([given("a", "notice"), given("b", "warning"), given("c", "violation")])
    assert [(alert.advice.id, alert.escalated) for alert in alerts] == [("b", False), ("c", False)]
    assert standing.counts == {"notice": 1, "warning": 1, "violation": 1}


def test_the_same_card_again_is_no_news():
    """A recogniser that goes on revising rings no bell."""
    standing = Standing()
    standing.note([given("a")])
    assert standing.note([given("a")]) == []
    assert standing.counts["warning"] == 1


def test_a_card_whose_severity_changed_is_told_again():
    """Under its own id, in its new place."""
    standing = Standing()
    standing.note([given("a", "warning")])
    assert standing.note([given("a", "violation")]) == [Alert(card("a", "violation"), escalated=False)]
    assert standing.counts == {"notice": 0, "warning": 0, "violation": 1}


def test_a_withdrawn_card_never_was():
    """Neither counted nor the last."""
    standing = Standing()
    standing.note([given("a"), given("b", "violation")])
    assert standing.note([AdviceWithdrawn("b")]) == [AlertWithdrawn("b")]
    assert standing.counts["violation"] == 0
    assert standing.last_card == (card("a"), None)
    assert standing.risk.score == 0


def test_a_card_is_unheeded_after_three_agent_utterances():
    """The customer's and partial ones do not count, as they do not for adoption."""
    standing = Standing()
    standing.note([given("a")])
    standing.note([turn(1), turn(2, speaker="customer"), turn(3, final=False), turn(4)])
    assert standing.unheeded == 0
    standing.note([turn(5)])
    assert standing.unheeded == 1


def test_a_late_adoption_takes_it_back():
    """What the last utterance resolves was heeded in time."""
    standing = Standing()
    standing.note([given("a"), turn(1), turn(2)])
    standing.note([turn(3), AdviceResolved("a", "adopted")])
    assert standing.unheeded == 0
    assert standing.last_card == (card("a"), "adopted")


def test_the_same_fault_again_is_unheeded_at_once():
    """Nobody has to wait for three utterances more."""
    standing = Standing()
    standing.note([given("a"), given("b"), AdviceResolved("a", "repeated")])
    assert standing.unheeded == 1


def test_three_unheeded_cards_escalate_the_call_once():
    """The alert is that of the latest of them; a fourth changes nothing."""
    standing = Standing(escalate_after=3)
    for number, name in enumerate("abc"):
        standing.note([given(name, at_ms=number)])
    alerts = standing.note([AdviceResolved(name, "repeated") for name in "abc"])
    assert alerts == [Alert(card("c", at_ms=2), escalated=True)]
    assert standing.escalated
    assert standing.note([given("d"), AdviceResolved("d", "repeated")]) == [Alert(card("d"), escalated=False)]


def test_ignored_notices_never_escalate():
    """They are hints."""
    standing = Standing(escalate_after=1)
    assert standing.note([given("a", "notice"), turn(1), turn(2), turn(3)]) == []
    assert not standing.escalated


def test_a_violation_to_an_angry_customer_escalates_at_once():
    """No count is waited for."""
    standing = Standing()
    standing.go_on(mood("upset"))
    assert standing.note([given("a", "violation")]) == [Alert(card("a", "violation"), escalated=True)]


def test_a_customer_who_gets_angry_over_a_violation_escalates_it():
    """The alert that was given is given again, escalated."""
    standing = Standing()
    standing.note([given("a", "violation")])
    assert standing.go_on(mood("critical")) == [Alert(card("a", "violation"), escalated=True)]
    assert standing.go_on(mood("critical")) == []


def test_a_violation_that_was_made_up_for_does_not_escalate():
    """The agent has helped himself."""
    standing = Standing()
    standing.note([given("a", "violation"), AdviceResolved("a", "repaired")])
    assert standing.go_on(mood("upset")) == []


def test_what_is_blind_is_told_until_it_is_seen_again():
    """By reason."""
    standing = Standing()
    standing.note([BlindSpot("no-transcript", active=True, since_ms=0)])
    assert (standing.blind, standing.risk.score) == (("no-transcript",), 10)
    standing.note([BlindSpot("no-transcript", active=False, since_ms=0)])
    assert (standing.blind, standing.risk.score) == ((), 0)


def test_the_risk_goes_by_customer_cards_and_what_became_of_them():
    """All of it at once."""
    standing = Standing()
    standing.go_on(mood("critical", "escalation-risk"))
    standing.note([given("a", "violation"), given("b", "violation"), given("c")])
    standing.note([AdviceResolved("a", "repaired"), AdviceResolved("c", "repeated")])
    points = {reason.code: reason.points for reason in standing.risk.reasons}
    assert points == {
        "customer-critical": 40,
        "escalation-risk": 20,
        "violations": 30,
        "violations-made-up": 5,
        "unheeded": 10,
    }
    assert standing.risk.score == 100


def test_a_very_long_call_keeps_its_counts_in_flat_memory():
    """A thousand cards are counted although not all are kept."""
    standing = Standing()
    for number in range(1000):
        standing.note([given(str(number))])
    assert standing.counts["warning"] == 1000
    assert len(standing._told) <= 256
    assert standing.unheeded == 1000 - 256
