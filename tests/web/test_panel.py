"""What an agent sees while a call goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from browser_panel import OpenPanel

pytestmark = pytest.mark.browser

SAY = "我马上帮您查一下，请您稍等"


def test_card_appears_on_a_forbidden_phrase(open_panel: OpenPanel) -> None:
    """A forbidden phrase brings one card with the headline, the replacement, the reason and the quote."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    expect(panel.title).to_have_text("换个说法：先帮客户查")
    expect(panel.card.locator(".say").first).to_have_text(SAY)
    expect(panel.card).to_contain_text("客户听到的是“没人管”。")
    expect(panel.card).to_contain_text("「我不知道」")


def test_host_page_hears_of_the_advice_once(open_panel: OpenPanel) -> None:
    """The advice event reaches the host page's document, once."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    call.say("好的")
    expect(panel.turns).to_have_count(2)
    assert [advice["rule"] for advice in panel.heard("advice")] == ["ignorance/bare-dont-know"]


def test_transcript_grows_word_by_word(open_panel: OpenPanel) -> None:
    """Partial results replace each other in one bubble."""
    panel = open_panel()
    call = panel.call()
    call.grow("您好")
    expect(panel.turns).to_have_text(["您好"])
    call.grow("您好，请问")
    expect(panel.turns).to_have_text(["您好，请问"])


def test_mark_is_on_the_right_characters_after_an_astral_one(open_panel: OpenPanel) -> None:
    """Characters outside the basic plane do not shift the mark."""
    panel = open_panel()
    panel.call().say("𠮷田先生，这个我不知道啊")
    expect(panel.marks).to_have_text(["我不知道"])
    expect(panel.turns).to_have_text(["𠮷田先生，这个我不知道啊"])


def test_copy_puts_the_phrase_on_the_clipboard(open_panel: OpenPanel) -> None:
    """The copy button writes the clipboard, says so, and the use is stored."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.card.locator(".phrase").first.click()
    expect(panel.card.locator(".copy").first).to_have_text("已复制")
    assert panel.page.evaluate("navigator.clipboard.readText()") == SAY
    panel.wait_stored(call.id, "ignorance/check-now")


@pytest.mark.parametrize(("button", "verdict"), [("有用", "useful"), ("误报", "false-alarm")])
def test_feedback_is_stored(open_panel: OpenPanel, button: str, verdict: str) -> None:
    """The agent's verdict can be read back from the service."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.button(button).click()
    panel.wait_stored(call.id, verdict)
    assert [detail["verdict"] for detail in panel.heard("feedback")] == [verdict]


def test_false_alarm_takes_the_card_away(open_panel: OpenPanel) -> None:
    """After a false alarm nothing more has to be clicked."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    panel.button("误报").click()
    expect(panel.card).to_have_count(0)
    expect(panel.root.locator(".place")).to_contain_text("已记为误报")


def test_snoozed_rule_stays_quiet_for_the_call(open_panel: OpenPanel) -> None:
    """After 本通静音 the same words bring no card, another rule still does."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.button("本通静音").click()
    expect(panel.card).to_have_count(0)
    expect(panel.root.locator(".place")).to_contain_text("本通不再提示")
    # Past the cool-down, which would keep it quiet anyway.
    call.say("我们不清楚", at_ms=60_000)
    call.say("你冷静一点", at_ms=62_000)
    expect(panel.title).to_have_text("先道歉，别劝冷静")
    assert [advice["rule"] for advice in panel.heard("advice")] == [
        "ignorance/bare-dont-know",
        "calm-down/told-to-calm",
    ]


def test_growing_polite_question_never_flashes_a_card(open_panel: OpenPanel) -> None:
    """“我不知道” on its way to “我不知道您现在方便吗” is never shown as advice."""
    panel = open_panel()
    call = panel.call()
    whole = "我不知道您现在方便吗"
    for length in range(1, len(whole) + 1):
        call.grow(whole[:length])
    call.say(whole)
    call.say("你冷静一点")
    expect(panel.title).to_have_text("先道歉，别劝冷静")
    assert [advice["rule"] for advice in panel.heard("advice")] == ["calm-down/told-to-calm"]


def test_card_is_withdrawn_when_the_recogniser_takes_the_words_back(open_panel: OpenPanel) -> None:
    """A card that was shown leaves when a later revision does not have the words."""
    panel = open_panel()
    call = panel.call()
    call.grow("这个我不知道，那什么")
    expect(panel.card).to_have_count(1)
    call.grow("这个我部署到，那什么")
    expect(panel.card).to_have_count(0)
    expect(panel.marks).to_have_count(0)


def test_adopted_phrase_shows_a_tick(open_panel: OpenPanel) -> None:
    """Saying the suggestion replaces the card by a tick and tells the host page."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    call.say(SAY)
    expect(panel.root.locator(".place")).to_contain_text("已采用")
    expect(panel.card).to_have_count(0)
    assert [detail["outcome"] for detail in panel.heard("adopted")] == ["adopted"]


