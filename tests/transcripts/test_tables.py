"""Tables: headers, columns, Excel."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
import xlsxwriter

from coach.transcripts.columns import HeaderError, understand
from coach.transcripts.headers import field_of
from coach.transcripts.model import Limits, ReadOptions, Reject
from tests.transcripts.reading import calls, only_call, only_reject, read_all, told

HEADER = ["通话ID", "角色", "内容", "开始时间", "结束时间", "坐席工号"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("通话 ID", ("call", "")),
        ("Call_ID", ("call", "")),
        ("说话人", ("speaker", "")),
        ("开始时间（秒）", ("start", "s")),
        ("start_ms", ("start", "ms")),
        ("beginOffsetMillis", ("start", "ms")),
        ("End Time [ms]", ("end", "ms")),
        ("坐席 工号", ("agent", "")),
        ("备注", (None, "")),
    ],
)
def test_headers(header, expected):
    """Headers are known in both languages, with their unit, however they are spaced."""
    assert field_of(header) == expected


def test_header_without_text():
    """A header that lacks a column says what it has and what would do."""
    with pytest.raises(HeaderError, match=r"有：通话ID、角色；应有"):
        understand(["通话ID", "角色"], ReadOptions())


def test_named_columns(tmp_path):
    """Columns under any name are read once they are named."""
    file = tmp_path / "old.csv"
    file.write_text("谁,说了什么\n客服,您好\n", encoding="utf-8")
    options = ReadOptions(columns=(("speaker", "谁"), ("text", "说了什么")))
    assert told(only_call(file, options)) == [("agent", "您好", 0, 0)]
    assert "没有这一列" in only_reject(file, ReadOptions(columns=(("speaker", "誰"),))).problem


def test_title_above_the_header(tmp_path):
    """The header may come after a title."""
    file = tmp_path / "export.csv"
    file.write_text("十月通话明细,,\n\n通话编号,角色,内容\na,客服,您好\n", encoding="utf-8")
    assert only_call(file).place.line == 4


def test_row_without_id(tmp_path):
    """A row without the id of its call is told by itself; the calls around it stay."""
    file = tmp_path / "table.csv"
    file.write_text("通话编号,角色,内容\na,客服,您好\n,客户,喂\nb,客服,早\n", encoding="utf-8")
    found = read_all(file)
    assert [getattr(each, "id", "✗") for each in found] == ["a", "✗", "b"]
    assert (found[1].place.line, found[1].field) == (3, "通话编号")


def test_table_without_ids_is_one_call(tmp_path):
    """A table without a column for the id is one call, named after the file."""
    file = tmp_path / "0042.csv"
    file.write_text("角色,内容\n客服,您好\n客户,你好\n", encoding="utf-8")
    assert (only_call(file).id, len(only_call(file).turns)) == ("0042", 2)


def test_wrong_id_column(tmp_path):
    """A call of absurd length is refused with a hint, and not held in memory."""
    file = tmp_path / "table.csv"
    file.write_text("call_id,speaker,text\n" + "1,agent,您好\n" * 50, encoding="utf-8")
    reject = only_reject(file, ReadOptions(limits=Limits(turns=20)))
    assert "50 句，应不超过 20 句" in reject.problem


def workbook(file, *sheets):
    """Write a workbook: a name and rows for each sheet."""
    with xlsxwriter.Workbook(file, {"default_date_format": "hh:mm:ss"}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    sheet.write(number, column, value)
    return file


def test_excel(tmp_path):
    """A workbook keeps ids that are numbers, times of Excel, and rows in any order."""
    rows = [
        HEADER,
        [1001, "客服", "您好", time(0, 0, 1), time(0, 0, 2, 500_000), 7],
        [1002, "客户", "喂", timedelta(seconds=0), timedelta(seconds=1), 8],
        [1001, "客户", "你好", time(0, 0, 3), time(0, 0, 4), 7],
    ]
    first, second = calls(workbook(tmp_path / "book.xlsx", ("明细", rows)))
    assert (first.id, first.agent_id, first.place.line) == ("1001", "7", 2)
    assert told(first) == [("agent", "您好", 1000, 2500), ("customer", "你好", 3000, 4000)]
    assert second.id == "1002"


@pytest.mark.parametrize(
    ("header", "cells"),
    [(["通话ID", "对话内容"], ["客服：您好"]), (["通话ID", "角色", "内容"], ["客服", "您好"])],
)
def test_whole_numbers_are_whole(tmp_path, header, cells):
    """An id that is a whole number stays one where another in its column is not, in both layouts."""
    rows = [header, [1, *cells], [2.5, *cells], [1002, *cells]]
    found = calls(workbook(tmp_path / "book.xlsx", ("明细", rows)))
    assert [call.id for call in found] == ["1", "2.5", "1002"]


def test_excel_serials(tmp_path):
    """Times that lost their format are fractions of a day, dates are serial numbers."""
    rows = [
        ["通话编号", "通话开始时间", "角色", "内容", "开始"],
        ["a", 46027.395833333336, "客服", "您好，请问有什么可以帮您？", 0],
        ["a", 46027.395833333336, "客户", "我想查一下上个月的话费。", 4 / 86_400],
    ]
    call = only_call(workbook(tmp_path / "book.xlsx", ("明细", rows)))
    assert call.started_at == datetime.fromisoformat("2026-01-05T09:30:00")
    assert [turn.start_ms for turn in call.turns] == [0, 4000]


def test_sheets(tmp_path):
    """Every sheet with a header is read, an empty one passed over, and one that is no table is told."""
    rows = [["通话编号", "对话内容"], ["a", "客服：您好"]]
    file = workbook(
        tmp_path / "book.xlsx", ("一月", rows), ("二月", rows), ("空", []), ("说明", [["请勿修改"]])
    )
    found = read_all(file)
    assert [each.place.file.rpartition("#")[2] for each in found] == ["一月", "二月", "说明"]
    assert isinstance(found[-1], Reject)


def test_broken_workbook(tmp_path):
    """A workbook that cannot be opened is a reject."""
    file = workbook(tmp_path / "book.xlsx", ("一", [HEADER]))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert only_reject(file).problem


def test_workbook_too_large(tmp_path):
    """A workbook that would fill the memory is refused, with the way out."""
    file = workbook(
        tmp_path / "book.xlsx", ("一", [HEADER] + [["a", "客服", f"第{n}句"] for n in range(500)])
    )
    assert "另存为 CSV" in only_reject(file, ReadOptions(limits=Limits(sheet=10_000))).problem


def test_rows_that_end_with_a_carriage_return(tmp_path):
    """A table as old Macs write it loses nothing: it was read as a header without rows."""
    file = tmp_path / "mac.csv"
    rows = ["通话ID,角色,内容", *(f't-{call},{who},"好,的"' for call in range(3) for who in ("客服", "客户"))]
    file.write_bytes("\r".join(rows).encode())
    assert [(call.id, call.place.line, len(call.turns)) for call in calls(file)] == [
        ("t-0", 2, 2),
        ("t-1", 4, 2),
        ("t-2", 6, 2),
    ]
    assert calls(file) == read_all(file, slice_bytes=40)
