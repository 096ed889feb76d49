"""Plain text: `客服：… / 客户：…`, one call or many in a file, with times and head lines where there are some."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from coach.transcripts import streams
from coach.transcripts.draft import Draft, FieldError, complete
from coach.transcripts.headers import field_of
from coach.transcripts.labels import is_label, plain
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.rows import Row, draft_of
from coach.transcripts.shapes import read_record, shape_of
from coach.transcripts.stamps import NONE, Stamp, read_stamp, read_wall_clock
from coach.transcripts.utterance_json import read_utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.transcripts.model import ReadOptions, Slice, TranscriptCall

_TIME: Final = r"[\[（(【<]?\s*((?:\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T])?\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?)\s*[\]）)】>]?"
_WHO: Final = r"([^：:\[\]【】<>\s][^：:\[\]【】<>]{0,23}?)"
_SPOKEN: Final = re.compile(
    rf"\s*(?:{_TIME}(?:\s*[-~–—至到>]+\s*{_TIME})?\s*)?{_WHO}\s*(?:{_TIME}\s*)?[：:]\s*(.*)"
)
_BRACKETED: Final = re.compile(
    rf"\s*(?:{_TIME}\s*)?[\[【<]\s*{_WHO}\s*[\]】>]\s*(?:{_TIME}\s*)?[：:]?\s*(.*)"
)
_ABOVE: Final = re.compile(rf"\s*{_WHO}\s+{_TIME}\s*")
_RULER: Final = re.compile(r"\s*(?:[=\-*#_—]{3,}|#+(?=\s))\s*(.*?)\s*[=\-*#_—]*\s*")
_HEAD_LINE: Final = re.compile(r"\s*([^：:]{1,20})[：:]\s*(\S.*)")
_ABOUT: Final = {"call": "id", "agent": "agent_id", "team": "team", "customer": "customer_id", "org": "org"}
# Where a dialogue on one line is cut: before a plain word for a speaker and a colon.
_INLINE: Final = re.compile(
    r"(?<![\w（(])(?=(?:客服|坐席|座席|客户|用户|顾客|agent|customer)\s*[：:])", re.IGNORECASE
)
_HEAD: Final = 1 << 16
_TITLE: Final = 40
# Names are taken for speakers when a few of them open most of the lines.
_MOST: Final = 0.6
_NAMES: Final = 6


class Spoken(NamedTuple):
    """A line that someone says: label, time as it was written, text."""

    label: str
    start: str
    end: str
    text: str


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls of a text file."""
    encoding = streams.text_encoding(piece)
    head = streams.head(piece, options.limits, _HEAD).decode(encoding, "replace")
    names = find_names(head.splitlines(), options)
    stem = streams.stem(piece)
    with streams.open_slice(piece, options.limits) as stream:
        numbered = (
            (line.number, line.raw.decode(encoding, "replace"))
            for line in streams.lines(stream, limit=options.limits.record)
        )
        for index, block in enumerate(_blocks(numbered, names, options), 1):
            place = Place(piece.name, block.line)
            raw = "\n".join(block.kept).encode()[:RAW_LIMIT]
            try:
                draft = block.draft(default=stem if index == 1 else f"{stem}-{index}", options=options)
            except FieldError as error:
                yield Reject(
                    Place(piece.name, block.problem_line or block.line), error.field, error.problem, raw
                )
                continue
            yield complete(draft, place=place, options=options, raw=raw)


def read_cell(text: str, options: ReadOptions) -> Draft:
    """Read a whole call from one cell of a table: lines, one line with plain speakers, or JSON.

    Raises:
        FieldError: nobody speaks in it, or it is broken.
    """
    bare = text.strip()
    if not bare:
        return Draft(())
    if bare[0] in "[{":
        found = _json_cell(bare, options)
        if found is not None:
            return found
    lines = re.sub(r"<br\s*/?>|\\r\\n|\\n|_x000D_", "\n", bare).splitlines()
    if len(lines) == 1:
        lines = [part for part in _INLINE.split(lines[0]) if part.strip()]
    names = find_names(lines, options)
    blocks = list(_blocks(enumerate(lines, 1), names, options))
    if len(blocks) != 1:
        raise FieldError("", f"一格里有 {len(blocks)} 通对话，应为一通")
    return blocks[0].draft(default="", options=options)


def _json_cell(text: str, options: ReadOptions) -> Draft | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if isinstance(value, dict) and shape_of(value):
        return read_record(value, options)
    if isinstance(value, list):
        rows = [read_utterance(item, line=0, raw=b"", call="-", options=options) for item in value]
        return draft_of([row for row in rows if row is not None])
    return None


