"""All that people open after a review, made from results.jsonl in one pass: report, workbook, CSV, Parquet."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self, get_args

from coach.errors import ConfigError, TranscriptError, cause
from coach.review.csv_files import TABLES, CsvFiles
from coach.review.excel import ExcelFile
from coach.review.names import AgentNames
from coach.review.parquet import ParquetFiles
from coach.review.rejects import read_rejects
from coach.review.report import read_card, render
from coach.review.result import read_results
from coach.review.rows import Rows
from coach.review.tables import Tables
from coach.review.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from coach.review.result import CallResult

Output = Literal["html", "excel", "csv", "parquet"]
OUTPUTS: Final[tuple[Output, ...]] = get_args(Output)


class _Sink(Protocol):
    def add(self, result: CallResult) -> None: ...


def write_outputs(
    directory: Path,
    *,
    anonymous: bool = True,
    lang: str = "zh-CN",
    formats: Collection[str] | None = None,
    written: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write the outputs beside results.jsonl and rejects.jsonl; each appears only when it is complete.

    Args:
        directory: of the review.
        anonymous: agents appear under codes that are the same in all outputs of this run.
        lang: "zh-CN" or "en".
        formats: any of `OUTPUTS`; None: all that this installation can write.
        written: is told after each call how many are written.

    Returns:
        The files written.

    Raises:
        ConfigError: unknown language or format, a package is missing, or the directory cannot be written.
        TranscriptError: results.jsonl or rejects.jsonl is missing or broken, with its line.
    """
    words = wording(lang)
    if formats is None:
        formats = OUTPUTS if find_spec("pyarrow") else OUTPUTS[:-1]
    unknown = sorted(set(formats) - set(OUTPUTS))
    if unknown:
        raise ConfigError(f"formats: 收到 {unknown[0]!r:.40}，应为 {'、'.join(OUTPUTS)} 之一")
    if not (directory / "results.jsonl").is_file():
        raise TranscriptError(f"{directory}: 没有 results.jsonl；应为 coach review 的输出目录")
    try:
        with _Drafts(directory) as drafts:
            names = AgentNames(anonymous=anonymous, prefix=words("agent-prefix"))
            tables = Tables(names=names)
            _write(directory, drafts, tables, rows=Rows(names), formats=formats, lang=lang, written=written)
            if "html" in formats:
                drafts.path("report.html").write_text(
                    render(tables, words, card=read_card(directory / "summary.json")), "utf-8"
                )
            return drafts.publish()
    except OSError as error:
        raise ConfigError(f"{error.filename or directory}: 写不了结果文件：{cause(error)}") from error


def _write(
    directory: Path,
    drafts: _Drafts,
    tables: Tables,
    *,
    rows: Rows,
    formats: Collection[str],
    lang: str,
    written: Callable[[int], None] | None,
) -> None:
    with ExitStack() as stack:
        sinks: list[_Sink] = [tables]
        excel = None
        if "excel" in formats:
            excel = stack.enter_context(ExcelFile(drafts.path("review.xlsx"), rows=rows, words=wording(lang)))
            sinks.append(excel)
        if "csv" in formats:
            paths = {name: drafts.path(f"{name}.csv") for name in TABLES}
            sinks.append(stack.enter_context(CsvFiles(paths, rows=rows)))
        if "parquet" in formats:
            paths = {name: drafts.path(f"{name}.parquet") for name in TABLES}
            sinks.append(stack.enter_context(ParquetFiles(paths, rows=rows)))
        for count, result in enumerate(read_results(directory / "results.jsonl"), 1):
            for sink in sinks:
                sink.add(result)
            if written is not None:
                written(count)
        for record in read_rejects(directory / "rejects.jsonl"):
            tables.reject(record.field, record.problem)
            if excel is not None:
                excel.reject(record)
        if excel is not None:
            excel.summarise(tables)


class _Drafts:
    """Files under hidden names until all are complete; what a failed or killed run left is removed or written over."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for name in self._names:
            self._hidden(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Return where to write the file for now."""
        self._names.append(name)
        return self._hidden(name)

    def publish(self) -> list[Path]:
        """Give all files their names."""
        for name in self._names:
            self._hidden(name).replace(self._directory / name)
        return [self._directory / name for name in self._names]

    def _hidden(self, name: str) -> Path:
        return self._directory / f".{name}.tmp"
