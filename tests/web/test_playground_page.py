"""The playground page: a sentence and a rule, judged while they are typed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_servers import LiveService
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

RULE = "ignorance/bare-dont-know"


@pytest.fixture
def playground(page: Page, service: LiveService) -> Callable[..., Page]:
    """Return a function that opens the playground of the demo, 1280 pixels wide."""

    def open_playground(query: str = "") -> Page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{service.url}/playground{query}")
        # The first question starts the process behind the page.
        expect(page.get_by_role("textbox", name="坐席说的话")).to_be_visible()
        return page

    return open_playground


def say(page: Page, text: str) -> None:
    """Type a sentence."""
    page.get_by_role("textbox", name="坐席说的话").fill(text)


def choose(page: Page, rule: str = RULE) -> None:
    """Take a rule into the editor."""
    page.locator(".choose").select_option(rule)
    expect(page.locator(".cm-content")).to_contain_text(f"id: {rule}")


def replace_in_editor(page: Page, line: int, text: str) -> None:
    """Write one line of the YAML anew, with the keyboard."""
    page.locator(".cm-line").nth(line - 1).click()
    # Home goes to the first letter of the line: the indentation stays.
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(text)


def line_of(page: Page, words: str) -> int:
    """Return the line of the editor that holds these words."""
    lines = page.locator(".cm-line").all_inner_texts()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_a_sentence_is_explained_while_typed(playground: Callable[..., Page]) -> None:
    """Normalised text, words as chips, the hit marked, its pattern, and the card."""
    page = playground()
    say(page, "這個我不知道啊")
    expect(page.locator(".said mark")).to_have_text("我不知道")
    expect(page.locator(".normalized")).to_have_text("这个我不知道啊")
    expect(page.locator(".tokens li")).to_have_text(["这个", "我", "不", "知道", "啊"])
    expect(page.locator(".pattern")).to_have_text("<self> 不 <know>")
    expect(page.locator(".card .say").first).to_have_text("我马上帮您查一下，请您稍等")
    expect(page.get_by_role("group", name="坐席看到的卡片")).to_contain_text("换个说法：先帮客户查")
    say(page, "您好")
    expect(page.locator(".answer")).to_contain_text("没有规则命中")


def test_an_exception_that_stops_a_hit_is_named(playground: Callable[..., Page]) -> None:
    """Which one, why, and over which words."""
    page = playground()
    say(page, "我不知道您现在方便吗")
    expect(page.locator(".found .state")).to_contain_text("被例外「礼貌探询」放过")
    expect(page.locator(".found .where mark")).to_have_text("我不知道")
    expect(page.locator(".card")).to_have_count(0)


def test_a_whole_call_is_explained_turn_by_turn(playground: Callable[..., Page]) -> None:
    """Lines 客服：… and 客户：… are turns; the customer may say what he likes."""
    page = playground()
    say(page, "客服：您好\n客户：我不知道\n客服：我们不清楚")
    expect(page.locator(".turn")).to_have_count(3)
    expect(page.locator(".turn.customer mark")).to_have_count(0)
    expect(page.locator(".turn.agent mark")).to_have_text(["我们不清楚"])


def test_a_broken_rule_shows_the_line(playground: Callable[..., Page]) -> None:
    """The loader's words beside the line; a click goes there; the sentence is judged without it."""
    page = playground()
    say(page, "我不知道")
    choose(page)
    replace_in_editor(page, 5, "severity: loud")
    problem = page.locator(".problems li")
    expect(problem).to_contain_text("应为 'notice'、'warning' 或 'violation'，写的是 'loud'")
    expect(page.locator(".cm-gutter-lint .cm-lint-marker-error")).to_have_count(1)
    expect(page.locator(".basis")).to_have_text("右边的规则有误，这里按服务器上的规则判断")
    expect(page.get_by_role("button", name="下载整个文件")).to_be_disabled()
    problem.get_by_role("button", name="第 5 行第 15 列").click()
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text("notice")
    expect(page.locator(".problems li")).to_have_count(0)
    expect(page.locator(".found .state")).to_contain_text("提示")


