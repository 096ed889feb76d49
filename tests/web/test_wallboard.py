"""The wallboard: a team's calls by risk, one of them watched, a whisper that arrives in the agent's sidebar."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_panel import Call
from browser_servers import LiveService
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser_panel import OpenPanel
    from browser_servers import HostPages
    from playwright.sync_api import BrowserContext, Locator, Page

pytestmark = pytest.mark.browser

_FOLDER = Path(__file__).parent / "book"
BOOK = ("--rules", str(_FOLDER / "rules"), "--phrasebook", str(_FOLDER / "phrasebook"))


@pytest.fixture(scope="module")
def service(
    web_built: Path, host_pages: HostPages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveService]:
    """A service as a center runs it: no demo, so the page asks for a credential."""
    options = (*BOOK, "--origin", host_pages.origin)
    with LiveService(data_dir=tmp_path_factory.mktemp("service"), options=options) as live:
        yield live


@pytest.fixture
def demo(web_built: Path, tmp_path: Path) -> Iterator[LiveService]:
    """The demo."""
    with LiveService(data_dir=tmp_path, options=("--demo", *BOOK)) as live:
        yield live


class Board:
    """The page of one team, and the calls of it."""

    def __init__(self, page: Page, service: LiveService, team: str) -> None:
        self.page = page
        self.team = team
        self.root: Locator = page.locator("coach-wallboard")
        self.rows = self.root.locator("tbody tr")
        self.panel = self.root.locator(".panel")
        self._service = service
        self._calls: list[Call] = []

    def call(self, name: str = "小林", *, agent_id: str = "") -> Call:
        """Begin a call of the team."""
        agent = agent_id or f"agent-{secrets.token_hex(4)}"
        self._calls.append(Call(self._service, agent, team=self.team, agent_name=name))
        return self._calls[-1]

    def row(self, call: Call) -> Locator:
        """Return the row of a call."""
        return self.root.locator(f'tr[data-call="{call.id}"]')

    def names(self) -> list[str]:
        """Return the agents from top to bottom."""
        return self.root.locator("tbody .open").all_inner_texts()

    def close(self) -> None:
        """Hang up."""
        for call in self._calls:
            call.close()


@pytest.fixture
def open_board(context: BrowserContext, service: LiveService) -> Iterator[Callable[..., Board]]:
    """Return a factory of wallboards, each of a team of its own, 1280 pixels wide unless told otherwise."""
    boards: list[Board] = []

    def open_one(*, width: int = 1280, query: str = "", clock: bool = False, key: str = "") -> Board:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        if clock:
            page.clock.install()
        team = f"team-{secrets.token_hex(4)}"
        page.goto(f"{service.url}/wallboard?team={team}{query}")
        page.locator("input[name=credential]").fill(key or service.key)
        page.locator("form button").click()
        expect(page.locator("coach-wallboard .link-state.live")).to_be_visible()
        boards.append(Board(page, service, team))
        return boards[-1]

    yield open_one
    for board in boards:
        board.close()


def serious(page: Page, *, within: str | None = None) -> list[str]:
    """Return what axe calls serious or critical, with the element."""
    found = Axe().run(page, context=within).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_call_appears_with_its_risk_and_leaves_when_it_is_over(open_board: Callable[..., Board]) -> None:
    """A violation is worth a look; its words and the reason stand in the row."""
    board = open_board()
    call = board.call()
    call.say("你冷静一点")
    row = board.row(call)
    expect(row.locator(".score")).to_have_text("30")
    expect(row).to_contain_text("小林")
    expect(row.locator("td.last")).to_contain_text("禁用语 1 次")
    call.end()
    expect(row).to_have_class(re.compile("ended"))
    expect(row).to_have_count(0)


def test_the_riskiest_call_goes_to_the_top(open_board: Callable[..., Board]) -> None:
    """Not at once, but within the five seconds between two sortings."""
    board = open_board()
    calm, risky = board.call("平静"), board.call("激动")
    expect(board.row(calm)).to_be_visible()
    risky.say("你冷静一点")
    expect(board.row(risky).locator(".score")).to_have_text("30")
    board.page.wait_for_function(
        "() => document.querySelector('coach-wallboard').shadowRoot.querySelector('tbody .open').innerText === '激动'"
    )


def test_rows_stay_under_the_pointer(open_board: Callable[..., Board]) -> None:
    """However the risk changes while a hand is on them; a pointer left lying there is none after ten seconds."""
    board = open_board(clock=True)
    first, second = board.call("一号"), board.call("二号")
    expect(board.row(second)).to_be_visible()
    expect(board.row(first)).to_be_visible()
    before = board.names()
    board.rows.last.hover()
    last = second if before[-1] == "二号" else first
    last.say("你冷静一点")
    expect(board.row(last).locator(".score")).to_have_text("30")
    board.page.clock.run_for(7_000)
    board.rows.last.hover(position={"x": 5, "y": 5})
    board.page.clock.run_for(9_000)
    assert board.names() == before
    board.page.clock.run_for(7_000)
    assert board.names() == before[::-1]


def test_a_closed_panel_does_not_hold_the_rows(open_board: Callable[..., Board]) -> None:
    """The focus goes back to the row and stays on it, but the rows are sorted again."""
    board = open_board(clock=True)
    first, second = board.call("一号"), board.call("二号")
    expect(board.rows).to_have_count(2)
    before = board.names()
    board.page.mouse.move(2, 2)
    board.rows.first.locator(".open").focus()
    board.page.keyboard.press("Enter")
    expect(board.panel.locator("h2")).to_be_focused()
    last = second if before[-1] == "二号" else first
    last.say("你冷静一点")
    expect(board.row(last).locator(".score")).to_have_text("30")
    board.page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)
    board.page.clock.run_for(17_000)
    assert board.names() == before[::-1]
    expect(board.root.locator("tbody .open").nth(1)).to_be_focused()


def test_filters_leave_what_was_asked_for(open_board: Callable[..., Board]) -> None:
    """By severity; nothing that fits is said so."""
    board = open_board()
    calm, warned, risky = board.call("平静"), board.call("提醒"), board.call("激动")
    warned.say("这个我不知道")
    risky.say("你冷静一点")
    expect(board.row(risky).locator(".tally.violation")).to_be_visible()
    expect(board.row(warned).locator(".tally.warning")).to_be_visible()
    board.root.locator("[data-filter=violation]").click()
    expect(board.row(risky)).to_be_visible()
    expect(board.row(warned)).to_have_count(0)
    board.root.locator("[data-filter=warning]").click()
    expect(board.row(warned)).to_be_visible()
    expect(board.row(calm)).to_have_count(0)
    board.root.get_by_label("只看升级").check()
    expect(board.root.locator(".nothing")).to_contain_text("没有符合筛选的通话")


def test_an_alert_stands_in_its_column_and_opens_its_call(open_board: Callable[..., Board]) -> None:
    """With the quote; those that ask for the supervisor stand above the others."""
    board = open_board()
    call = board.call()
    call.say("这个我不知道")
    call.say("你们要赔偿我", speaker="customer")
    call.say("你冷静一点")
    alert = board.root.locator(".alerts .alert").first
    expect(alert).to_contain_text("冷静")
    expect(board.root.locator(".alerts h3").first).to_contain_text("升级")
    expect(board.row(call).locator(".flag.help")).to_be_visible()
    alert.click()
    expect(board.panel).to_contain_text("小林")


def test_an_opened_call_shows_the_marked_words_as_they_are_said(open_board: Callable[..., Board]) -> None:
    """From the start of the call, partial words too, with the cards below."""
    board = open_board()
    call = board.call()
    call.say("您好", speaker="customer")
    board.row(call).locator(".open").click()
    expect(board.panel.locator(".turn.customer .bubble")).to_have_text("您好")
    call.grow("这个", "这个我")
    expect(board.panel.locator(".turn.partial .bubble")).to_have_text("这个我")
    call.say("这个我不知道啊")
    expect(board.panel.locator("mark.warning")).to_have_text("我不知道")
    expect(board.panel.locator(".cards .card")).to_have_count(1)
    expect(board.panel.locator(".turn.agent .who")).to_have_text("坐席")
    call.end()
    expect(board.panel.locator("header")).to_contain_text("通话已结束")
    expect(board.panel.locator("#whisper")).to_be_disabled()


def test_a_whisper_arrives_in_the_sidebar_and_its_reading_comes_back(
    open_board: Callable[..., Board], open_panel: OpenPanel
) -> None:
    """As a calm note that takes no focus, gone when the agent has taken note of it."""
    panel = open_panel()
    board = open_board()
    call = board.call(agent_id=panel.agent_id)
    board.row(call).locator(".open").click()
    board.panel.get_by_role("button", name="先致歉").click()
    board.panel.locator("#whisper").press("Enter")
    note = panel.root.locator(".whisper")
    expect(note).to_contain_text("班长提醒")
    expect(note).to_contain_text("先致歉，听客户说完再解释")
    assert panel.page.evaluate("document.activeElement === document.body")
    expect(panel.root.locator(".whisper [role=status]")).to_be_attached()
    assert serious(panel.page) == []
    expect(board.panel.locator(".sent b")).to_have_text("已送出")
    panel.button("知道了").click()
    expect(note).not_to_contain_text("先致歉")
    expect(board.panel.locator(".sent b")).to_have_text("坐席已读")


def test_a_whisper_goes_by_itself_after_a_minute(
    open_board: Callable[..., Board], open_panel: OpenPanel
) -> None:
    """Nobody has to click in the middle of a talk."""
    open_panel.page.clock.install()
    panel = open_panel()
    board = open_board()
    call = board.call(agent_id=panel.agent_id)
    board.row(call).locator(".open").click()
    board.panel.locator("#whisper").fill("语速放慢")
    board.panel.locator("#whisper").press("Enter")
    expect(panel.root.locator(".whisper")).to_contain_text("语速放慢")
    panel.page.clock.fast_forward(61_000)
    expect(panel.root.locator(".whisper")).not_to_contain_text("语速放慢")


@pytest.mark.parametrize("width", [320, 380, 420])
def test_the_longest_whisper_is_read_in_full(
    open_board: Callable[..., Board], open_panel: OpenPanel, width: int
) -> None:
    """Sixty characters wrap beside the button; nothing is cut off or lies under it."""
    panel = open_panel()
    panel.page.set_viewport_size({"width": width, "height": 720})
    board = open_board()
    call = board.call(agent_id=panel.agent_id)
    board.row(call).locator(".open").click()
    board.panel.locator("#whisper").fill("先致歉再找技术" * 8 + "转给我来")
    board.panel.locator("#whisper").press("Enter")
    words, button = panel.root.locator(".whisper .what"), panel.root.locator(".whisper .heed")
    expect(words).to_contain_text("转给我来")
    edge = button.bounding_box()["x"]
    assert words.evaluate("(words) => words.getBoundingClientRect().left + words.scrollWidth") <= edge


def test_the_seventh_whisper_of_a_minute_says_why_it_was_not_sent(open_board: Callable[..., Board]) -> None:
    """In the service's words, beside the whisper."""
    board = open_board()
    call = board.call()
    board.row(call).locator(".open").click()
    box = board.panel.locator("#whisper")
    for number in range(6):
        box.fill(f"第{number}条")
        box.press("Enter")
        expect(board.panel.locator("p.sent")).to_contain_text(f"第{number}条")
    expect(board.panel.locator(".sent b")).to_have_text("已送出")
    box.fill("第七条")
    box.press("Enter")
    expect(board.panel.locator("p.sent")).to_contain_text("没有送出")
    expect(board.panel.locator("p.sent")).to_contain_text("每分钟最多 6 条")


