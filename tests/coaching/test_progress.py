"""How a call stands: the intent of its first minute, the steps of a complaint, the greeting's countdown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coach.coaching.intent import Intent, IntentJudge
from coach.coaching.moments import Moments
from coach.coaching.signals import Signal

from .talk import GREETING, finder, spoken


def signal(name: str, weight: float = 2.0) -> Signal:
    """A complaint signal of this motive."""
    return Signal("customer-complaint", name, name, weight, f"customer-complaint/{name}", "…")  # type: ignore[arg-type]


def test_the_intent_is_a_guess_by_half_a_minute_and_settled_by_one():
    """Without a complaint the customer wants help; before 30 s nothing is said."""
    judge = IntentJudge()
    judge.hear([], 5_000)
    assert judge.at(29_000) is None
    assert judge.at(30_000) == Intent("help-seeking", settled=False)
    assert judge.at(60_000) == Intent("help-seeking", settled=True)


def test_a_complaint_is_an_intent_at_once():
    """Nobody waits half a minute to be understood."""
    judge = IntentJudge()
    judge.hear([signal("compensation", 3.0)], 4_000)
    assert judge.at(4_000) == Intent("compensation", settled=False)


def test_what_comes_after_the_first_minute_changes_nothing():
    """A call that turns sour was still made for another reason."""
    judge = IntentJudge()
    judge.hear([signal("help-seeking", 0.5)], 20_000)
    judge.hear([signal("retaliation", 5.0)], 90_000)
    assert judge.at(95_000) == Intent("help-seeking", settled=True)


def test_the_motive_behind_an_explicit_complaint_counts():
    """我要投诉 says that, not why."""
    judge = IntentJudge()
    judge.hear([signal("explicit", 4.0), signal("compensation", 3.0)], 9_000)
    assert judge.at(9_000) == Intent("compensation", settled=False)


def test_thanks_before_the_complaint_are_no_step():
    """The strip begins with the complaint: what the greeting said is not what calms anybody."""
    moments = Moments(finder())
    calm, complaint = spoken(["坐席：感谢您的来电，很抱歉让您久等了。", "客户：你们必须赔偿我的损失"])
    moments.hear(calm)
    assert moments.progress(calm.end_ms).next is None
    moments.hear(complaint)
    progress = moments.progress(complaint.end_ms)
    assert (progress.active, progress.seen, progress.next) == (True, (), "稳")


def test_signals_fade_from_the_chip():
    """Haste is shown for a minute, not for the rest of the call."""
    moments = Moments(finder())
    utterance = spoken(["客户：我很着急，急用"])[0]
    moments.hear(utterance)
    assert moments.progress(utterance.end_ms).signals == ("urgency",)
    assert moments.progress(utterance.end_ms + 120_000).signals == ()


def test_partial_words_tick_the_greeting_but_decide_nothing():
    """Words taken back by the recogniser take their tick along."""
    moments = Moments(finder())
    final = spoken([GREETING])[0]
    moments.hear(replace(final, text="您好，晨光银行客服", final=False))
    assert [each.said for each in moments.must_says] == [True, True, False]
    moments.hear(replace(final, text="喂", final=False))
    assert [each.said for each in moments.must_says] == [False, False, False]
    moments.hear(final)
    assert [each.said for each in moments.must_says] == [True, True, True]


@pytest.mark.parametrize("quiet_ms", [14_000, 40_000])
def test_an_utterance_given_up_by_the_recogniser_does_not_hide_silence(quiet_ms: int):
    """After 15 s without growth it counts as over; silence runs from its last words."""
    moments = Moments(finder())
    final = spoken([GREETING])[0]
    moments.hear(final)
    moments.hear(replace(final, utterance_id="lost", text="那", final=False, end_ms=final.end_ms + 2_000))
    found = moments.tick(final.end_ms + 2_000 + quiet_ms)
    silences = [each.at_ms for each in found if each.kind == "long-silence"]
    assert silences == ([] if quiet_ms < 15_000 else [final.end_ms + 12_000])
