"""The ten don'ts of customer service in the browser, with the rules and phrases that are shipped."""

from __future__ import annotations

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

DONTS = [
    ("ignorance", "这个我不知道"),
    ("refusal", "不行，办不了"),
    ("buck-passing", "那不是我的工作"),
    ("disparaging", "你说得对，这个部门很差劲"),
    ("blame", "那不是我的错"),
    ("buck-passing", "这事情你要找我们经理去谈"),
    ("calm-down", "你冷静点"),
    ("impatience", "我忙着呢"),
    ("call-back", "你再给我打电话好了"),
]
POLITE = [
    "我不知道您现在方便吗",
    "这个我不清楚，我马上帮您查一下",
    "不客气，这是我应该做的",
    "那不是您的错，您放心",
    "您别着急，我来帮您处理",
    "您先忙，我晚点再给您打过去",
    "这件事由售后部门负责，我现在帮您转接，好吗",
]


@pytest.fixture(scope="module")
def shipped_service(
    web_built: Path, host_pages: HostPages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveService]:
    """A service with nothing changed but the allowed origin."""
    folder = tmp_path_factory.mktemp("shipped")
    with LiveService(data_dir=folder, options=("--origin", host_pages.origin)) as live:
        yield live


@pytest.fixture
def shipped_panel(page: Page, shipped_service: LiveService, host_pages: HostPages) -> Iterator[OpenPanel]:
    """A factory of panels under the shipped rules."""
    opened = OpenPanel(page, shipped_service, host_pages)
    yield opened
    opened.close()


@pytest.mark.parametrize(("category", "text"), DONTS)
def test_each_dont_gives_its_card(shipped_panel: OpenPanel, category: str, text: str) -> None:
    """Each of the don'ts brings a card of its category with something better to say."""
    panel = shipped_panel()
    panel.call().say(text)
    expect(panel.card).to_have_count(1)
    assert category in [advice["category"] for advice in panel.heard("advice")]
    expect(panel.card.locator(".say").first).not_to_be_empty()


def test_asking_back_under_urgency_gives_its_card(shipped_panel: OpenPanel) -> None:
    """The seventh don't, “你什么时候需要”, is one only after a customer who is in a hurry."""
    panel = shipped_panel()
    call = panel.call()
    call.say("我急用，一个小时之内就要", speaker="customer")
    call.say("你什么时候要")
    expect(panel.turns).to_have_count(2)
    expect(panel.card).to_have_count(1)


@pytest.mark.parametrize("text", POLITE)
def test_polite_words_give_no_card(shipped_panel: OpenPanel, text: str) -> None:
    """What only looks like a don't, growing character by character, never shows a card."""
    panel = shipped_panel()
    call = panel.call()
    for length in range(1, len(text) + 1):
        call.grow(text[:length])
    call.say(text)
    expect(panel.turns).to_have_text([text])
    assert [advice["rule"] for advice in panel.heard("advice")] == []


def test_the_playground_names_the_second_opinion(page: Page, shipped_service: LiveService) -> None:
    """As what let a find pass, and as what found something where no rule did."""
    page.goto(f"{shipped_service.url}/playground")
    page.get_by_label("API 密钥").fill(shipped_service.key)
    page.get_by_role("button", name="打开").click()
    sentence = page.get_by_role("textbox", name="坐席说的话")
    sentence.fill("系统里暂时没有您这一单，我换手机号再查一遍")
    expect(page.locator(".found .state").first).to_contain_text("被第二意见「")
    sentence.fill("亲放心拍哦，掉一点色我赔您十倍")
    expect(page.locator(".found code").first).to_have_text("overpromise/second-opinion")
    expect(page.locator(".found dl")).to_contain_text("没有规则命中，是第二意见")
    expect(page.locator(".pattern")).to_have_count(0)