# Whispers go nowhere, as over a line that is dead and does not say so.
_SWALLOWED = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
  send(text) { if (!text.includes('"whisper"')) super.send(text); }
};
"""


@pytest.fixture
def whispered(context: BrowserContext, open_board: Callable[..., Board]) -> Board:
    """A board with a whisper under way to a call, which nobody gets."""
    context.add_init_script(_SWALLOWED)
    board = open_board()
    board.row(board.call()).locator(".open").click()
    board.panel.locator("#whisper").fill("语速放慢")
    board.panel.locator("#whisper").press("Enter")
    expect(board.panel.locator(".sent b")).to_have_text("发送中")
    return board


def test_a_whisper_nobody_took_in_three_tries_is_said_not_to_have_arrived(whispered: Board) -> None:
    """Never as sent; on the board too, once its call is closed."""
    board = whispered
    for sockets in (2, 3, 4):
        board.page.evaluate("window.sockets.at(-1).close()")
        board.page.wait_for_function(f"() => window.sockets.length === {sockets}")
        expect(board.root.locator(".link-state.live")).to_be_visible()
    expect(board.panel.locator(".sent b")).to_have_text("没有送出")
    expect(board.panel.locator(".sent .bad")).to_contain_text("没有确认")
    board.page.keyboard.press("Escape")
    expect(board.root.locator(".lost")).to_contain_text("“语速放慢” 没有送出")
    board.root.locator(".lost button").click()
    expect(board.root.locator(".lost")).to_have_count(0)


def test_a_whisper_that_waits_while_the_team_changes_is_said_not_to_have_arrived(whispered: Board) -> None:
    """The line it waited on is gone with the team."""
    board = whispered
    board.page.evaluate("document.querySelector('coach-wallboard').team = 'another'")
    expect(board.root.locator(".lost")).to_contain_text("没有送出")
    assert serious(board.page) == []


def test_the_keyboard_goes_from_row_to_row_opens_and_closes(open_board: Callable[..., Board]) -> None:
    """Down, Enter, Escape: and back on the row it came from."""
    board = open_board()
    board.call("一号")
    board.call("二号")
    expect(board.rows).to_have_count(2)
    board.root.locator("tbody .open").first.focus()
    board.page.keyboard.press("ArrowDown")
    name = board.names()[1]
    board.page.keyboard.press("Enter")
    expect(board.panel.locator("h2")).to_have_text(name)
    expect(board.panel.locator("h2")).to_be_focused()
    board.page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)
    expect(board.root.locator("tbody .open").nth(1)).to_be_focused()


def test_a_page_that_lost_the_line_says_so_and_goes_on(
    context: BrowserContext, open_board: Callable[..., Board]
) -> None:
    """With the call that was open opened again."""
    context.add_init_script(
        "window.sockets = []; window.WebSocket = class extends WebSocket"
        " { constructor(...given) { super(...given); window.sockets.push(this); } };"
    )
    board = open_board()
    call = board.call()
    board.row(call).locator(".open").click()
    call.say("您好")
    expect(board.panel.locator(".bubble")).to_have_text("您好")
    board.page.evaluate("window.sockets.at(-1).close()")
    expect(board.root.locator(".link-state.retrying")).to_be_visible()
    expect(board.root.locator(".link-state.live")).to_be_visible()
    call.say("请讲")
    expect(board.panel.locator(".bubble").last).to_have_text("请讲")


def sign_in(page: Page, credential: str) -> None:
    """Answer the form that asks again."""
    page.locator("form.again input").fill(credential)
    page.locator("form.again button").click()


def test_a_revoked_key_is_asked_for_again_in_place(
    open_board: Callable[..., Board], service: LiveService
) -> None:
    """A wrong one is told; with a right one the same team and the same opened call go on, nothing reloaded."""
    name = f"board-{secrets.token_hex(4)}"
    key = service.new_key(name, role="supervisor")
    board = open_board(key=key)
    call = board.call()
    board.row(call).locator(".open").click()
    call.say("您好")
    expect(board.panel.locator(".bubble")).to_have_text("您好")
    board.page.evaluate("window.unbroken = true")
    service.revoke(name, key)
    form = board.page.locator("form.again")
    expect(form).to_contain_text("登录已失效，请重新登录")
    expect(board.root.locator(".link-state")).to_have_text("未连接")
    assert serious(board.page, within="form.again") == []
    sign_in(board.page, "wrong")
    expect(form.get_by_role("alert").last).to_contain_text("令牌或密钥无效")
    call.say("请讲")
    sign_in(board.page, service.key)
    expect(form).to_have_count(0)
    expect(board.root.locator(".link-state.live")).to_be_visible()
    expect(board.panel.locator(".bubble")).to_have_text(["您好", "请讲"])
    assert board.page.evaluate("window.unbroken")


def test_who_may_not_see_the_team_signs_in_as_somebody_else(
    open_board: Callable[..., Board], service: LiveService
) -> None:
    """A token that came in place of an ended one may be of another team: that is no dead end."""
    name = f"board-{secrets.token_hex(4)}"
    key = service.new_key(name, role="supervisor")
    board = open_board(key=key)
    call = board.call()
    other = service.request(
        "POST", "/v1/tokens", {"role": "supervisor", "user_id": "s-1", "teams": ["elsewhere"]}
    )["token"]
    service.revoke(name, key)
    expect(board.page.locator("form.again")).to_be_visible()
    sign_in(board.page, other)
    expect(board.root.locator("p.notice")).to_contain_text("没有权限查看这个班组")
    assert board.root.locator(".bar option:checked").first.inner_text() == board.team
    board.root.get_by_role("button", name="换个令牌登录").click()
    sign_in(board.page, service.key)
    expect(board.root.locator(".link-state.live")).to_be_visible()
    call.say("你冷静一点")
    expect(board.row(call).locator(".score")).to_have_text("30")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768])
def test_axe_finds_nothing_serious(open_board: Callable[..., Board], theme: str, width: int) -> None:
    """With rows of every kind, alerts and an opened call."""
    board = open_board(width=width)
    board.page.emulate_media(color_scheme=theme)
    calm, warned, risky = board.call("平静"), board.call("提醒"), board.call("激动")
    warned.say("这个我不知道")
    risky.say("你们要赔偿我", speaker="customer")
    risky.say("你冷静一点")
    calm.say("喂", speaker="unknown")
    expect(board.row(risky).locator(".flag.help")).to_be_visible()
    assert serious(board.page) == []
    board.row(risky).locator(".open").click()
    expect(board.panel.locator("mark")).to_be_visible()
    assert serious(board.page) == []


@pytest.mark.parametrize("width", [1280, 1024, 768, 390])
def test_nothing_is_cut_off_at_any_width(open_board: Callable[..., Board], width: int) -> None:
    """The page never scrolls sideways, opened or not."""
    board = open_board(width=width)
    call = board.call("名字很长的坐席同学")
    call.say("这个我不知道，这不归我管，你找别人吧")
    expect(board.row(call)).to_be_visible()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert board.page.evaluate(wide) <= 0
    board.row(call).locator(".open").click()
    expect(board.panel.locator(".bubble")).to_be_visible()
    assert board.page.evaluate(wide) <= 0


def test_the_page_speaks_english(open_board: Callable[..., Board]) -> None:
    """The reasons too; quotes and suggestions stay as they are."""
    board = open_board(query="&lang=en")
    call = board.call()
    call.say("你冷静一点")
    expect(board.row(call).locator("td.last")).to_contain_text("1 forbidden")
    expect(board.root.locator("h1")).to_have_text("Team wallboard")


def test_a_wrong_credential_is_said_so(page: Page, service: LiveService) -> None:
    """On the form, before anything is shown."""
    page.goto(f"{service.url}/wallboard?team=t1")
    page.locator("input[name=credential]").fill("coach_nonsense")
    page.locator("form button").click()
    expect(page.get_by_role("alert")).to_have_text("令牌或密钥无效，或角色不对")


def test_a_key_without_a_team_asks_for_one(page: Page, service: LiveService) -> None:
    """A key does not say whose supervisor holds it."""
    page.goto(f"{service.url}/wallboard")
    page.locator("input[name=credential]").fill(service.key)
    page.locator("form button").click()
    page.get_by_label("要看哪个班组").fill("一组")
    page.get_by_role("button", name="打开").click()
    expect(page.locator("coach-wallboard .link-state.live")).to_be_visible()
    expect(page.locator("coach-wallboard .nothing")).to_contain_text("没有进行中的通话")


def test_a_demo_call_shows_on_the_wallboard_of_the_demo(context: BrowserContext, demo: LiveService) -> None:
    """Without a key; the demo page links to it, and its agent is there with a name."""
    phone, board = context.new_page(), context.new_page()
    phone.set_viewport_size({"width": 1280, "height": 800})
    phone.goto(f"{demo.url}/demo")
    expect(phone.locator("nav a[href='/wallboard']")).to_be_visible()
    phone.locator("demo-softphone").get_by_role("button", name="这个我不知道", exact=True).click()
    board.goto(f"{demo.url}/wallboard")
    expect(board.locator("coach-wallboard tbody")).to_contain_text("演示坐席")