def test_examples_turn_red_and_green(playground: Callable[..., Page]) -> None:
    """A pattern that loses an example turns it red; mended, it is green again."""
    page = playground()
    choose(page)
    expect(page.locator(".example.passed")).to_have_count(4)
    line = line_of(page, "<self> 不 <know>")
    replace_in_editor(page, line, "- 我 不 <know>")
    expect(page.locator(".example.failed")).to_have_count(1)
    expect(page.locator(".example.failed")).to_contain_text("期望 【我们不清楚】")
    replace_in_editor(page, line, "- (我|我们) 不 <know>")
    expect(page.locator(".example.failed")).to_have_count(0)
    expect(page.locator(".verdict")).to_contain_text("例句 4/4 通过")


def test_a_false_alarm_becomes_an_exception(playground: Callable[..., Page]) -> None:
    """From the alarm to the rule with one click; with the exception the sentence is let through."""
    page = playground()
    say(page, "我不知道就不会来问了")
    page.get_by_role("button", name="编辑这条规则").click()
    expect(page.locator(".cm-content")).to_contain_text(RULE)
    line = line_of(page, "because: 礼貌探询")
    replace_in_editor(page, line, "because: 礼貌探询\n      - {pattern: <self> 不 <know> 就, because: 假设}")
    expect(page.locator(".found .state")).to_contain_text("被例外「假设」放过")


def test_drafts_survive_a_change_of_rule_and_language(playground: Callable[..., Page]) -> None:
    """What was typed is there again after another rule was looked at, in either language."""
    page = playground()
    choose(page)
    replace_in_editor(page, 4, "title: 改过的标题")
    choose(page, "hedging/maybe")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Phrase playground")).to_be_visible()
    page.locator(".choose").select_option(RULE)
    expect(page.locator(".cm-content")).to_contain_text("改过的标题")


def test_downloads(playground: Callable[..., Page]) -> None:
    """The rule alone, and the whole file with the rule in its place."""
    page = playground()
    choose(page)
    replace_in_editor(page, 4, "title: 改过的标题")
    expect(page.locator(".verdict")).to_contain_text("通过")
    with page.expect_download() as alone:
        page.get_by_role("button", name="下载这条规则").click()
    with page.expect_download() as whole:
        page.get_by_role("button", name="下载整个文件").click()
    assert alone.value.suggested_filename == "ignorance.bare-dont-know.yml"
    assert "title: 改过的标题" in Path(alone.value.path()).read_text("utf-8")
    assert whole.value.suggested_filename == "ignorance.yml"
    assert Path(whole.value.path()).read_text("utf-8").count("- id: ") == 1


@pytest.fixture
def own_service(web_built: Path, service_options: tuple[str, ...], tmp_path: Path) -> Iterator[LiveService]:
    """A service that asks for a key, and has no calls yet."""
    options = tuple(option for option in service_options if option != "--demo")
    with LiveService(data_dir=tmp_path, options=options) as live:
        yield live


