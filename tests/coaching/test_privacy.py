"""What of a call may leave the core, and that nothing is lost by it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from coach.coaching.call import Call
from coach.coaching.checker import Checker
from coach.coaching.events import Advice, AdviceGiven, AdviceWithdrawn, Hit, Suggestion, Utterance
from coach.coaching.moment import Moment
from coach.coaching.privacy import Privacy
from tests.coaching.talk import book

ROOT = Path(__file__).parents[2]
SAMPLES = [path for path in sorted((ROOT / "web/public/calls").glob("*.json")) if path.stem != "index"]
LABELLED = (ROOT / "tests/data/labelled-calls/learn.jsonl").read_text("utf-8").splitlines()
CALLS = [json.loads(path.read_text("utf-8")) for path in SAMPLES] + [json.loads(line) for line in LABELLED]


def say(text, *, at=0, speaker="customer", final=True, number=1):
    """One utterance of a second, `at` in seconds."""
    return Utterance("c1", f"u{number}", 1, speaker, text, final, at * 1000, at * 1000 + 1000)


def card(text, hit, *, suggestion="好的", number=1):
    """A card on the stretch `hit` of `text`."""
    start = text.index(hit)
    found = Hit("a/b", "a", "标题", "warning", start, start + len(hit), hit)
    return Advice("x", "c1", f"u{number}", found, "warning", (Suggestion("p", suggestion),), 0)


def test_an_utterance_is_masked():
    """The text changes, the rest stays."""
    said = say("我的手机号是13812345678")
    assert Privacy().utterance(said) == replace(said, text="我的手机号是138****5678")


def test_a_partial_is_masked_before_the_number_is_whole():
    """The push of an unfinished number shows its beginning only."""
    assert Privacy().utterance(say("手机号138123456", final=False)).text == "手机号138******"


def test_segments_of_one_speaker_are_read_together():
    """What another speaker says between them does not part them."""
    privacy = Privacy()
    told = [
        privacy.utterance(say(text, at=at, speaker=speaker, number=at)).text
        for at, speaker, text in [
            (0, "customer", "我的号码幺三八"),
            (2, "agent", "嗯"),
            (3, "customer", "一二三四"),
            (5, "customer", "五六七八"),
        ]
    ]
    assert told == ["我的号码幺三八", "嗯", "****", "五六七八"]


def test_a_long_pause_parts_segments():
    """Digits a minute later are another number."""
    privacy = Privacy()
    privacy.utterance(say("我的号码幺三八"))
    assert privacy.utterance(say("一二三四", at=60, number=2)).text == "一二三四"


def test_the_quote_of_a_card_is_cut_from_the_masked_utterance():
    """Of a number that begins before the hit, its part in the hit is masked too."""
    privacy = Privacy()
    text = "您这13812345678我查不到"
    privacy.utterance(say(text, speaker="agent"))
    assert privacy.advice(card(text, "5678我查不到")).hit.text == "5678我查不到"
    assert privacy.advice(card(text, "2345678我查不到")).hit.text == "***5678我查不到"


def test_a_suggestion_is_masked_but_for_the_customers_name():
    """The agent is to say the name that the platform gave; a number that somebody said is not repeated."""
    privacy = Privacy(slots={"customer_name": "王小明"})
    advice = card("我不知道", "我不知道", suggestion="王小明先生，13812345678我帮您查")
    assert privacy.advice(advice).suggestions[0].text == "王小明先生，138****5678我帮您查"


def test_the_name_of_the_call_is_masked_wherever_it_is_said():
    """The platform gave the name, so no 我叫 is needed to know it."""
    privacy = Privacy(slots={"customer_name": "王小明先生"})
    assert privacy.utterance(say("喂王小明您好", speaker="agent")).text == "喂王**您好"


def test_a_stored_suggestion_has_no_name():
    """The screen shows it for the agent to say; the disk keeps it masked."""
    privacy = Privacy(slots={"customer_name": "王小明"})
    shown = privacy.advice(card("我不知道", "我不知道", suggestion="王小明，我帮您查"))
    assert [shown.suggestions[0].text, privacy.stored(shown).suggestions[0].text] == [
        "王小明，我帮您查",
        "王**，我帮您查",
    ]


def test_details_of_a_moment_are_masked():
    """Words and lists of words; numbers stay."""
    moment = Moment("commitment", 0, 0, {"quote": "打13812345678", "due_ms": 5, "words": ["我叫王小明"]})
    assert Privacy().moment(moment).details == {
        "quote": "打138****5678",
        "due_ms": 5,
        "words": ["我叫王**"],
    }


@pytest.mark.parametrize(
    ("name", "stored"), [("王先生", {"customer_name": "王先生"}), ("王小明", {}), ("王小明先生", {})]
)
def test_a_full_name_is_not_stored(name, stored):
    """王先生 may be written to the disk, 王小明 not."""
    slots = {"customer_name": name, "org": "晨光银行"}
    assert Privacy(slots=slots).slots(slots) == {**stored, "org": "晨光银行"}


def test_unmasked_hands_everything_on():
    """Switched off, each value is the very same."""
    privacy = Privacy(masked=False)
    said = say("13812345678")
    advice = card("13812345678", "138")
    assert privacy.utterance(said) is said
    assert privacy.advice(advice) is advice
    assert privacy.slots({"customer_name": "王小明"}) == {"customer_name": "王小明"}


def utterances(call):
    """The turns of a recorded call as finals."""
    return [
        Utterance(
            call["id"],
            f"u{index}",
            1,
            turn["speaker"],
            turn["text"],
            True,
            turn.get("start_ms") or 0,
            turn.get("end_ms") or 0,
        )
        for index, turn in enumerate(call["turns"])
    ]


@cache
def checker():
    """One checker over the shipped rules for all calls."""
    return Checker(book())


def advice_of(call_id, heard):
    """Hear the utterances in a new call; return ids, rules and places of all cards."""
    call = Call(call_id, agent_id="a1", checker=checker(), phrasebook=book().phrasebook)
    told = []
    for utterance in heard:
        for event in call.hear(utterance):
            if isinstance(event, AdviceGiven):
                hit = event.advice.hit
                told.append((event.advice.id, hit.rule, event.advice.severity, hit.start, hit.end))
            elif isinstance(event, AdviceWithdrawn):
                told.append((event.advice_id,))
    return told, call.resolved()


@pytest.mark.parametrize("call", CALLS, ids=[call["id"] for call in CALLS])
def test_a_call_heard_masked_gets_the_same_advice(call):
    """After a restart a call is rebuilt from masked words: same cards, same places, same outcomes."""
    heard = utterances(call)
    privacy = Privacy()
    assert advice_of(call["id"], [privacy.utterance(each) for each in heard]) == advice_of(call["id"], heard)


def test_the_sample_calls_hold_personal_data():
    """The comparison above is worth something: some of the calls are changed by masking."""
    changed = 0
    for call in CALLS:
        privacy = Privacy()
        changed += any(privacy.utterance(each) != each for each in utterances(call))
    assert changed >= 2
