"""Words that are markup stay words: on the sidebar, in the playground, on the reviews page and in its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from test_playground_page import choose, playground, replace_in_editor, say  # noqa: F401 - a fixture
from test_reviews_page import DIALOGUE, review, reviewing, reviews  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser_panel import OpenPanel
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
# Looks through shadow roots too.
COUNT = """() => {
  const seen = (root) => [...root.querySelectorAll("*")].reduce(
    (sum, each) => sum + (each.matches("img[src=x]") ? 1 : 0) + (each.shadowRoot ? seen(each.shadowRoot) : 0), 0);
  return [seen(document), document.title === "taken"];
}"""


def unharmed(page: Page) -> None:
    """No element was made of the words, and none of their code ran."""
    assert page.evaluate(COUNT) == [0, False]


def test_what_is_said_cannot_become_markup(page: Page, open_panel: OpenPanel) -> None:
    """Agent and customer, partial and final, with and without a mark in it."""
    panel = open_panel()
    call = panel.call()
    call.say(f"{EVIL}这个我不知道啊")
    call.say(EVIL, speaker="customer")
    call.grow(EVIL)
    expect(panel.turns).to_have_count(3)
    expect(panel.turns.first).to_contain_text("<img src=x")
    expect(panel.card).to_have_count(1)
    unharmed(page)


def test_a_rule_cannot_become_markup(playground: Callable[..., Page]) -> None:  # noqa: F811 - the fixture
    """Title and reason of a draft, and the sentence it is tried on."""
    page = playground()
    choose(page)
    replace_in_editor(page, 4, f"title: '{EVIL.replace(chr(39), chr(34))}'")
    say(page, f"{EVIL}这个我不知道")
    expect(page.locator(".card, .find, main").first).to_contain_text("onerror")
    unharmed(page)


def test_an_upload_cannot_become_markup(reviews: Callable[..., Page]) -> None:  # noqa: F811 - the fixture
    """The name of a file and the words in it, on the page and in the report."""
    page = reviews()
    name = "<img src=x onerror=alert(1)>"
    review(
        page,
        **{
            name: DIALOGUE.replace("怎么退订", f"怎么退订{EVIL}").replace(
                "这个我不知道", f"{EVIL}这个我不知道"
            )
        },
    )
    unharmed(page)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="打开报告").click()
    report = opened.value
    expect(report.locator("h1")).to_be_visible()
    unharmed(report)
