"""The reviews page: files dropped, progress seen, the report opened, hits judged with the keyboard."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_servers import LiveService
from playwright.sync_api import expect

from tests.conftest import write_scorecard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page, WebSocketRoute

pytestmark = pytest.mark.browser

DIALOGUE = "客服：您好，请讲\n客户：怎么退订\n客服：这个我不知道\n客户：那你帮我问问\n客服：我们不清楚\n"
UNNAMED = "SPEAKER_00：您好，请讲\nSPEAKER_01：怎么退订\nSPEAKER_00：我不知道啊\n"


@pytest.fixture(scope="module")
def reviewing(web_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service of this module's own: in demo mode, with a scorecard for the rules of these tests."""
    book = tmp_path_factory.mktemp("book")
    shutil.copytree(Path(__file__).parent / "book", book, dirs_exist_ok=True)
    write_scorecard(book / "rules")
    folders = ("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook"))
    with LiveService(data_dir=tmp_path_factory.mktemp("service"), options=("--demo", *folders)) as live:
        yield live


@pytest.fixture
def reviews(page: Page, reviewing: LiveService) -> Callable[..., Page]:
    """Return a function that opens the page, 1280 pixels wide."""

    def open_reviews(query: str = "") -> Page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{reviewing.url}/reviews{query}")
        expect(page.locator(".drop")).to_be_visible()
        return page

    return open_reviews


def drop(page: Page, **files: str) -> None:
    """Drop files as from a desktop; names are given without the ending .txt."""
    contents = [[f"{name}.txt", base64.b64encode(body.encode()).decode()] for name, body in files.items()]
    transfer = page.evaluate_handle(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, body] of files) {
            const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          return transfer;
        }""",
        contents,
    )
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": transfer})


def review(page: Page, **files: str) -> None:
    """Drop files, begin, and wait for the end."""
    drop(page, **files)
    page.get_by_role("button", name="开始质检").click()
    expect(page.get_by_role("button", name="打开报告")).to_be_visible()


def test_files_are_dropped_and_reviewed(reviews: Callable[..., Page]) -> None:
    """What was recognised is shown first; then progress, results, and the report in a window of its own."""
    page = reviews()
    drop(page, 十月=DIALOGUE)
    row = page.locator("tbody tr")
    expect(row).to_have_text(["十月.txt 文本对话，UTF-8 1 坐席 3，客户 2"])
    page.get_by_role("button", name="开始质检").click()
    expect(page.get_by_role("progressbar", name="进度")).to_be_visible()
    expect(page.locator(".numbers")).to_contain_text("命中2")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="打开报告").click()
    report = opened.value
    expect(report.locator("h1")).to_be_visible()
    assert "report.html?ticket=" in report.url
    assert report.evaluate("window.origin") == "null"


def test_a_workbook_is_downloaded(reviews: Callable[..., Page]) -> None:
    """One click, no key in the address."""
    page = reviews()
    review(page, 一通=DIALOGUE)
    with page.expect_download() as loading:
        page.get_by_role("button", name="Excel").click()
    assert loading.value.suggested_filename.endswith("review.xlsx")
    assert Path(loading.value.path()).read_bytes().startswith(b"PK")


def test_unnamed_speakers_are_mapped(reviews: Callable[..., Page]) -> None:
    """Both speakers are shown with what they say; the chosen one is judged as the agent."""
    page = reviews()
    drop(page, 编号=UNNAMED)
    expect(page.locator("fieldset").first).to_contain_text("SPEAKER_00 是坐席")
    expect(page.locator("fieldset").first).to_contain_text("“怎么退订”")
    page.get_by_label("SPEAKER_00 是坐席").check()
    page.get_by_role("button", name="开始质检").click()
    expect(page.locator(".numbers")).to_contain_text("命中1")


def test_hits_are_judged_with_the_keyboard(reviews: Callable[..., Page], reviewing: LiveService) -> None:
    """J and K move, Y and N mark and go on, R takes a reason; all of it is stored."""
    page = reviews()
    review(page, 复核=DIALOGUE)
    hits = page.locator(".hit")
    expect(hits).to_have_count(2)
    page.get_by_role("textbox", name="复核人").fill("李主管")
    hits.first.focus()
    page.keyboard.press("j")
    expect(hits.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("y")
    expect(hits.first.locator("button.right")).to_have_attribute("aria-pressed", "true")
    expect(hits.nth(1)).to_be_focused()
    page.keyboard.press("n")
    expect(hits.nth(1).locator("button.wrong")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")
    page.keyboard.type("jk 是引用")
    page.keyboard.press("Enter")
    expect(hits.nth(1)).to_contain_text("复核人 李主管：jk 是引用")
    expect(page.get_by_role("status")).to_have_text("已列出 2 处，复核了 2 处")
    stored = reviewing.request("GET", "/v1/decisions")["decisions"]
    assert [(each["verdict"], len(each["history"])) for each in stored] == [("wrong", 2), ("right", 1)]
    health = {each["rule"]: each for each in reviewing.request("GET", "/v1/rules/health")["rules"]}
    assert (health["ignorance/bare-dont-know"]["confirmed"], health["ignorance/bare-dont-know"]["false"]) == (
        1,
        1,
    )


def test_without_a_reviewer_nothing_is_marked(reviews: Callable[..., Page]) -> None:
    """The name is asked for, and gets the focus."""
    page = reviews()
    review(page, 无名=DIALOGUE)
    page.locator(".hit").first.focus()
    page.keyboard.press("y")
    expect(page.get_by_role("textbox", name="复核人")).to_be_focused()
    expect(page.locator("button[aria-pressed=true]")).to_have_count(0)


def test_what_is_no_transcript_is_refused_with_its_name(reviews: Callable[..., Page]) -> None:
    """The service's reason stands below the drop zone."""
    page = reviews()
    drop(page, 手册="%PDF-1.7 …")
    expect(page.locator(".trouble").first).to_contain_text("手册.txt：这是 PDF")


