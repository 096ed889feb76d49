"""The review report in real Chromium: from a file, with and without script, light, dark, and on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from coach.review.outputs import write_outputs
from tests.review.result_records import results, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of two thousand generated calls, as a file."""
    folder = tmp_path_factory.mktemp("review")
    write(folder / "results.jsonl", results(2000))
    [path] = write_outputs(folder, formats=["html"])
    return path.as_uri()


@pytest.fixture
def report(page: Page, report_url: str) -> Iterator[Page]:
    """The report, open on a desktop; fails on anything the browser complains about or fetches."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url != report_url else None)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(report_url)
    yield page
    assert complaints == []


def serious(page: Any) -> list[str]:
    """Return what axe calls serious or critical, with the element."""
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, report_url: str, scheme: Any) -> None:
    """No serious violation with everything unfolded."""
    # axe is put into the page as a script, which the page's policy forbids.
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    page.goto(report_url)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert serious(page) == []
    context.close()


def test_story_comes_first(report: Page) -> None:
    """Three sentences stand above everything else."""
    expect(report.locator(".story > p")).to_have_count(3)
    expect(report.locator(".story > p").first).to_contain_text("本批 2,000 通电话")


def test_reads_without_script(browser: Browser, report_url: str) -> None:
    """With JavaScript off everything can be read and unfolded; what needs script is not shown."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report_url)
    expect(page.locator("svg.chart").first).to_be_visible()
    expect(page.locator("#theme")).to_be_hidden()
    call = page.locator("section[aria-labelledby=worst] details.call").nth(1)
    expect(call.locator("ol")).to_be_hidden()
    call.locator("summary").click()
    expect(call.locator("mark").first).to_be_visible()
    context.close()


def test_a_column_is_sorted_by_its_numbers(report: Page) -> None:
    """A click sorts from the highest down, another from the lowest up, by number and not by text."""
    table = report.locator("section[aria-labelledby=teams] table")
    report.locator("section[aria-labelledby=teams] details.twin summary").click()
    head = table.get_by_role("columnheader", name="通话")
    cells = table.locator("tbody td:nth-child(2)")
    for direction, reverse in (("descending", True), ("ascending", False)):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", direction)
        counts = [int(text.replace(",", "")) for text in cells.all_text_contents()]
        assert counts == sorted(counts, reverse=reverse)


def test_rules_can_be_filtered(report: Page) -> None:
    """What does not hold the words goes away, and comes back."""
    rules = report.locator("details.rule")
    every = rules.count()
    report.get_by_role("searchbox").fill("冷静")
    expect(report.locator("details.rule:visible")).to_have_count(1)
    report.get_by_role("searchbox").fill("")
    expect(report.locator("details.rule:visible")).to_have_count(every)


def test_theme_button_turns_light_and_dark(report: Page) -> None:
    """One click turns the page, another turns it back."""
    ground = "getComputedStyle(document.body).backgroundColor"
    before = report.evaluate(ground)
    report.locator("#theme").click()
    assert report.evaluate(ground) != before
    report.locator("#theme").click()
    assert report.evaluate(ground) == before


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_fits_every_width(report: Page, width: int) -> None:
    """The page never scrolls sideways; wide tables scroll by themselves."""
    report.set_viewport_size({"width": width, "height": 900})
    report.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert report.evaluate("document.documentElement.scrollWidth") <= width


def test_prints_light_on_a4_without_controls(report: Page) -> None:
    """On paper the page is light whatever the theme, without buttons, and no chart is cut by a page break."""
    report.locator("#theme").click()
    report.emulate_media(media="print", color_scheme="dark")
    assert report.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(report.locator("#theme")).to_be_hidden()
    assert report.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    pages = len(re.findall(rb"/Type /Page\b", report.pdf(prefer_css_page_size=True)))
    assert 3 <= pages <= 20
