"""The demo page: a softphone that produces a call, and the panel that coaches it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_servers import LiveService
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SAMPLE = {
    "id": "sample",
    "title": "样例",
    "industry": "bank",
    "summary": "测试用",
    "slots": {"org": "晨光银行"},
    "turns": [
        {"speaker": "customer", "start_ms": 100, "end_ms": 1500, "text": "你们这个收费是怎么回事"},
        {"speaker": "agent", "start_ms": 1700, "end_ms": 3200, "text": "这个我不知道啊，您再看看"},
        {
            "speaker": "agent",
            "start_ms": 3400,
            "end_ms": 5000,
            "text": "大改一下地址就好",
            "partials": ["大概", "大概一下，那", "大改一下，那个"],
        },
    ],
}


@pytest.fixture
def demo(page: Page, service: LiveService) -> Callable[..., Page]:
    """Return a function that opens the demo, with one short sample call of our own."""

    def open_demo(query: str = "") -> Page:
        route_sample(page)
        page.set_viewport_size({"width": 1280, "height": 800})
        page.add_init_script(
            """document.addEventListener("coach-advice", (event) => (window.rules ??= []).push(event.detail.rule))"""
        )
        page.goto(f"{service.url}/demo{query}")
        page.locator("coach-sidebar .link.on").wait_for()
        return page

    return open_demo


def route_sample(page: Page) -> None:
    """Offer one short sample call of our own."""
    listing = [{name: SAMPLE[name] for name in ("id", "title", "industry", "summary")}]
    page.route("**/static/calls/index.json", lambda route: answer(route, listing))
    page.route("**/static/calls/sample.json", lambda route: answer(route, SAMPLE))


def answer(route: Any, value: object) -> None:
    """Answer a request of the page with JSON."""
    route.fulfill(body=json.dumps(value), content_type="application/json")


def test_ended_tokens_are_renewed_in_the_middle_of_a_call(
    page: Page, web_built: Path, service_options: tuple[str, ...], tmp_path: Path
) -> None:
    """The page becomes another visitor; the call plays on, and all of it stands in the panel once."""
    with LiveService(data_dir=tmp_path, options=service_options) as live:
        route_sample(page)
        page.set_viewport_size({"width": 1280, "height": 800})
        with page.expect_response("**/demo/session") as first:
            page.goto(f"{live.url}/demo")
        asked: list[str | None] = []
        page.on(
            "request",
            lambda request: (
                asked.append(request.headers.get("authorization"))
                if request.url.endswith("/demo/session")
                else None
            ),
        )
        panel = page.locator("coach-sidebar")
        panel.locator(".link.on").wait_for()
        agent = panel.evaluate("(panel) => panel.agentId")
        page.evaluate("window.unbroken = true")
        page.locator("[data-call=sample]").click()
        expect(panel.locator(".turn")).to_have_count(2)
        page.get_by_role("button", name="暂停").click()
        # Nothing that was signed before is believed any more, as after twelve hours.
        live.kill()
        (tmp_path / "secret").unlink()
        live.start()
        expect(panel.locator(".link.on")).to_be_visible()
        assert panel.evaluate("(panel) => panel.agentId") != agent
        page.get_by_role("button", name="继续").click()
        expect(page.locator("demo-softphone .state")).to_have_text("已挂断")
        expect(panel.locator(".turn .bubble").first).to_have_text("你们这个收费是怎么回事")
        expect(panel.locator(".turn")).to_have_count(3)
        assert page.evaluate("window.unbroken")
        # So the service can end what the agent before has left on the wallboard.
        assert set(asked) == {f"Bearer {first.value.json()['producer_token']}"}


def test_sample_call_plays_to_its_end(demo: Callable[..., Page]) -> None:
    """The call plays word by word, brings its card, takes words back and hangs up by itself."""
    page = demo()
    page.evaluate(
        """() => {
          const talk = document.querySelector("coach-sidebar").shadowRoot;
          window.lengths = [];
          new MutationObserver(() => window.lengths.push(talk.querySelector(".bubble")?.textContent.length ?? 0))
            .observe(talk, { childList: true, subtree: true, characterData: true });
        }"""
    )
    page.get_by_role("button", name="4×").click()
    page.locator("[data-call=sample]").click()
    expect(page.locator("coach-sidebar .turn .bubble")).to_have_text(
        [turn["text"] for turn in SAMPLE["turns"]]
    )
    expect(page.locator("coach-sidebar .place")).to_contain_text("通话结束")
    assert len(set(page.evaluate("window.lengths"))) >= 4
    assert page.evaluate("window.rules")[0] == "ignorance/bare-dont-know"
    expect(page.locator("coach-sidebar mark")).to_have_text(["我不知道"])


def test_pause_stops_the_call(page: Page, demo: Callable[..., Page]) -> None:
    """While paused the phone's clock stands still, and goes on afterwards."""
    page.clock.install()
    demo()
    page.locator("[data-call=sample]").click()
    page.get_by_role("button", name="暂停").click()
    clock = page.locator("demo-softphone").get_by_role("timer")
    page.clock.fast_forward(3_000)
    expect(clock).to_have_text("00:00")
    page.get_by_role("button", name="继续").click()
    page.clock.fast_forward(3_000)
    expect(page.locator("coach-sidebar .card")).to_have_count(1)
    expect(clock).to_have_text(re.compile("00:0[3-5]"))


