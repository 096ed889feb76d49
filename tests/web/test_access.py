"""Keyboard, screen readers, colours, motion, and every width the panel must fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from browser_panel import OpenPanel
    from browser_servers import LiveService

pytestmark = pytest.mark.browser


def serious(page: Any) -> list[str]:
    """Return what axe calls serious or critical, with the element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("text", ["这个我不知道啊", "你冷静一点", "大概可以吧"])
def test_axe_finds_nothing_serious(open_panel: OpenPanel, theme: str, text: str) -> None:
    """No serious violation with a card of each severity, a mark, a queue and a blind spot."""
    panel = open_panel(theme=theme)
    call = panel.call()
    call.say("您好", speaker="customer")
    call.say(text)
    expect(panel.card).to_have_count(1)
    call.say("喂", speaker="unknown")
    expect(panel.root.locator(".blind")).to_have_count(1)
    assert serious(panel.page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_card_dims_when_the_call_has_gone_on(open_panel: OpenPanel, theme: str) -> None:
    """A card that had its time is quieter, still readable, and leaves by itself later."""
    open_panel.page.clock.install()
    panel = open_panel(theme=theme)
    panel.call().say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    panel.page.clock.fast_forward(17_000)
    expect(panel.card).to_have_class(re.compile("aged"))
    assert serious(panel.page) == []
    panel.page.clock.fast_forward(40_000)
    expect(panel.card).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_while_calm(open_panel: OpenPanel, theme: str) -> None:
    """No serious violation while the panel waits."""
    panel = open_panel(theme=theme)
    expect(panel.root.locator(".place")).to_contain_text("等待来电")
    assert serious(panel.page) == []


@pytest.mark.parametrize(
    ("key", "stored"),
    [("1", "ignorance/check-now"), ("2", "ignorance/call-you"), ("u", "useful"), ("w", "false-alarm")],
)
def test_keys_inside_the_panel(open_panel: OpenPanel, key: str, stored: str) -> None:
    """1 and 2 copy, U and W judge, once the panel has the focus."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.title.click()
    panel.page.keyboard.press(key)
    panel.wait_stored(call.id, stored)


@pytest.mark.parametrize("key", ["Escape", "s"])
def test_keys_that_close_the_card(open_panel: OpenPanel, key: str) -> None:
    """Esc dismisses and S snoozes; the keyboard stays in the panel."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.button("有用").focus()
    panel.page.keyboard.press(key)
    expect(panel.card).to_have_count(0)
    call.say("你冷静一点")
    expect(panel.card).to_have_count(1)
    panel.page.keyboard.press("Escape")
    expect(panel.card).to_have_count(0)


def test_keys_outside_the_panel_are_the_softphones(open_panel: OpenPanel) -> None:
    """A key pressed elsewhere in the host page does nothing here."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    panel.page.evaluate("document.activeElement.blur()")
    panel.page.keyboard.press("w")
    panel.page.keyboard.press("Escape")
    expect(panel.card).to_have_count(1)


def test_a_card_does_not_take_the_focus(open_panel: OpenPanel) -> None:
    """Advice never moves the keyboard out of the field the agent types in."""
    panel = open_panel()
    panel.page.evaluate("document.body.prepend(document.createElement('input'))")
    panel.page.locator("body > input").focus()
    panel.call().say("你冷静一点")
    expect(panel.card).to_have_count(1)
    assert panel.page.evaluate("document.activeElement.localName") == "input"


def test_only_a_violation_interrupts_a_screen_reader(open_panel: OpenPanel) -> None:
    """A warning is announced politely, a violation at once."""
    panel = open_panel()
    alert = panel.root.get_by_role("alert")
    polite = panel.root.locator("[aria-live=polite]")
    call = panel.call()
    call.say("这个我不知道啊")
    expect(polite).to_contain_text("我马上帮您查一下")
    expect(alert).to_be_empty()
    call.say("你冷静一点")
    expect(alert).to_contain_text("先道歉，别劝冷静")
    expect(polite).to_be_empty()


@pytest.mark.parametrize("width", [280, 320, 380, 420])
def test_fits_every_width(open_panel: OpenPanel, width: int) -> None:
    """Nothing but the quote is cut off sideways, and the replacement is at least 16 px."""
    panel = open_panel()
    panel.page.set_viewport_size({"width": width, "height": 720})
    call = panel.call()
    call.say("这个我不知道啊")
    call.say("你冷静一点，别激动，" + "好" * 60)
    panel.button("还有").click()
    expect(panel.card).to_have_count(1)
    wide = panel.root.evaluate(
        """(root) => [...root.shadowRoot.querySelectorAll("*")]
             .filter((one) => !one.closest(".sr, .quote") && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
             .map((one) => one.className || one.localName)"""
    )
    assert wide == []
    size = panel.card.locator(".say").first.evaluate("(say) => parseFloat(getComputedStyle(say).fontSize)")
    assert size >= 16


def test_no_motion_where_it_is_not_wanted(open_panel: OpenPanel) -> None:
    """With reduced motion a card is simply there."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    assert panel.card.evaluate("(card) => getComputedStyle(card).animationName") == "none"


def test_theme_follows_the_system_unless_told(open_panel: OpenPanel) -> None:
    """Dark by the system's choice, light when the attribute says so."""
    panel = open_panel()
    panel.page.emulate_media(color_scheme="dark")
    ground = "(root) => getComputedStyle(root.shadowRoot.querySelector('.w')).backgroundColor"
    dark = panel.root.evaluate(ground)
    panel.root.evaluate("(root) => root.setAttribute('theme', 'light')")
    expect(panel.root).to_have_attribute("theme", "light")
    assert panel.root.evaluate(ground) != dark


def test_pages_keep_their_own_security_policy(page: Any, service: LiveService) -> None:
    """Neither page needs an inline script or style, and nothing fails to load."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in ("/sidebar", "/demo"):
        page.goto(service.url + path)
        page.wait_for_load_state("networkidle")
    assert complaints == []
