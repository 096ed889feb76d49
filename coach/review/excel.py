"""The workbook QA works in: a sheet per view, filterable, with columns to note what a reviewer found.

Calls, hits, moments and commitments are written while the results are read; what adds up comes last.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Self

from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxWriterException

from coach.review.rows import CALLS, COMMITMENTS, HITS, MOMENTS, Column
from coach.review.summary_sheets import (
    AGENTS,
    OVERVIEW,
    REJECTS,
    RULES,
    TEAMS,
    agents,
    overview,
    rules,
    teams,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from xlsxwriter.worksheet import Worksheet

    from coach.review.rejects import RejectRecord
    from coach.review.result import CallResult
    from coach.review.rows import Row, Rows, Value
    from coach.review.tables import Tables
    from coach.review.wording import Wording

# What one sheet and one cell of the format can hold (rows, UTF-16 units).
MAX_ROWS = 1_048_576
_MAX_TEXT = 32_767
# Above this a part may be too large for the plain zip format; what is written at the end comes on top.
_ZIP32 = 3 << 30
# Excel's calendar begins here.
_FIRST_YEAR = 1900
_DAY_MS = 86_400_000
# Neither Excel nor a reader has any use for these.
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\ufffd")
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_REVIEWED = (
    Column("review", ("复核结论", "Verdict"), "text", 10),
    Column("remark", ("复核备注", "Remark"), "text", 30),
)
_VERDICTS = (("正确", "误报", "存疑"), ("right", "wrong", "unsure"))
_SHEETS = {
    "overview": (("概览", "Overview"), OVERVIEW),
    "calls": (("通话", "Calls"), CALLS),
    "hits": (("命中", "Hits"), (*HITS, *_REVIEWED)),
    "moments": (("时刻", "Moments"), MOMENTS),
    "agents": (("坐席", "Agents"), AGENTS),
    "teams": (("班组", "Teams"), TEAMS),
    "rules": (("规则", "Rules"), RULES),
    "commitments": (("承诺", "Commitments"), COMMITMENTS),
    "rejects": (("拒收", "Rejects"), REJECTS),
}


class ExcelFile:
    """Writes the workbook.

    Args:
        path: where it goes.
        rows: makes the rows of calls.
        words: the language of titles.
        max_rows: of one sheet, its head included; what is more goes on in a next sheet.
    """

    def __init__(self, path: Path, *, rows: Rows, words: Wording, max_rows: int = MAX_ROWS) -> None:
        # The disk that has room for the workbook has room for its parts; /tmp is often small.
        self._parts = path.with_name(f"{path.name}.parts")
        rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir()
        # Rows go to disk as they are written; the price is that strings are not shared between cells.
        self._book = Workbook(
            str(path),
            {
                "constant_memory": True,
                "tmpdir": str(self._parts),
                "strings_to_formulas": False,
                "strings_to_urls": False,
            },
        )
        self._rows = rows
        self._words = words
        self._column = 1 if words.lang == "en" else 0
        look = _Look(self._book)
        self._sheets = {
            name: _Sheet(self._book, titles[self._column], table, look=look, words=words, max_rows=max_rows)
            for name, (titles, table) in _SHEETS.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
            else:
                # Only to let go of the parts; the workbook is thrown away.
                with suppress(OSError, XlsxWriterException):
                    self._book.close()
        finally:
            rmtree(self._parts, ignore_errors=True)

    def _finish(self) -> None:
        for name, sheet in self._sheets.items():
            sheet.finish(filtered=name != "overview")
        hits = _SHEETS["hits"][1]
        verdicts = {"validate": "list", "source": list(_VERDICTS[self._column])}
        self._sheets["hits"].validate(len(hits) - len(_REVIEWED), verdicts)
        if sum(part.stat().st_size for part in self._parts.iterdir()) > _ZIP32:
            self._book.use_zip64()
        try:
            self._book.close()
        except XlsxWriterException as fault:
            raise OSError(str(fault)) from fault

    def add(self, result: CallResult) -> None:
        """Write the rows of one call."""
        self._sheets["calls"].write(self._rows.call(result))
        for row in self._rows.hits(result):
            self._sheets["hits"].write(row)
        for row in self._rows.moments(result):
            self._sheets["moments"].write(row)
        for row in self._rows.commitments(result):
            self._sheets["commitments"].write(row)

    def reject(self, record: RejectRecord) -> None:
        """Write one record that could not be read."""
        self._sheets["rejects"].write((record.file, record.line, record.field, record.problem, record.raw))

    def summarise(self, tables: Tables) -> None:
        """Write the sheets of what adds up."""
        for row in overview(tables, self._words):
            if len(row) == 1:
                self._sheets["overview"].heading(str(row[0] or ""))
            else:
                self._sheets["overview"].write(row)
        for name, rows in (
            ("agents", agents(tables, self._words)),
            ("teams", teams(tables, self._words)),
            ("rules", rules(tables, self._words)),
        ):
            self._write_all(name, rows)

    def _write_all(self, name: str, rows: Iterable[Row]) -> None:
        for row in rows:
            self._sheets[name].write(row)


class _Look:
    """The formats of a workbook."""

    def __init__(self, book: Workbook) -> None:
        top = {"valign": "top"}
        self.head = book.add_format(
            {
                "bold": True,
                "bg_color": "#1D5FBF",
                "font_color": "#FFFFFF",
                "valign": "vcenter",
                "text_wrap": True,
            }
        )
        self.heading = book.add_format({"bold": True, "valign": "vcenter", "text_wrap": True})
        self.alarm = book.add_format({"font_color": "#B3261E", "bg_color": "#FDECEB"})
        self.text = book.add_format({**top, "text_wrap": True})
        # Excel leaves such a cell text even after it was edited.
        self.literal = book.add_format({**top, "text_wrap": True, "quote_prefix": True})
        self.time = book.add_format({**top, "num_format": "yyyy-mm-dd hh:mm"})
        self.span = book.add_format({**top, "num_format": "[h]:mm:ss"})
        self.count = book.add_format({**top, "num_format": "#,##0"})
        self.number = book.add_format({**top, "num_format": "#,##0.0"})


class _Sheet:
    """A table that continues on a next sheet when one is full."""

    def __init__(
        self,
        book: Workbook,
        title: str,
        table: tuple[Column, ...],
        *,
        look: _Look,
        words: Wording,
        max_rows: int,
    ) -> None:
        self._book = book
        self._title = title
        self._table = table
        self._look = look
        self._words = words
        self._column = 1 if words.lang == "en" else 0
        self._max_rows = max_rows
        self._pages: list[tuple[Worksheet, int]] = []
        self._open()

    def write(self, row: Row) -> None:
        """Write one row below the last."""
        if self._next >= self._max_rows:
            self.finish(filtered=True)
            self._open()
        for index, (value, column) in enumerate(zip(row, self._table, strict=False)):
            self._write(index, value, column)
        self._next += 1

    def heading(self, words: str) -> None:
        """Write words over the whole width, as high as they need."""
        if words:
            width = sum(column.width for column in self._table)
            self._page.set_row(self._next, 18 * (1 + 2 * len(words) // width))
            self._page.merge_range(self._next, 0, self._next, len(self._table) - 1, words, self._look.heading)
        self._next += 1

    def finish(self, *, filtered: bool) -> None:
        """Set filter and colours over what was written."""
        last = max(self._next - 1, 1)
        if filtered:
            self._page.autofilter(0, 0, last, len(self._table) - 1)
        for index, column in enumerate(self._table):
            alarming = {"severity": self._words.severity("violation")}.get(column.kind)
            if column.name == "passed" and column.kind == "flag":
                alarming = self._words("no")
            if alarming:
                rule = {
                    "type": "cell",
                    "criteria": "==",
                    "value": f'"{alarming}"',
                    "format": self._look.alarm,
                }
                self._page.conditional_format(1, index, last, index, rule)
        self._pages.append((self._page, self._next))

    def validate(self, column: int, options: dict[str, Any]) -> None:
        """Let the cells of a column hold only certain values."""
        for page, rows in self._pages:
            if rows > 1:
                page.data_validation(1, column, rows - 1, column, options)

    def _open(self) -> None:
        name = f"{self._title} {len(self._pages) + 1}" if self._pages else self._title
        self._page = self._book.add_worksheet(name)
        self._page.freeze_panes(1, 0 if self._table is OVERVIEW else 1)
        self._page.set_row(0, 22)
        self._page.set_landscape()
        self._page.set_paper(9)
        self._page.fit_to_pages(1, 0)
        self._page.repeat_rows(0)
        for index, column in enumerate(self._table):
            self._page.set_column(index, index, column.width)
            self._page.write_string(0, index, column.titles[self._column], self._look.head)
        self._next = 1

    def _write(self, index: int, value: Value, column: Column) -> None:
        if value is None or value == "":
            return
        look, page, row = self._look, self._page, self._next
        if column.kind == "flag":
            page.write_string(row, index, self._words("yes" if value else "no"), look.text)
        elif isinstance(value, datetime):
            if value.year < _FIRST_YEAR:
                page.write_string(row, index, value.isoformat(sep=" "), look.text)
            else:
                page.write_datetime(row, index, value, look.time)
        elif isinstance(value, (str, tuple)):
            words = self._say(value, column)
            page.write_string(row, index, words, look.literal if words.startswith(_RISKY) else look.text)
        elif column.kind == "ms":
            page.write_number(row, index, value / _DAY_MS, look.span)
        elif column.kind == "index":
            # People count from one.
            page.write_number(row, index, value + 1, look.count)
        else:
            page.write_number(row, index, value, look.number if isinstance(value, float) else look.count)

    def _say(self, value: str | tuple[str, ...], column: Column) -> str:
        words = self._words
        if isinstance(value, tuple):
            return words("list").join(words.category(each) for each in value)
        said = {
            "category": words.category,
            "kind": words.kind,
            "severity": words.severity,
            "motive": words.motive,
            "details": words.details,
        }.get(column.kind, str)(value)
        if not said.isprintable():
            said = said.translate(_CONTROLS)
        return said if 2 * len(said) <= _MAX_TEXT else _shortened(said)


def _shortened(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MAX_TEXT:
        return text
    return units[: 2 * _MAX_TEXT - 2].decode("utf-16-le", "ignore") + "…"
