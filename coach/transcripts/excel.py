"""Excel workbooks: every sheet that has a header we understand, one utterance or one call a row.

A sheet is held in memory as a whole, which Excel's own million rows bound; larger data belongs into CSV.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson
import python_calamine as calamine

from coach.errors import cause
from coach.transcripts import streams
from coach.transcripts.archive import ZIP_MAGIC, RefusedError
from coach.transcripts.columns import Columns, HeaderError, cell_text, read_row, understand
from coach.transcripts.csvfile import whole_call
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.rows import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coach.transcripts.model import Limits, ReadOptions, Slice, TranscriptCall
    from coach.transcripts.rows import Row

_HEADER_LINES: Final = 10
_BROKEN: Final = (calamine.CalamineError, zipfile.BadZipFile, OSError, NotImplementedError)
_VISIBLE: Final = calamine.SheetVisibleEnum.Visible


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls of a workbook, sheet by sheet."""
    try:
        book = _open(piece, options.limits)
        sheets = [sheet.name for sheet in book.sheets_metadata if sheet.visible == _VISIBLE]
    except calamine.PasswordError:
        yield Reject(Place(piece.name), "", "工作簿有密码，请去掉密码再给")
        return
    except RefusedError as error:
        yield Reject(Place(piece.name), "", str(error))
        return
    except _BROKEN as error:
        yield Reject(Place(piece.name), "", f"不是能读的 Excel 工作簿：{_damage(error)}")
        return
    for name in sheets:
        yield from _read_sheet(book, name, piece, options, alone=len(sheets) == 1)


def _open(piece: Slice, limits: Limits) -> calamine.CalamineWorkbook:
    if piece.member:
        with streams.open_source(piece.file, piece.member, limits) as stream:
            held = stream.read(limits.sheet + 1)
        if len(held) > limits.sheet:
            raise RefusedError(f"工作簿超过 {limits.sheet // 1024**2} MB，请先从压缩包里解开")
        _check(io.BytesIO(held), limits)
        return calamine.CalamineWorkbook.from_filelike(io.BytesIO(held))
    with piece.file.open("rb") as file:
        _check(file, limits)
    return calamine.CalamineWorkbook.from_path(piece.file)


def _damage(error: Exception) -> str:
    if isinstance(error, OSError):
        return cause(error)
    # What the library found is for whoever looks into the file; the way out is for everybody.
    return f"内容损坏或不完整，请在 Excel 里打开后另存（{type(error).__name__}）"


def _check(file: BinaryIO, limits: Limits) -> None:
    """Refuse a workbook that would unpack to more than memory should hold.

    Raises:
        RefusedError: a sheet together with the shared strings is too large.
    """
    if file.read(4) not in ZIP_MAGIC:
        return
    with zipfile.ZipFile(file) as packed:
        sizes = [(info.filename, info.file_size) for info in packed.infolist()]
    shared = sum(size for name, size in sizes if name.lower().endswith("sharedstrings.xml"))
    sheet = max((size for name, size in sizes if not name.lower().endswith("sharedstrings.xml")), default=0)
    if sheet + shared > limits.sheet:
        raise RefusedError(
            f"工作表解压后 {(sheet + shared) // 1024**2} MB，应不超过 {limits.sheet // 1024**2} MB；"
            "请另存为 CSV（逐行读，不占内存）"
        )


def _read_sheet(
    book: calamine.CalamineWorkbook, name: str, piece: Slice, options: ReadOptions, *, alone: bool
) -> Iterator[TranscriptCall | Reject]:
    file = piece.name if alone else f"{piece.name}#{name}"
    try:
        sheet = book.get_sheet_by_name(name)
    except _BROKEN as error:
        yield Reject(Place(file), "", f"工作表读不了：{_damage(error)}")
        return
    # Rows come from the first that holds anything; people count from the first of the sheet.
    first = sheet.start[0] + 1 if sheet.start else 1
    rows = enumerate(sheet.iter_rows(), first)
    try:
        columns = _find_header(rows, options)
    except HeaderError as error:
        yield Reject(Place(file, first), "", str(error))
        return
    if columns is None:
        if alone:
            yield Reject(Place(file), "", "空工作表，应有表头和数据")
        return
    stem = piece.stem if alone else f"{piece.stem}#{name}"
    filled = ((line, cells) for line, cells in rows if any(cell not in {"", None} for cell in cells))
    if columns.layout == "dialogue":
        for line, cells in filled:
            place = Place(file, line)
            yield whole_call(cells, columns, place=place, stem=stem, raw=_raw(cells), options=options)
        return
    scattered = _is_scattered(cell_text(columns.cell(cells, "call")) for cells in sheet.iter_rows())
    yield from calls_of(
        _rows(filled, columns, stem, options), file=file, scattered=scattered, options=options
    )


def _is_scattered(ids: Iterator[str]) -> bool:
    """Whether an id comes back after another."""
    seen: set[str] = set()
    last = ""
    for each in ids:
        if each in {last, ""}:
            continue
        if each in seen:
            return True
        seen.add(each)
        last = each
    return False


def _find_header(rows: Iterator[tuple[int, list[Any]]], options: ReadOptions) -> Columns | None:
    """Read up to the header; None for a sheet without anything in it."""
    first_error: HeaderError | None = None
    for _ in range(_HEADER_LINES):
        _, cells = next(rows, (0, None))
        if cells is None:
            break
        try:
            return understand(cells, options)
        except HeaderError as error:
            first_error = first_error or error
    if first_error is not None:
        raise first_error
    return None


def _rows(
    filled: Iterator[tuple[int, Sequence[object]]], columns: Columns, stem: str, options: ReadOptions
) -> Iterator[Row]:
    for line, cells in filled:
        yield read_row(columns, cells, line=line, raw=_raw(cells), call=stem, options=options)


def _raw(cells: Sequence[object]) -> bytes:
    return orjson.dumps(cells, default=str)[:RAW_LIMIT]
