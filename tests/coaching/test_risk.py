"""How much a live call needs its supervisor."""

from __future__ import annotations

from itertools import product

from coach.coaching.risk import Reason, risk_of

LOOK, HAND = 30, 60


def test_a_calm_call_has_no_risk_and_no_reason():
    """Most calls need nobody."""
    assert (risk_of().score, risk_of().reasons) == (0, ())


def test_a_demand_for_somebody_higher_deserves_a_hand_at_once():
    """It makes the customer critical, and nobody but a supervisor can answer it."""
    assert risk_of(mood="critical", signals=["escalation-risk"]).score == HAND


def test_one_violation_deserves_a_look_and_three_a_hand():
    """To a calm customer."""
    assert [risk_of(violations=count).score for count in (1, 2, 3, 9)] == [LOOK, 45, HAND, HAND]


def test_a_violation_that_was_made_up_for_weighs_less():
    """The customer heard both."""
    assert 0 < risk_of(made_up=1).score < risk_of(violations=1).score


def test_three_ignored_warnings_deserve_a_look_and_twelve_no_more():
    """They are also what escalates a call by default."""
    assert [risk_of(unheeded=count).score for count in (2, 3, 12)] == [20, LOOK, LOOK]


def test_the_weightiest_reason_comes_first():
    """It is what the wallboard has room for."""
    risk = risk_of(mood="upset", violations=2, blind=True)
    assert risk.reasons == (Reason("violations", 45, 2), Reason("customer-upset", 20), Reason("blind", 10))
    assert risk.score == 75


def test_the_risk_stays_within_a_hundred_and_is_the_sum_of_its_reasons_below():
    """Whatever comes together."""
    for mood, signals, violations, made_up, unheeded, blind in product(
        ("calm", "upset", "critical"),
        ((), ("escalation-risk", "churn-risk", "urgency")),
        (0, 1, 5),
        (0, 4),
        (0, 7),
        (False, True),
    ):
        risk = risk_of(
            mood=mood,
            signals=signals,
            violations=violations,
            made_up=made_up,
            unheeded=unheeded,
            blind=blind,
        )
        assert risk.score == min(100, sum(reason.points for reason in risk.reasons))


def test_more_trouble_never_lowers_the_risk():
    """One more violation or ignored warning weighs at least as much."""
    for count in range(10):
        assert risk_of(violations=count).score <= risk_of(violations=count + 1).score
        assert risk_of(unheeded=count).score <= risk_of(unheeded=count + 1).score