def find_names(lines: Iterable[str], options: ReadOptions) -> frozenset[str]:
    """Return names that open most lines of a text in which no line has a label that we know; else nothing."""
    count = 0
    names: Counter[str] = Counter()
    for line in lines:
        if not line.strip():
            continue
        count += 1
        if spoken_line(line, frozenset(), options) is not None:
            return frozenset()
        match = _SPOKEN.fullmatch(line)
        if match is not None and field_of(match.group(3))[0] is None:
            names[plain(match.group(3))] += 1
    if len(names) <= _NAMES and names.total() >= _MOST * count:
        return frozenset(names)
    return frozenset()


def spoken_line(line: str, names: frozenset[str], options: ReadOptions) -> Spoken | None:
    """Take a line apart that opens with a speaker, None when it does not."""
    if match := _SPOKEN.fullmatch(line):
        start, end, label, later, text = match.groups()
    elif match := _BRACKETED.fullmatch(line):
        start, label, later, text = match.groups()
        end = None
    elif match := _ABOVE.fullmatch(line):
        (label, later), start, end, text = match.groups(), None, None, ""
    else:
        return None
    if plain(label) not in names and not is_label(label, options):
        return None
    return Spoken(label.strip(), start or later or "", end or "", text)


class _Block:
    """The lines of one call as they come in."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.problem_line = 0
        self.about: dict[str, str] = {}
        self.rows: list[Row] = []
        self.kept: list[str] = []
        self._size = 0
        self._problem: FieldError | None = None

    def keep(self, text: str) -> None:
        """Keep the beginning of what came, for a reject."""
        if self._size < RAW_LIMIT:
            self.kept.append(text)
            self._size += len(text)

    def blame(self, line: int, field: str, problem: str) -> None:
        """Note what is wrong first."""
        if self._problem is None:
            self._problem = FieldError(field, problem)
            self.problem_line = line

    def say(self, number: int, spoken: Spoken, options: ReadOptions) -> None:
        """Add a turn; past the limit turns are not kept but still make the call too long."""
        if len(self.rows) > options.limits.turns:
            return
        try:
            start, end = (self._stamp(time, options) for time in (spoken.start, spoken.end))
        except ValueError as error:
            self.blame(number, "时间", str(error))
            return
        self.rows.append(Row("-", number, spoken.label, spoken.text, start, end))

    @staticmethod
    def _stamp(text: str, options: ReadOptions) -> Stamp:
        return read_stamp(text, utc_offset=options.utc_offset) if text else NONE

    def go_on(self, number: int, text: str) -> None:
        """Add a line to the last turn."""
        if not self.rows:
            if len(text) > _TITLE:
                self.blame(number, "", f"没有说话人：收到 {text[:40]!r}，应为“客服：…”或“客户：…”")
            return
        last = self.rows[-1]
        self.rows[-1] = replace(last, text=f"{last.text}\n{text}")

    def draft(self, *, default: str, options: ReadOptions) -> Draft:
        """Return the call.

        Raises:
            FieldError: a line was wrong, or nobody spoke.
        """
        if self._problem is not None:
            raise self._problem
        if not self.rows:
            raise FieldError("", "没有一行有说话人，应为“客服：…”“客户：…”，一行一句")
        about: dict[str, Any] = {"id": default} | {
            _ABOUT[key]: value for key, value in self.about.items() if key in _ABOUT
        }
        if "started_at" in self.about:
            try:
                about["started_at"] = read_wall_clock(self.about["started_at"], utc_offset=options.utc_offset)
            except ValueError as error:
                raise FieldError("started_at", str(error)) from error
        return draft_of(self.rows, **about)


def _blocks(
    lines: Iterable[tuple[int, str]], names: frozenset[str], options: ReadOptions
) -> Iterator[_Block]:
    block: _Block | None = None
    blank = True
    for number, line in lines:
        text = line.strip().strip("\ufeff")
        if not text:
            blank = True
            continue
        spoken = spoken_line(text, names, options)
        ruler = _RULER.fullmatch(text) if spoken is None else None
        about = _head_line(text if ruler is None else ruler.group(1)) if spoken is None else None
        begins = ruler is not None or (about is not None and (blank or about[0] == "call"))
        if block is None or (begins and block.rows):
            if block is not None:
                yield block
            block = _Block(number)
        block.keep(line)
        if spoken is not None:
            block.say(number, spoken, options)
        elif about is not None and not block.rows:
            block.about[about[0]] = about[1]
        elif ruler is not None:
            if ruler.group(1):
                block.about.setdefault("call", ruler.group(1))
        else:
            block.go_on(number, text)
        blank = False
    if block is not None and (block.rows or block.about or block.kept):
        yield block


def _head_line(text: str) -> tuple[str, str] | None:
    match = _HEAD_LINE.fullmatch(text)
    if match is None:
        return None
    field = field_of(match.group(1))[0]
    if field is None or field not in {*_ABOUT, "started_at"}:
        # "时间：2026-01-05 09:30" above a call is when it began.
        if field != "start":
            return None
        field = "started_at"
    return field, match.group(2).strip()