def test_graver_card_takes_the_place_and_the_other_waits(open_panel: OpenPanel) -> None:
    """A violation replaces a warning; the warning waits behind it and can be called."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    expect(panel.card).to_have_class(re.compile("warning"))
    call.say("你冷静一点")
    expect(panel.card).to_have_class(re.compile("violation"))
    call.say("大概可以吧")
    expect(panel.card).to_have_class(re.compile("violation"))
    panel.button("还有 2 条建议").click()
    expect(panel.title).to_have_text("换个说法：先帮客户查")


def test_card_never_moves(open_panel: OpenPanel) -> None:
    """The reserved place has the same box with a card, without one and with a blind spot."""
    panel = open_panel()
    place = panel.root.locator(".place")
    call = panel.call()
    expect(place).to_contain_text("正在听")
    before = place.bounding_box()
    call.say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    call.say("喂", speaker="unknown")
    expect(panel.root.locator(".blind")).to_have_count(1)
    assert place.bounding_box() == before


def test_dismissed_card_comes_back_from_its_mark(open_panel: OpenPanel) -> None:
    """Closing costs one click, and a click on the mark opens the card again."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    panel.button("关闭").click()
    expect(panel.card).to_have_count(0)
    panel.marks.click()
    expect(panel.card).to_have_count(1)


def test_blind_spot_is_told_and_ends(open_panel: OpenPanel) -> None:
    """An unknown speaker raises the banner with its own text; a known one takes it down."""
    panel = open_panel()
    call = panel.call()
    call.say("喂，你好", speaker="unknown")
    banner = panel.root.locator(".blind")
    expect(banner).to_contain_text("看不到转写")
    expect(banner).to_contain_text("没有标明谁在说话")
    call.say("您好", speaker="customer")
    expect(banner).to_have_count(0)


def test_call_timer_runs_and_stops(open_panel: OpenPanel) -> None:
    """The timer shows the call's length and stays still after the end."""
    panel = open_panel()
    timer = panel.root.get_by_role("timer")
    expect(timer).to_have_text("--:--")
    call = panel.call()
    call.say("您好", at_ms=64_000)
    expect(timer).to_have_text(re.compile(r"01:0\d"))
    call.end()
    expect(panel.root.locator(".place")).to_contain_text("通话结束")
    expect(timer).to_have_text("00:02")


def test_reading_back_is_not_disturbed(open_panel: OpenPanel) -> None:
    """New words do not scroll the transcript while the agent reads back; one button returns."""
    panel = open_panel()
    call = panel.call()
    for at in range(20):
        call.say(f"这是第 {at} 句", speaker="customer")
    expect(panel.turns).to_have_count(20)
    talk = panel.root.locator(".talk")
    talk.hover()
    panel.page.mouse.wheel(0, -9_000)
    latest = panel.button("回到最新")
    expect(latest).to_be_visible()
    call.say("又一句", speaker="customer")
    expect(panel.turns).to_have_count(21)
    assert talk.evaluate("(talk) => talk.scrollTop") == 0
    panel.page.set_viewport_size({"width": 320, "height": 640})
    expect(latest).to_be_visible()
    latest.click()
    expect(latest).to_have_count(0)
    expect(panel.turns.last).to_be_in_viewport()
    panel.page.set_viewport_size({"width": 290, "height": 560})
    expect(panel.turns.last).to_be_in_viewport()
    expect(latest).to_have_count(0)


def test_words_of_the_caller_are_never_markup(open_panel: OpenPanel) -> None:
    """HTML in an utterance is shown as it was said."""
    panel = open_panel()
    text = '<img src=x onerror="window.hacked=1"><b>我不知道</b><script>window.hacked=1</script>'
    panel.call().say(text)
    expect(panel.turns).to_have_text([text])
    assert panel.root.locator("img, b, script").count() == 0
    assert panel.page.evaluate("window.hacked") is None


def test_english(open_panel: OpenPanel) -> None:
    """With lang="en" everything but the advice itself is English."""
    panel = open_panel(lang="en")
    panel.call().say("这个我不知道啊")
    expect(panel.link).to_have_text("Connected")
    expect(panel.button("Useful")).to_be_visible()
    expect(panel.card.locator(".badge")).to_have_text("Reminder")
    chrome = panel.root.locator(".bar, .badge, .acts, .copy").all_inner_texts()
    assert not re.search("[\u4e00-\u9fff]", "".join(chrome))