def test_effect_on_stored_calls(page: Page, own_service: LiveService) -> None:
    """With a key: the sample calls first, then the calls that the server has stored."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{own_service.url}/playground")
    page.get_by_label("API 密钥或主管令牌").fill("wrong")
    page.get_by_role("button", name="打开").click()
    expect(page.get_by_role("alert")).to_have_text("密钥或令牌无效，或者没有权限")
    page.get_by_label("API 密钥或主管令牌").fill(own_service.key)
    page.get_by_role("button", name="打开").click()
    choose(page)
    replace_in_editor(page, line_of(page, "<self> 不 <know>"), "- <self> 不 晓得")
    # The verdict on the rule as it is now: what is asked before it has come is told beside it.
    expect(page.locator(".verdict")).to_contain_text("例句 2/4")
    page.get_by_role("button", name="看看影响").click()
    expect(page.locator(".source")).to_contain_text("样例")
    utterances = [("customer", "这笔钱是什么"), ("agent", "这个我不知道"), ("agent", "我不晓得")]
    events: list[dict[str, object]] = [{"type": "call.started", "seq": 1, "agent_id": "a1"}]
    events += [
        {
            "type": "utterance", "seq": seq, "utterance_id": f"u{seq}", "revision": 1, "speaker": speaker,
            "text": text, "final": True, "start_ms": seq * 1000, "end_ms": seq * 1000 + 900,
        }
        for seq, (speaker, text) in enumerate(utterances, 2)
    ]  # fmt: skip
    own_service.request("POST", "/v1/calls/c-77/events", {"events": events})
    page.get_by_role("button", name="看看影响").click()
    expect(page.locator(".source")).to_contain_text("最近 1 通电话，3 句话")
    expect(page.locator(".changes.appeared mark")).to_have_text(["我不晓得"])
    expect(page.locator(".changes.vanished li")).to_contain_text(["客户：这笔钱是什么"])
    expect(page.locator(".changes.vanished li")).to_contain_text(["c-77 · 第 2 句"])
    replace_in_editor(page, line_of(page, "<self> 不 晓得"), "- <self> 不 <know>")
    expect(page.locator(".changes")).to_have_count(0)


def test_an_effect_that_failed_stays_told(playground: Callable[..., Page]) -> None:
    """The next verdict on the rule wipes away no message that is not its own; the next effect does."""
    page = playground()
    choose(page)
    page.route("**/playground/effect", lambda route: route.abort())
    page.get_by_role("button", name="看看影响").click()
    told = page.locator(".effect .trouble")
    expect(told).to_have_text("连不上服务，请检查后再试")
    replace_in_editor(page, line_of(page, "<self> 不 <know>"), "- <self> 不 晓得")
    expect(page.locator(".verdict")).to_contain_text("例句 2/4")
    expect(told).to_have_text("连不上服务，请检查后再试")
    page.unroute("**/playground/effect")
    page.get_by_role("button", name="看看影响").click()
    expect(page.locator(".source")).to_contain_text("样例")
    expect(told).to_have_text("")


def test_a_link_brings_a_sentence_and_leaves_no_trace(
    playground: Callable[..., Page], service: LiveService
) -> None:
    """`?text=` is shown, gone from the address, and never in the log."""
    page = playground(f"?text=你冷静一点&rule={RULE}")
    expect(page.locator(".said mark")).to_have_text("冷静")
    expect(page.locator(".cm-content")).to_contain_text(RULE)
    assert page.evaluate("location.search") == ""
    log = service.log.read_text("utf-8")
    assert "冷静" not in log
    assert "%E5%86%B7%E9%9D%99" not in log


def test_a_sentence_is_only_ever_text(playground: Callable[..., Page]) -> None:
    """Markup in what was said is shown as it was typed."""
    page = playground()
    say(page, "<img src=x onerror=alert(1)>我不知道")
    expect(page.locator(".said")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator(".said img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1024, 1280])
def test_axe_finds_nothing(playground: Callable[..., Page], width: int, theme: str) -> None:
    """With a hit, a red example and an effect on the page; nothing is cut off sideways."""
    page = playground()
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_label("外观").select_option(theme)
    say(page, "客户：您好\n客服：这个我不知道，大概可以")
    choose(page)
    replace_in_editor(page, line_of(page, "<self> 不 <know>"), "- 我 不 <know>")
    expect(page.locator(".example.failed")).to_have_count(1)
    page.get_by_role("button", name="看看影响").click()
    expect(page.locator(".source")).to_have_count(1)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_is_enough(playground: Callable[..., Page]) -> None:
    """Tab goes through the page and out of the editor again."""
    page = playground(f"?rule={RULE}")
    expect(page.locator(".cm-content")).to_contain_text(RULE)
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("# seen")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.className") != "cm-content"
    expect(page.locator(".cm-content")).to_contain_text("# seen")


def test_the_page_keeps_the_security_policy(page: Page, playground: Callable[..., Page]) -> None:
    """No inline script or style is needed, the editor included."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    playground(f"?rule={RULE}&text=我不知道")
    expect(page.locator(".example").first).to_be_visible()
    assert page.locator(".cm-gutters").evaluate("(gutter) => getComputedStyle(gutter).display") == "flex"
    assert complaints == []


def test_the_demo_leads_here(page: Page, service: LiveService) -> None:
    """The demo page links to the playground."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{service.url}/demo")
    page.get_by_role("link", name="试验场").click()
    expect(page.get_by_role("heading", name="话术试验场")).to_be_visible()


def test_other_pages_do_not_load_the_editor(web_built: Path) -> None:
    """The editor's code is asked for by the playground only, and stays below 150 kB on the wire."""
    scripts = {
        name: set(re.findall(r"assets/[\w-]+\.js", (web_built / name).read_text("utf-8")))
        for name in ("sidebar.html", "demo.html", "playground.html")
    }
    own = scripts["playground.html"] - scripts["sidebar.html"] - scripts["demo.html"]
    editor = [path for path in own if "cm-editor" in (web_built / path).read_text("utf-8")]
    assert len(editor) == 1
    assert len(gzip.compress((web_built / editor[0]).read_bytes())) < 150_000
