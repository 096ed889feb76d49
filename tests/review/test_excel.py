"""The workbook, read back with another library than the one that wrote it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from coach.coaching.moment import Moment
from coach.review.excel import ExcelFile
from coach.review.names import AgentNames
from coach.review.rejects import RejectRecord
from coach.review.result import ResultTurn
from coach.review.rows import Rows
from coach.review.tables import Tables
from coach.review.wording import wording
from tests.review.result_records import result, results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from coach.review.result import CallResult

VIEWS = ["概览", "通话", "命中", "时刻", "坐席", "班组", "规则", "承诺", "拒收"]


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Any]:
    """Return a factory of workbooks, read back."""

    def make(
        found: Iterable[CallResult] = (),
        rejects: Iterable[RejectRecord] = (),
        *,
        lang: str = "zh-CN",
        **options: int,
    ) -> Any:
        words = wording(lang)
        names = AgentNames(prefix=words("agent-prefix"))
        tables = Tables(names=names)
        path = tmp_path / "review.xlsx"
        with ExcelFile(path, rows=Rows(names), words=words, **options) as excel:
            for one in found:
                tables.add(one)
                excel.add(one)
            for record in rejects:
                excel.reject(record)
            excel.summarise(tables)
        return load_workbook(path)

    return make


def table(sheet: Any) -> list[dict[str, Any]]:
    """Return a sheet as a list of rows by their heads."""
    heads, *rest = sheet.iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rest]


def test_a_sheet_per_view_filterable_and_frozen(workbook: Callable[..., Any]) -> None:
    """Nine sheets; each keeps its head in sight, and all but the overview can be filtered."""
    book = workbook(results(20))
    assert book.sheetnames == VIEWS
    for sheet in book:
        assert sheet.freeze_panes == ("A2" if sheet.title == "概览" else "B2")
        assert (sheet.auto_filter.ref is not None) == (sheet.title != "概览")


def test_types_of_a_call(workbook: Callable[..., Any]) -> None:
    """Dates are dates, times are times, numbers are numbers, ids stay as written."""
    [row] = table(workbook([result("000123", duration_ms=90_000)])["通话"])
    assert row["通话"] == "000123"
    assert row["开始时间"] == datetime.fromisoformat("2026-11-01T09:00")
    assert row["时长"] == timedelta(seconds=90)
    assert row["分数"] == 95
    assert row["及格"] == "是"
    assert row["问题类别"] == "不知道、不清楚"
    assert row["坐席"] == "坐席 A01"


def test_a_hit_has_its_context_and_room_for_a_verdict(workbook: Callable[..., Any]) -> None:
    """Turns count from one; the reviewer chooses a verdict from a list."""
    book = workbook([result()])
    [row] = table(book["命中"])
    assert row["第几句"] == 2
    assert row["命中的话"] == "我不知道"
    assert row["前一句"] == "我的快递怎么还没到"
    assert row["可以说"] == "我帮您查一下，两小时内给您答复。"
    assert row["复核结论"] is None
    [rule] = book["命中"].data_validations.dataValidation
    assert "误报" in rule.formula1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t="])
def test_formulas_from_strangers_are_text(workbook: Callable[..., Any], start: str) -> None:
    """A cell that looks like a formula is text and stays text when it is edited."""
    said = start + 'HYPERLINK("x")'
    sheet = workbook([result(turns=(ResultTurn("customer", said, 0, 1), result().turns[1]))])["命中"]
    cell = next(cell for cell in sheet[2] if cell.value is not None and "HYPERLINK" in str(cell.value))
    assert cell.data_type == "s"
    assert cell.quotePrefix


def test_odd_characters_do_not_break_the_file(workbook: Callable[..., Any]) -> None:
    """Control characters, astral characters and a text longer than a cell can hold."""
    said = "\x00\x0b\ufffe𠮷" + "长" * 40_000
    [row] = table(workbook([result(turns=(ResultTurn("customer", said, 0, 1), result().turns[1]))])["命中"])
    assert "𠮷长" in row["前一句"]
    assert row["前一句"].endswith("…")


def test_full_sheets_go_on_in_a_next_one(workbook: Callable[..., Any]) -> None:
    """No row is lost when a sheet is full, and every page has its head and filter."""
    book = workbook([result(f"c{number}") for number in range(25)], max_rows=11)
    pages = [sheet for sheet in book if sheet.title.startswith("通话")]
    assert [page.title for page in pages] == ["通话", "通话 2", "通话 3"]
    assert [row["通话"] for page in pages for row in table(page)] == [f"c{number}" for number in range(25)]
    assert all(page.auto_filter.ref for page in pages)


def test_commitments_and_moments_in_words(workbook: Callable[..., Any]) -> None:
    """A promise has its due time as a date; details read as words, not as JSON."""
    details = {
        "who": "我",
        "what": "回电",
        "when": "两小时内",
        "due_ms": 7_200_000,
        "vague": False,
        "ask": "",
    }
    book = workbook([result(moments=(Moment("commitment", 4000, 1, details),))])
    [row] = table(book["承诺"])
    assert row["到期"] == datetime.fromisoformat("2026-11-01T11:00")
    assert row["没说清时间"] == "否"
    [moment] = table(book["时刻"])
    assert moment["细节"] == "谁来办：我；承诺：回电；时间：两小时内"


def test_agents_with_few_turns_have_no_rate(workbook: Callable[..., Any]) -> None:
    """Too small a sample says so instead of showing a number."""
    [row] = table(workbook([result()])["坐席"])
    assert row["每百句问题句"] is None
    assert row["样本"] == "样本不足"


def test_rejects_are_listed(workbook: Callable[..., Any]) -> None:
    """Every record that could not be read is there with file, line, field and what came."""
    [row] = table(workbook(rejects=[RejectRecord("a.csv", 3, "speaker", "收到 '甲'", "=1+1")])["拒收"])
    assert row == {"文件": "a.csv", "行": 3, "字段": "speaker", "问题": "收到 '甲'", "原始内容": "=1+1"}


def test_years_before_excel_are_text(workbook: Callable[..., Any]) -> None:
    """A placeholder date that Excel does not know is shown as it came."""
    [row] = table(workbook([result(started_at=datetime.fromisoformat("0001-01-01T00:00"))])["通话"])
    assert row["开始时间"] == "0001-01-01 00:00:00"


def test_english_titles(workbook: Callable[..., Any]) -> None:
    """With lang=en sheets and heads are English."""
    book = workbook([result()], lang="en")
    assert book.sheetnames[:3] == ["Overview", "Calls", "Hits"]
    assert table(book["Calls"])[0]["Agent"] == "Agent A01"