def test_a_review_is_deleted_after_a_second_click(reviews: Callable[..., Page]) -> None:
    """One click asks, the second deletes."""
    page = reviews()
    drop(page, 多余=DIALOGUE)
    page.get_by_role("button", name="开始质检").wait_for()
    before = page.locator(".list li").count()
    page.get_by_role("button", name="删除", exact=True).click()
    page.get_by_role("button", name="再点一次").click()
    expect(page.locator(".list li")).to_have_count(before - 1)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 400)])
def test_everybody_can_use_it(page: Page, reviews: Callable[..., Page], scheme: str, width: int) -> None:
    """Nothing for axe to find, before and after a review; nothing is cut off on a narrow screen."""
    page.emulate_media(color_scheme=scheme)
    reviews()
    page.set_viewport_size({"width": width, "height": 900})
    drop(page, 编号=UNNAMED)
    page.get_by_label("SPEAKER_00 是坐席").check()
    for _ in range(2):
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        start = page.get_by_role("button", name="开始质检")
        if start.count():
            start.click()
            expect(page.locator(".hit")).to_have_count(1)


def test_the_page_speaks_english(reviews: Callable[..., Page]) -> None:
    """All of the page at one click."""
    page = reviews()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Call reviews")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_demo_and_playground_lead_here(page: Page, reviewing: LiveService) -> None:
    """Both have a link."""
    page.set_viewport_size({"width": 1280, "height": 900})
    for path in ("/demo", "/playground"):
        page.goto(reviewing.url + path)
        page.get_by_role("link", name="录音质检").click()
        expect(page.get_by_role("heading", name="录音质检")).to_be_visible()


@pytest.fixture(scope="module")
def signed(web_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service as a center runs it: no demo, so the page asks for a key."""
    with LiveService(data_dir=tmp_path_factory.mktemp("signed"), options=()) as live:
        yield live


def open_with(page: Page, service: LiveService, key: str) -> None:
    """Open the page with a key."""
    page.goto(f"{service.url}/reviews")
    page.locator("input[name=credential]").fill(key)
    page.locator("form button").click()
    expect(page.locator(".drop")).to_be_visible()


def sign_in(page: Page, credential: str) -> None:
    """Answer the form that asks again."""
    expect(page.locator("form.again")).to_contain_text("登录已失效，请重新登录")
    page.locator("form.again input").fill(credential)
    page.locator("form.again button").click()
    expect(page.locator("form.again")).to_have_count(0)


# The first line that follows a review comes with a token that has ended, as a page left open overnight has.
_ENDED = """
let ended = false;
window.WebSocket = class extends WebSocket {
  constructor(url, ...given) { super(url, ...given); this.first = !ended && url.includes("/progress"); ended ||= this.first; }
  send(text) { super.send(this.first ? text.replace(/"token":"[^"]*"/, '"token":"ended"') : text); }
};
"""


def test_progress_is_followed_again_with_another_key(page: Page, signed: LiveService) -> None:
    """The line is refused with 4401: the form stands there, and what was going on is seen to its end."""
    page.add_init_script(_ENDED)
    open_with(page, signed, signed.key)
    drop(page, 夜里=DIALOGUE)
    sign_in(page, signed.key)
    page.get_by_role("button", name="开始质检").click()
    expect(page.get_by_role("button", name="打开报告")).to_be_visible()


def test_what_was_refused_with_a_revoked_key_is_done_with_another(page: Page, signed: LiveService) -> None:
    """Uploads too: the files need not be chosen again."""
    key = signed.new_key("reviewing", role="reviewer")
    open_with(page, signed, key)
    signed.revoke("reviewing", key)
    drop(page, 补传=DIALOGUE)
    sign_in(page, signed.key)
    page.get_by_role("button", name="开始质检").click()
    expect(page.get_by_role("button", name="打开报告")).to_be_visible()


def test_a_broken_line_is_told_until_it_is_mended(page: Page, signed: LiveService) -> None:
    """Progress that stands still without a word would be taken for a review that hangs."""
    broken = True

    def line(socket: WebSocketRoute) -> None:
        if broken:
            socket.close(code=1011)
        else:
            socket.connect_to_server()

    page.route_web_socket("**/progress", line)
    open_with(page, signed, signed.key)
    drop(page, 断线=DIALOGUE)
    expect(page.get_by_text("与服务的连接断了")).to_be_visible()
    broken = False
    page.get_by_role("button", name="开始质检").click()
    expect(page.get_by_role("button", name="打开报告")).to_be_visible()
    expect(page.get_by_text("与服务的连接断了")).to_have_count(0)


def test_the_key_opens_the_page_of_a_real_service(page: Page, web_built: Path, tmp_path: Path) -> None:
    """Without the demo the page asks for a key, and refuses a wrong one."""
    with LiveService(data_dir=tmp_path, options=()) as live:
        page.goto(f"{live.url}/reviews")
        field = page.get_by_label("API 密钥")
        field.fill("wrong")
        page.get_by_role("button", name="打开").click()
        expect(page.get_by_role("alert")).to_contain_text("密钥无效")
        field.fill(live.key)
        page.get_by_role("button", name="打开").click()
        expect(page.locator(".drop")).to_be_visible()
        assert json.dumps(live.request("GET", "/v1/reviews")["reviews"]) == "[]"
