"""What an agent sees beside the card: greeting, stages, hints, promises; and taking something back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from browser_panel import OpenPanel

pytestmark = pytest.mark.browser

GREETING = "您好，晨光银行客服，工号八六零二，请讲"


def test_parts_of_the_greeting_are_ticked_as_they_are_said(open_panel: OpenPanel) -> None:
    """While the agent greets, each part gets its tick."""
    panel = open_panel()
    call = panel.call()
    call.grow("您好")
    expect(panel.root.locator(".part.said")).to_have_text(["问候已说"])
    call.grow("您好，晨光银行客服")
    expect(panel.root.locator(".part.said")).to_have_text(["问候已说", "单位已说"])
    expect(panel.root.get_by_role("img", name="还有")).to_be_visible()


def test_a_complaint_shows_the_next_step_and_the_customers_state(open_panel: OpenPanel) -> None:
    """The strip marks the step to take, in words too, and the chip says what the customer wants."""
    panel = open_panel()
    call = panel.call()
    call.say(GREETING, at_ms=0)
    call.say("你们要赔偿我", speaker="customer", at_ms=4000)
    expect(panel.root.locator(".chip")).to_have_text(["投诉·要赔偿"])
    expect(panel.root.locator("[aria-current=step]")).to_have_attribute("data-stage", "稳")
    expect(panel.root.locator(".step")).to_contain_text("下一步：稳住情绪")
    call.say("很抱歉给您添麻烦了", at_ms=8000)
    expect(panel.root.locator("[aria-current=step]")).to_have_attribute("data-stage", "问")


def test_a_hint_never_takes_the_cards_place(open_panel: OpenPanel) -> None:
    """A hint beside a card leaves the card where and as it is."""
    panel = open_panel()
    call = panel.call()
    call.say(GREETING, at_ms=0)
    call.say("这个我不知道啊", at_ms=6000)
    before = panel.card.bounding_box()
    call.say("那怎么办呢", speaker="customer", at_ms=30_000)
    expect(panel.root.locator(".line")).to_have_attribute("data-hint", "long-silence")
    assert panel.card.bounding_box() == before
    expect(panel.title).to_have_text("换个说法：先帮客户查")


def test_a_vague_promise_asks_for_its_time(open_panel: OpenPanel) -> None:
    """The ledger lists the promise and asks for a definite time."""
    panel = open_panel()
    call = panel.call()
    call.say(GREETING, at_ms=0)
    call.say("我稍后给您回电话", at_ms=5000)
    call.say("好的", speaker="customer", at_ms=9000)
    call.say("您放心", at_ms=11_000)
    entry = panel.root.locator(".entry")
    expect(entry).to_contain_text("我稍后给您回电话")
    expect(entry).to_contain_text("请说明具体时间")


@pytest.mark.parametrize("button", ["误报", "本通静音"])
def test_undo_brings_the_card_back(open_panel: OpenPanel, button: str) -> None:
    """A slip of the hand costs one click to mend."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    panel.button(button).click()
    expect(panel.card).to_have_count(0)
    panel.button("撤销").click()
    expect(panel.title).to_have_text("换个说法：先帮客户查")
    expect(panel.button("撤销")).to_have_count(0)


def test_undo_of_a_false_alarm_reaches_the_service(open_panel: OpenPanel) -> None:
    """The stored verdict is gone, too; the key does the same as the button."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.button("误报").click()
    panel.wait_stored(call.id, "false-alarm")
    panel.page.keyboard.press("Tab")
    panel.button("撤销").press("z")
    panel.wait_not_stored(call.id, "false-alarm")


def test_undo_of_a_mute_lets_the_rule_speak_again(open_panel: OpenPanel) -> None:
    """After the undo the next fault has its card."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊", at_ms=0)
    panel.button("本通静音").click()
    panel.button("撤销").click()
    expect(panel.card).to_have_count(1)
    call.say("这个我不知道呢", at_ms=40_000)
    expect(panel.marks).to_have_count(2)


def test_moments_reach_the_host_page(open_panel: OpenPanel) -> None:
    """A softphone hears of what happened, once."""
    panel = open_panel()
    call = panel.call()
    call.say("喂", at_ms=0)
    call.say("你好", speaker="customer", at_ms=12_000)
    expect(panel.turns).to_have_count(2)
    panel.eventually(lambda: len(panel.heard("moment")) == 2)
    assert {moment["kind"] for moment in panel.heard("moment")} == {"missing-greeting", "long-silence"}


def test_everything_fits_the_narrowest_panel(open_panel: OpenPanel) -> None:
    """At 280 pixels nothing sticks out."""
    open_panel.page.set_viewport_size({"width": 280, "height": 640})
    panel = open_panel(lang="en")
    call = panel.call()
    call.say(GREETING, at_ms=0)
    call.say("你们要赔偿我", speaker="customer", at_ms=4000)
    call.say("我稍后给您回电话", at_ms=9000)
    call.say("好的", speaker="customer", at_ms=12_000)
    expect(panel.root.locator(".chip")).to_have_count(1)
    wide = panel.root.evaluate(
        "(root) => [...root.shadowRoot.querySelectorAll('.guide *, .ledger *')]"
        ".filter((one) => one.getBoundingClientRect().right > 281).map((one) => one.className)"
    )
    assert wide == []
