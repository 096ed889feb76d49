"""Lost lines, restarts, tokens and pages that are not allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser_panel import OpenPanel
from browser_servers import LiveService
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from browser_servers import HostPages
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def mortal_service(
    tmp_path: Path, web_built: Path, service_options: tuple[str, ...]
) -> Iterator[LiveService]:
    """A service of its own, for tests that kill it."""
    with LiveService(data_dir=tmp_path, options=service_options) as live:
        yield live


@pytest.fixture
def mortal_panel(page: Page, mortal_service: LiveService, host_pages: HostPages) -> Iterator[OpenPanel]:
    """A factory of panels connected to the mortal service."""
    opened = OpenPanel(page, mortal_service, host_pages)
    yield opened
    opened.close()


def test_killed_service_loses_and_doubles_nothing(
    mortal_panel: OpenPanel, mortal_service: LiveService
) -> None:
    """After kill -9, restart and resend the panel has each turn and each card once, and what came later."""
    panel = mortal_panel()
    call = panel.call()
    call.say("您好", speaker="customer")
    call.say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    call.grow("您稍等，我")
    mortal_service.kill()
    expect(panel.link).to_have_text("重连中")
    expect(panel.card).to_have_count(0)
    expect(panel.root.locator(".place")).to_contain_text("重连中")
    mortal_service.start()
    call.reconnect()
    call.say("您稍等，我看看")
    call.say("你冷静一点")
    expect(panel.link).to_have_text("已连接")
    expect(panel.turns).to_have_text(["您好", "这个我不知道啊", "您稍等，我看看", "你冷静一点"])
    expect(panel.card).to_have_count(1)
    expect(panel.title).to_have_text("先道歉，别劝冷静")
    panel.button("还有 1 条建议").click()
    expect(panel.title).to_have_text("换个说法：先帮客户查")
    rules = [advice["rule"] for advice in panel.heard("advice")]
    assert rules == ["ignorance/bare-dont-know", "calm-down/told-to-calm"]


def test_dismissed_card_stays_away_after_a_restart(
    mortal_panel: OpenPanel, mortal_service: LiveService
) -> None:
    """A snapshot does not bring back what the agent closed."""
    panel = mortal_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    panel.button("关闭").click()
    expect(panel.card).to_have_count(0)
    mortal_service.kill()
    expect(panel.link).to_have_text("重连中")
    mortal_service.start()
    call.reconnect()
    call.say("大概可以吧")
    expect(panel.title).to_have_text("给确切信息或去核实")
    expect(panel.button("还有")).to_have_count(0)


def test_short_break_resumes_after_the_last_offset(open_panel: OpenPanel) -> None:
    """A line that was cut gets what it missed, once, without a new call on the screen."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    panel.page.context.set_offline(offline=True)
    panel.break_line()
    expect(panel.link).to_have_text("重连中")
    call.say("好的", speaker="customer")
    call.say("你冷静一点")
    panel.page.context.set_offline(offline=False)
    expect(panel.title).to_have_text("先道歉，别劝冷静")
    expect(panel.turns).to_have_text(["这个我不知道啊", "好的", "你冷静一点"])
    assert len(panel.heard("advice")) == 2


def test_reloaded_page_shows_the_running_call(open_panel: OpenPanel) -> None:
    """A page that is opened in the middle of a call has its transcript and its open card."""
    panel = open_panel()
    call = panel.call()
    call.say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    panel.page.reload()
    open_panel.embed(panel)
    expect(panel.card).to_have_count(1)
    expect(panel.turns).to_have_text(["这个我不知道啊"])


def test_expired_token_is_renewed(open_panel: OpenPanel) -> None:
    """A token that is refused is asked for again, as a renewal, and the panel gets through."""
    open_panel.bad_tokens = 1
    panel = open_panel()
    expect(panel.link).to_have_text("已连接")
    assert [options["renew"] for options in open_panel.tokens] == [False, True]


def test_foreign_agent_is_refused_in_plain_words(open_panel: OpenPanel, service: LiveService) -> None:
    """A token of another agent does not open this one's stream, and the panel does not try for ever."""
    panel = open_panel()
    foreign = service.mint("somebody-else")
    panel.root.evaluate(
        "(root, token) => { root.getToken = async () => token; root.setAttribute('agent-id', 'not-mine') }",
        foreign,
    )
    expect(panel.link).to_have_text("未连接")
    expect(panel.root.locator(".place")).to_contain_text("没有权限查看该坐席")


def test_unlisted_origin_is_refused_and_told_why(open_panel: OpenPanel, host_pages: HostPages) -> None:
    """A page that is not on the list never connects, and says that its origin is the reason."""
    panel = open_panel(live=False, origin=f"http://localhost:{host_pages.port}")
    expect(panel.root.locator(".place")).to_contain_text("来源未授权")
    assert panel.heard("ready") == []


def test_another_agent_starts_with_an_empty_panel(open_panel: OpenPanel) -> None:
    """Changing the agent drops the first one's call from the screen."""
    panel = open_panel()
    panel.call().say("这个我不知道啊")
    expect(panel.card).to_have_count(1)
    open_panel.rename(panel)
    expect(panel.root.locator(".place")).to_contain_text("等待来电")
    expect(panel.turns).to_have_count(0)


def test_removed_panel_hangs_up(open_panel: OpenPanel, service: LiveService) -> None:
    """A panel that left the page leaves no connection behind."""
    panel = open_panel()
    before = service.request("GET", "/healthz")["connections"]
    panel.root.evaluate("(root) => root.remove()")
    panel.eventually(lambda: service.request("GET", "/healthz")["connections"] == before - 1)


def test_no_token_is_said(page: Page, service: LiveService, host_pages: HostPages) -> None:
    """A panel without a token says what is missing instead of waiting for ever."""
    page.goto(f"{host_pages.origin}/plain?service={service.url}")
    page.evaluate("document.querySelector('main').append(document.createElement('coach-sidebar'))")
    expect(page.locator("coach-sidebar .place")).to_contain_text(re.compile("token"))
