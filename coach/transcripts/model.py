"""What reading transcripts gives: calls, records that could not be read, and pieces of work.

Values only; `plan` makes the slices, `read` turns them into calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from coach.transcripts.names import readable

if TYPE_CHECKING:
    from pathlib import Path

    from coach.coaching.review_call import RecordedTurn

Format = Literal["jsonl", "json", "csv", "xlsx", "text", "vtt", "srt", "unreadable"]
# How much of a broken record a reject keeps.
RAW_LIMIT: Final = 4096
# The value of `agent_is` that makes whoever speaks first the agent.
FIRST: Final = "first"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call came from.

    Attributes:
        file: as given; inside an archive `a.zip!/inner.csv`, a sheet of a workbook `a.xlsx#Sheet1`.
        line: its first line or row, from 1; 0 when unknown.
    """

    file: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptCall:
    """One recorded call.

    Attributes:
        id: as the file has it; the file's path below its source where the format has none.
        turns: in the order in which they were spoken.
        started_at: wall clock of the center at the start, without a zone; None when unknown.
    """

    id: str
    turns: tuple[RecordedTurn, ...]
    place: Place
    agent_id: str = ""
    team: str = ""
    started_at: datetime | None = None
    org: str = ""
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read.

    Attributes:
        field: dotted path or column of what is wrong, "" for the whole record.
        problem: in Chinese, what came and what was expected.
        raw: the record as it came, at most `RAW_LIMIT` bytes.
    """

    place: Place
    field: str
    problem: str
    raw: bytes = b""

    def __str__(self) -> str:
        """Render as `file:line: field: problem`."""
        place = f"{self.place.file}:{self.place.line}" if self.place.line else self.place.file
        return f"{place}: {self.field}: {self.problem}" if self.field else f"{place}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one source may hold before it is refused; sizes in bytes.

    Attributes:
        unpacked: of all that one archive holds.
        ratio: unpacked to packed, once `ratio_from` bytes have come out.
        members: files in one archive.
        record: one line, row or JSON record.
        sheet: of a workbook, with the strings that all sheets share; a workbook is not streamed.
        turns: of one call.
        characters: of one turn; 20,000 are more than an hour without a pause.
    """

    unpacked: int = 20 * 1024**3
    ratio: int = 250
    ratio_from: int = 16 * 1024**2
    members: int = 100_000
    record: int = 16 * 1024**2
    sheet: int = 1024**3
    turns: int = 20_000
    characters: int = 20_000


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read what a file does not say of itself.

    Attributes:
        agent_is: labels of the agent, such as SPEAKER_00, or "first": whoever speaks first.
        customer_is: labels of the customer; when only one of the two is given, the other speakers are the other.
        format: skip recognising; "" recognises by content.
        encoding: of text files; "" tries UTF-8 and GB18030.
        columns: (field, header) pairs for headers that are not in the table of synonyms.
        utc_offset: of the center's wall clock; times with a zone are converted to it.
    """

    agent_is: frozenset[str] = frozenset()
    customer_is: frozenset[str] = frozenset()
    format: Format | Literal[""] = ""
    encoding: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    utc_offset: timedelta = timedelta(hours=8)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of work that a worker process reads by itself; slices in order make up the whole.

    Attributes:
        start, end: bytes of the file; 0, 0 means the whole.
        member: the file inside an archive, "" for a plain file.
        index: its place among all slices, from 0.
        line: the line at `start`, from 1.
        layout: what the format holds, e.g. `call` or `utterance`; "" when it is told record by record.
        scattered: rows of one call are not next to each other.
        stem: what its calls are called when they have no id.
        problem: why the file is unreadable.
    """

    file: Path
    format: Format
    start: int = 0
    end: int = 0
    member: str = ""
    index: int = 0
    line: int = 1
    layout: str = ""
    encoding: str = "utf-8"
    scattered: bool = False
    stem: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """The file as people know it: `a.zip!/inner.csv` inside an archive."""
        file = readable(self.file)
        return f"{file}!/{self.member}" if self.member else file
