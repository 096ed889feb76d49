"""The panel inside pages that are not ours, in a frame and in a window of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from browser_panel import OpenPanel
    from browser_servers import HostPages, LiveService
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_hostile_host_css_changes_nothing(open_panel: OpenPanel) -> None:
    """`* { … !important }` of the host page reaches neither text, layout nor visibility."""
    looks = []
    for host in ("plain", "hostile"):
        panel = open_panel(host=host)
        panel.call().say("这个我不知道啊")
        expect(panel.card).to_have_count(1)
        looks.append(
            panel.card.evaluate(
                """(card) => ["display", "position", "transform", "color", "fontSize", "fontFamily", "height"]
                   .flatMap((name) => [card, card.querySelector(".say")].map((one) => getComputedStyle(one)[name]))"""
            )
        )
    assert looks[1] == looks[0]


def test_chinese_survives_a_gbk_host_page(open_panel: OpenPanel) -> None:
    """The script is read as UTF-8 even where the host page is not."""
    panel = open_panel(host="gbk")
    expect(panel.link).to_have_text("已连接")


def test_script_may_be_loaded_twice(open_panel: OpenPanel, service: LiveService) -> None:
    """A second copy of the script breaks nothing."""
    panel = open_panel()
    panel.page.add_script_tag(url=f"{service.url}/static/coach-sidebar.js")
    panel.call().say("这个我不知道啊")
    expect(panel.card).to_have_count(1)


def test_floating_window_keeps_look_line_and_card(open_panel: OpenPanel) -> None:
    """Moved into an always-on-top window the panel is styled, still connected and live; closing brings it back."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    with panel.page.context.expect_page() as opened:
        panel.button("悬浮窗").click()
    window = opened.value
    card = window.locator("coach-sidebar .card")
    expect(card).to_have_count(1)
    assert card.evaluate("(card) => getComputedStyle(card).display") == "flex"
    call.say("你冷静一点")
    expect(window.locator("coach-sidebar .card .title")).to_have_text("先道歉，别劝冷静")
    assert len(panel.heard("ready")) == 1
    expect(card).not_to_have_class(re.compile("guarded"))
    # The keys need no click first: the window is the panel's own.
    window.keyboard.press("Escape")
    expect(window.locator("coach-sidebar .card .title")).to_have_text("换个说法：先帮客户查")
    window.evaluate("window.close()")
    expect(panel.title).to_have_text("换个说法：先帮客户查")
    assert len(panel.heard("ready")) == 1


def test_popup_where_there_is_no_floating_window(page: Page, open_panel: OpenPanel) -> None:
    """Without picture-in-picture the button opens the stand-alone page, which gets its session from this one."""
    page.add_init_script("delete window.documentPictureInPicture")
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    with page.expect_popup() as opened:
        panel.button("悬浮窗").click()
    popup = opened.value
    expect(popup.locator("coach-sidebar .card .title")).to_have_text("换个说法：先帮客户查")
    assert "token" not in popup.url


def test_frame_gets_its_session_and_mirrors_events(
    page: Page, service: LiveService, host_pages: HostPages, open_panel: OpenPanel
) -> None:
    """In a frame of a listed desktop the page asks for a session and posts its events to the desktop."""
    agent_id, token = "framed", service.mint("framed")
    page.add_init_script(
        f"""if (window.top === window) {{
          window.mirrored = [];
          addEventListener("message", ({{ source, origin, data }}) => {{
            window.mirrored.push(data.type);
            if (data.type !== "session?") return;
            source.postMessage({{ coach: 1, type: "session", agent_id: "{agent_id}", token: "{token}" }}, origin);
          }});
        }}"""
    )
    page.goto(f"{host_pages.origin}/frame?service={service.url}")
    frame = page.frame_locator("iframe")
    expect(frame.locator("coach-sidebar .link")).to_have_text("已连接")
    with open_panel.call_of(agent_id) as call:
        call.say("这个我不知道啊")
        expect(frame.locator("coach-sidebar .card")).to_have_count(1)
    page.wait_for_function("window.mirrored.includes('coach-advice')")


def test_unlisted_desktop_cannot_frame_the_page(
    page: Page, service: LiveService, host_pages: HostPages
) -> None:
    """A desktop that is not on the list gets an empty frame."""
    page.goto(f"http://localhost:{host_pages.port}/frame?service={service.url}")
    expect(page.frame_locator("iframe").locator("main")).to_have_count(0)


def test_stand_alone_page_asks_for_agent_and_token(page: Page, service: LiveService) -> None:
    """Opened by hand, the page takes the agent and a token, and connects."""
    page.goto(f"{service.url}/sidebar?agent_id=by-hand")
    page.get_by_label("侧栏令牌").fill(service.mint("by-hand"))
    page.get_by_role("button", name="打开").click()
    expect(page.locator("coach-sidebar .link")).to_have_text("已连接")
