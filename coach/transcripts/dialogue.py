"""Plain text: `客服：… / 客户：…`, one call or many in a file, with times and head lines where there are some."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.transcripts import streams
from coach.transcripts.draft import Draft, FieldError, complete
from coach.transcripts.headers import field_of
from coach.transcripts.labels import plain
from coach.transcripts.lines import find_names, nameless_line, spoken_line, stranger_line
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.rows import Row, draft_of
from coach.transcripts.shapes import read_record, shape_of
from coach.transcripts.stamps import NONE, Stamp, read_stamp, read_wall_clock
from coach.transcripts.utterance_json import read_utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.transcripts.lines import Spoken
    from coach.transcripts.model import ReadOptions, Slice, TranscriptCall

_RULER: Final = re.compile(r"\s*(?:[=\-*#_—]{3,}|#+(?=\s))\s*(.*?)\s*[=\-*#_—]*\s*")
_HEAD_LINE: Final = re.compile(r"\s*([^：:]{1,20})[：:]\s*(\S.*)")
_ABOUT: Final = {"call": "id", "agent": "agent_id", "team": "team", "customer": "customer_id", "org": "org"}
# Where a dialogue on one line is cut: before a plain word for a speaker and a colon.
_INLINE: Final = re.compile(
    r"(?<![\w（(])(?=(?:客服|坐席|座席|客户|用户|顾客|agent|customer)\s*[：:])", re.IGNORECASE
)
_HEAD: Final = 1 << 16
_TITLE: Final = 40


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls of a text file."""
    encoding = streams.text_encoding(piece)
    head = streams.head(piece, options.limits, _HEAD).decode(encoding, "replace")
    names = find_names(head.splitlines(), options)
    stem = piece.stem
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


class _Block:
    """The lines of one call as they come in."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.problem_line = 0
        self.about: dict[str, str] = {}
        # Rows, each with its line when it is not sure that a speaker opens it, and the lines that go on with it.
        self._rows: list[tuple[Row, str, list[str]]] = []
        self._spoke = False
        self._timed = False
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

    @property
    def spoke(self) -> bool:
        """Whether somebody has spoken for certain."""
        return self._spoke

    @property
    def timed(self) -> bool:
        """Whether turns have had times."""
        return self._timed

    def say(self, number: int, spoken: Spoken, options: ReadOptions, *, doubtful: str = "") -> None:
        """Add a turn; past the limit turns are not kept but still make the call too long.

        `doubtful` is the line when it may be no turn of its own.
        """
        if len(self._rows) > options.limits.turns:
            return
        self._spoke = self._spoke or not doubtful
        self._timed = self._timed or bool(spoken.start)
        try:
            start, end = (self._stamp(time, options) for time in (spoken.start, spoken.end))
        except ValueError as error:
            self.blame(number, "时间", str(error))
            return
        self._rows.append((Row("-", number, spoken.label, spoken.text, start, end), doubtful, []))

    @staticmethod
    def _stamp(text: str, options: ReadOptions) -> Stamp:
        return read_stamp(text, utc_offset=options.utc_offset) if text else NONE

    def go_on(self, number: int, text: str) -> None:
        """Add a line to the last turn."""
        if not self._rows:
            if len(text) > _TITLE:
                self.blame(number, "", f"没有说话人：收到 {text[:40]!r}，应为“客服：…”或“客户：…”")
            return
        self._rows[-1][2].append(text)

    def _settled(self) -> list[Row]:
        """Return the turns: a doubtful name that comes once belongs to what was said before it."""
        count = Counter(plain(row.label) for row, doubtful, _ in self._rows if doubtful)
        rows: list[tuple[Row, list[str]]] = []
        for row, doubtful, more in self._rows:
            if not doubtful or count[plain(row.label)] > 1:
                rows.append((row, [row.text, *more]))
            elif rows:
                rows[-1][1].extend((doubtful, *more))
        return [replace(row, text="\n".join(parts)) for row, parts in rows]

    def draft(self, *, default: str, options: ReadOptions) -> Draft:
        """Return the call.

        Raises:
            FieldError: a line was wrong, or nobody spoke.
        """
        if self._problem is not None:
            raise self._problem
        rows = self._settled()
        if not rows:
            raise FieldError("", "没有一行有说话人，应为“客服：…”“客户：…”，一行一句")
        about: dict[str, Any] = {"id": default} | {
            _ABOUT[key]: value for key, value in self.about.items() if key in _ABOUT
        }
        if "started_at" in self.about:
            try:
                about["started_at"] = read_wall_clock(self.about["started_at"], utc_offset=options.utc_offset)
            except ValueError as error:
                raise FieldError("started_at", str(error)) from error
        return draft_of(rows, **about)


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
        if block is None or (begins and block.spoke):
            if block is not None:
                yield block
            block = _Block(number)
        block.keep(line)
        if spoken is not None:
            block.say(number, spoken, options)
        elif about is not None and not block.spoke:
            block.about[about[0]] = about[1]
        elif ruler is not None:
            if ruler.group(1):
                block.about.setdefault("call", ruler.group(1))
        else:
            _unknown_line(block, number, text, options)
        blank = False
    if block is not None:
        yield block


def _unknown_line(block: _Block, number: int, text: str, options: ReadOptions) -> None:
    """Add a line in which nobody speaks whom we know: a stranger's turn, a turn of nobody, or more of the last one."""
    stranger = stranger_line(text, options)
    if stranger is not None:
        block.say(number, stranger.spoken, options, doubtful="" if stranger.sure else text)
    elif block.timed and (nameless := nameless_line(text)) is not None:
        block.say(number, nameless, options)
    else:
        block.go_on(number, text)


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
