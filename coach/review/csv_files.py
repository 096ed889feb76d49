"""Calls, hits and moments as CSV: UTF-8 with BOM, so that Excel in Chinese opens it, and safe to open there."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Self

from coach.review.rows import CALLS, HITS, MOMENTS, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from coach.review.result import CallResult
    from coach.review.rows import Column, Row, Value

# A cell that begins so is run as a formula by spreadsheets.
_RISKY = ("=", "+", "-", "@", "\t", "\r")
TABLES: Mapping[str, tuple[Column, ...]] = {"calls": CALLS, "hits": HITS, "moments": MOMENTS}


class CsvFiles:
    """Writes the three files while the results are read.

    Args:
        paths: where "calls", "hits" and "moments" go.
        rows: makes the rows.
    """

    def __init__(self, paths: Mapping[str, Path], *, rows: Rows) -> None:
        self._paths = paths
        self._rows = rows
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._writers = {}
        for name, table in TABLES.items():
            opened = self._paths[name].open("w", encoding="utf-8-sig", newline="")
            self._writers[name] = csv.writer(self._stack.enter_context(opened))
            self._writers[name].writerow([column.name for column in table])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, result: CallResult) -> None:
        """Write the rows of one call."""
        self._writers["calls"].writerow(_cells(self._rows.call(result)))
        self._writers["hits"].writerows(map(_cells, self._rows.hits(result)))
        self._writers["moments"].writerows(map(_cells, self._rows.moments(result)))


def _cells(row: Row) -> list[str | float | None]:
    return [_cell(value) for value in row]


def _cell(value: Value) -> str | float | None:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_RISKY) else value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return _cell(";".join(value)) if isinstance(value, tuple) else value
