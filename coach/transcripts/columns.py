"""The header of a table: which column holds which field, and how a row is read by it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from coach.transcripts.headers import FIELDS, Field, examples, field_of
from coach.transcripts.model import RAW_LIMIT
from coach.transcripts.rows import Row
from coach.transcripts.stamps import NONE, Stamp, read_stamp, read_wall_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coach.transcripts.model import ReadOptions

_ABOUT: Final[dict[Field, str]] = {
    "agent": "agent_id",
    "team": "team",
    "started_at": "started_at",
    "customer": "customer_id",
    "org": "org",
}


class HeaderError(ValueError):
    """A header lacks what a transcript needs; says what it has and what was expected."""


class CellError(ValueError):
    """A cell is wrong: its column, and what came and what was expected."""

    def __init__(self, column: str, problem: str) -> None:
        self.column = column
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Columns:
    """A header that was understood.

    Attributes:
        layout: `utterance` (a row is one utterance) or `dialogue` (a row is a whole call).
        at: column of each field, from 0.
        units: "ms" or "s" for columns whose header tells it.
        names: the header as it is.
    """

    layout: Literal["utterance", "dialogue"]
    at: Mapping[Field, int]
    units: Mapping[Field, str]
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.names)

    def cell(self, cells: Sequence[object], field: Field) -> object:
        """Return the value of a field, "" when the row or the table does not have it."""
        index = self.at.get(field, -1)
        value = cells[index] if 0 <= index < len(cells) else ""
        return "" if value is None else value

    def name(self, field: Field) -> str:
        """Return what the table calls a field."""
        return self.names[self.at[field]]


def understand(header: Sequence[object], options: ReadOptions) -> Columns:
    """Find the fields in a header.

    Raises:
        HeaderError: there is no text, or nobody who speaks.
    """
    names = tuple(cell_text(cell) for cell in header)
    while names and not names[-1]:
        names = names[:-1]
    at: dict[Field, int] = {}
    units: dict[Field, str] = {}
    for named, wanted in options.columns:
        field = check_field(named)
        found = next((index for index, name in enumerate(names) if _same(name, wanted)), None)
        if found is None:
            raise HeaderError(f"--column {field}={wanted}：没有这一列；有：{_list(names)}")
        at[field] = found
    taken = set(at.values())
    for index, name in enumerate(names):
        known, unit = field_of(name)
        if known is not None and known not in at and index not in taken:
            at[known] = index
            units[known] = unit
    return Columns(_layout(at, names), at, units, names)


def _layout(at: dict[Field, int], names: tuple[str, ...]) -> Literal["utterance", "dialogue"]:
    if "text" in at and "speaker" in at:
        return "utterance"
    if "dialogue" in at:
        return "dialogue"
    if "text" in at:
        at["dialogue"] = at.pop("text")
        return "dialogue"
    lacking: Field = "text" if "speaker" in at else "dialogue"
    raise HeaderError(
        f"表头里没有{'说话内容' if lacking == 'text' else '说话人和说话内容'}列；有：{_list(names)}；"
        f"应有 {examples('speaker')} 之一和 {examples('text')} 之一，或整通对话列（{examples('dialogue')}）；"
        "叫别的名字请用 --column text=列名"
    )


def read_row(
    columns: Columns, cells: Sequence[object], *, line: int, raw: bytes, call: str, options: ReadOptions
) -> Row:
    """Read a row that is one utterance.

    Args:
        columns: the header.
        cells: of the row.
        line: number of the row.
        raw: the row as it came.
        call: id of the call when the table has no column for it.
        options: tell the offset of wall clocks.
    """
    raw = raw[:RAW_LIMIT]
    if "call" in columns.at:
        call = cell_text(columns.cell(cells, "call"))
        if not call:
            return Row("", line, problem=(columns.name("call"), "为空，应有通话编号"), raw=raw)
    if len(cells) > columns.width and any(map(cell_text, cells[columns.width :])):
        problem = f"收到 {len(cells)} 列，表头有 {columns.width} 列；文字里有分隔符的要加引号"
        return Row(call, line, problem=("", problem), raw=raw)
    try:
        start = _stamp(columns, cells, "start", options)
        end = _stamp(columns, cells, "end", options)
        length = _stamp(columns, cells, "duration", options)
        about = read_about(columns, cells, options)
    except CellError as error:
        return Row(call, line, problem=(error.column, str(error)), raw=raw)
    label, text = cell_text(columns.cell(cells, "speaker")), cell_text(columns.cell(cells, "text"))
    if "\ufffd" in text:
        return Row(call, line, problem=(columns.name("text"), f"编码有误：{text[:40]!r}"), raw=raw)
    return Row(call, line, label, text, start, end, length, about=about, raw=raw)


def read_about(columns: Columns, cells: Sequence[object], options: ReadOptions) -> dict[str, Any]:
    """Return what a row tells of its call, as fields of a draft.

    Raises:
        CellError: a date is none.
    """
    found: dict[str, Any] = {}
    for field, name in _ABOUT.items():
        if field not in columns.at:
            continue
        value = columns.cell(cells, field)
        if value == "":
            continue
        if field != "started_at":
            found[name] = cell_text(value)
            continue
        try:
            found[name] = read_wall_clock(value, utc_offset=options.utc_offset)
        except ValueError as error:
            raise CellError(columns.name(field), str(error)) from error
    return found


def _stamp(columns: Columns, cells: Sequence[object], field: Field, options: ReadOptions) -> Stamp:
    if field not in columns.at or (value := columns.cell(cells, field)) == "":
        return NONE
    try:
        return read_stamp(value, unit=columns.units.get(field, ""), utc_offset=options.utc_offset)
    except ValueError as error:
        raise CellError(columns.name(field), str(error)) from error


def cell_text(value: object) -> str:
    """Return a cell as text: Excel keeps the number 1001 as 1001.0."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _same(name: str, wanted: str) -> bool:
    return (
        unicodedata.normalize("NFKC", name).casefold()
        == unicodedata.normalize("NFKC", wanted).strip().casefold()
    )


def _list(names: Sequence[str]) -> str:
    shown = "、".join(name[:20] or "（空）" for name in names[:12])
    return shown + ("…" if len(names) > 12 else "")  # noqa: PLR2004 - enough to see it


def check_field(name: str) -> Field:
    """Return the name of a field.

    Raises:
        ValueError: there is no such field.
    """
    for field in FIELDS:
        if field == name:
            return field
    raise ValueError(f"收到 {name!r}，应为 {'、'.join(FIELDS)} 之一")