def test_microphone_is_offered_only_where_there_is_recognition(page: Page, demo: Callable[..., Page]) -> None:
    """A browser without speech recognition has no dead microphone button."""
    page.add_init_script("delete window.webkitSpeechRecognition; delete window.SpeechRecognition")
    demo()
    expect(page.get_by_role("button", name="说完")).to_be_visible()
    expect(page.get_by_role("button", name="用麦克风说")).to_have_count(0)


def test_demo_is_accessible(demo: Callable[..., Page]) -> None:
    """Axe finds nothing serious on the demo page while a call plays."""
    page = demo()
    page.locator("[data-call=sample]").click()
    expect(page.locator("coach-sidebar .card")).to_have_count(1)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []


def test_typing_is_checked_while_it_is_typed(demo: Callable[..., Page]) -> None:
    """The agent's typing is one growing utterance; the card is there before Enter."""
    page = demo()
    box = page.get_by_role("textbox")
    box.press_sequentially("你冷静一点，好吗", delay=20)
    expect(page.locator("coach-sidebar .card .title")).to_have_text("先道歉，别劝冷静")
    expect(page.locator("coach-sidebar .turn.partial")).to_have_count(1)
    box.press("Enter")
    expect(page.locator("coach-sidebar .turn.partial")).to_have_count(0)
    expect(box).to_have_value("")


def test_polite_question_typed_key_by_key_shows_no_card(demo: Callable[..., Page]) -> None:
    """The example that begins like a forbidden phrase types itself and never brings a card."""
    page = demo()
    page.get_by_role("button", name="我不知道您现在方便吗").click()
    turn = page.locator("coach-sidebar .turn:not(.partial) .bubble")
    expect(turn).to_have_text(["我不知道您现在方便吗"])
    assert page.evaluate("window.rules ?? []") == []


def test_customer_may_say_anything(demo: Callable[..., Page]) -> None:
    """Words of the customer are shown and not coached."""
    page = demo()
    page.get_by_role("button", name="客户", exact=True).click()
    page.get_by_role("textbox").fill("我不知道，你冷静一点")
    page.get_by_role("textbox").press("Enter")
    expect(page.locator("coach-sidebar .turn.customer .bubble")).to_have_text(["我不知道，你冷静一点"])
    page.get_by_role("button", name="客服", exact=True).click()
    page.get_by_role("textbox").fill("大概可以吧")
    page.get_by_role("textbox").press("Enter")
    expect(page.locator("coach-sidebar .card .title")).to_have_text("给确切信息或去核实")
    assert page.evaluate("window.rules") == ["hedging/maybe"]


def test_hanging_up_ends_the_call(demo: Callable[..., Page]) -> None:
    """The red key ends the call on both sides."""
    page = demo()
    page.locator("[data-call=sample]").click()
    expect(page.locator("coach-sidebar .turn")).not_to_have_count(0)
    page.get_by_role("button", name="挂断").click()
    expect(page.locator("coach-sidebar .place")).to_contain_text("通话结束")


def test_demo_in_english(demo: Callable[..., Page]) -> None:
    """With ?lang=en softphone and panel are English."""
    page = demo("?lang=en")
    expect(page.get_by_role("heading", name="Call coaching demo")).to_be_visible()
    expect(page.locator("coach-sidebar .link")).to_have_text("Connected")
