"""Calls, hits and moments as Parquet with a typed schema; needs the extra `parquet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from coach.errors import ConfigError
from coach.review.csv_files import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from coach.review.result import CallResult
    from coach.review.rows import CellKind, Column, Row, Rows

# Rows held in memory before a row group is written.
_GROUP = 20_000


class ParquetFiles:
    """Writes the three files while the results are read.

    Args:
        paths: where "calls", "hits" and "moments" go.
        rows: makes the rows.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, paths: Mapping[str, Path], *, rows: Rows) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an optional extra
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError("写 Parquet 需要 pyarrow，请先安装：pip install 'coach[parquet]'") from error
        self._arrow = pa
        self._parquet = parquet
        self._paths = paths
        self._rows = rows
        self._schemas = {name: self._schema(table) for name, table in TABLES.items()}
        self._waiting: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for name in TABLES:
            self._writers[name] = self._parquet.ParquetWriter(
                self._paths[name], self._schemas[name], compression="zstd"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                for name in TABLES:
                    self._flush(name)
        finally:
            for writer in self._writers.values():
                writer.close()

    def add(self, result: CallResult) -> None:
        """Take the rows of one call."""
        self._take("calls", [self._rows.call(result)])
        self._take("hits", self._rows.hits(result))
        self._take("moments", self._rows.moments(result))

    def _take(self, name: str, rows: Iterable[Row]) -> None:
        waiting = self._waiting[name]
        waiting.extend(rows)
        if len(waiting) >= _GROUP:
            self._flush(name)

    def _flush(self, name: str) -> None:
        waiting = self._waiting[name]
        if not waiting:
            return
        schema = self._schemas[name]
        arrays = [
            self._arrow.array(values, type=field.type)
            for values, field in zip(zip(*waiting, strict=True), schema, strict=True)
        ]
        self._writers[name].write_table(self._arrow.Table.from_arrays(arrays, schema=schema))
        waiting.clear()

    def _schema(self, table: tuple[Column, ...]) -> Any:  # noqa: ANN401 - pyarrow has no types
        return self._arrow.schema([(column.name, self._type(column.kind)) for column in table])

    def _type(self, kind: CellKind) -> Any:  # noqa: ANN401
        arrow = self._arrow
        types = {
            "time": arrow.timestamp("ms"),
            "keys": arrow.list_(arrow.string()),
            "flag": arrow.bool_(),
            "number": arrow.float64(),
            "count": arrow.int64(),
            "index": arrow.int32(),
            "ms": arrow.int64(),
        }
        return types.get(kind, arrow.string())
