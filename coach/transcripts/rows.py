"""Transcripts with one utterance a row: the rows of one id make one call.

Rows next to each other are grouped as they come; scattered ones over a temporary database, so memory stays flat.
"""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from coach.transcripts.draft import Draft, FieldError, Heard, complete
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.stamps import NONE, Stamp, settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coach.transcripts.model import ReadOptions, TranscriptCall

_BATCH: Final = 10_000
_NO_CALL: Final = ("call", "缺少通话编号")


@dataclass(frozen=True, slots=True)
class Row:
    """One utterance.

    Attributes:
        call: id of its call; "" when the row does not tell, and then it has a problem.
        about: fields of the draft that the row tells of its call.
        problem: (field, what came and what was expected); its whole call is set aside.
    """

    call: str
    line: int
    label: str = ""
    text: str = ""
    start: Stamp = NONE
    end: Stamp = NONE
    length: Stamp = NONE
    about: dict[str, Any] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    raw: bytes = b""


def calls_of(
    rows: Iterable[Row], *, file: str, scattered: bool, options: ReadOptions
) -> Iterator[TranscriptCall | Reject]:
    """Yield the calls that rows make up, in the order of their first rows.

    Args:
        rows: in the order of the file.
        file: name for the places.
        scattered: rows of one call may be apart from each other.
        options: tell who the agent is and how many turns a call may have.
    """
    opened: list[Row] = []
    count = 0
    # Broken rows without an id: of the open call when it goes on after them, else nobody knows whose.
    stray: list[Row] = []
    for row in _gather(rows) if scattered else rows:
        if not row.call:
            stray.append(row)
            continue
        if opened and opened[0].call != row.call:
            yield _finish(opened, count, file, options)
            opened, count = [], 0
        if stray and opened:
            opened += [replace(broken, call=row.call) for broken in stray]
            count += len(stray)
            stray = []
        yield from (_reject(broken, file) for broken in stray)
        stray = []
        count += 1
        # A column that is not the id can make one call of a whole file; it is counted and not kept.
        if count <= options.limits.turns:
            opened.append(row)
    if opened:
        yield _finish(opened, count, file, options)
    yield from (_reject(broken, file) for broken in stray)


def _reject(row: Row, file: str) -> Reject:
    wrong, problem = row.problem or _NO_CALL
    return Reject(Place(file, row.line), wrong, problem, row.raw)


def _finish(rows: list[Row], count: int, file: str, options: ReadOptions) -> TranscriptCall | Reject:
    first = rows[0]
    if count > len(rows):
        problem = (
            f"通话 {first.call!r} 有 {count} 句，应不超过 {options.limits.turns} 句；是不是通话编号列选错了？"
        )
        return Reject(Place(file, first.line), "call", problem, first.raw)
    broken = next((row for row in rows if row.problem), None)
    if broken is not None and broken.problem is not None:
        wrong, problem = broken.problem
        if count > 1:
            problem += f"；整通 {first.call!r}（{count} 行，自第 {first.line} 行）搁置"
        return Reject(Place(file, broken.line), wrong, problem, broken.raw)
    draft = draft_of(rows, id=first.call)
    raw = b"\n".join(row.raw for row in rows[:50])[:RAW_LIMIT]
    return complete(draft, place=Place(file, first.line), options=options, raw=raw)


def draft_of(rows: Sequence[Row], **told: Any) -> Draft:  # noqa: ANN401 - fields of a draft
    """Make a draft of the rows of one call: times settled, what each row tells of the call gathered.

    Args:
        rows: at least one unless the call is silent.
        told: fields that are known already and win.

    Raises:
        FieldError: a row has a problem.
    """
    for row in rows:
        if row.problem is not None:
            raise FieldError(*row.problem)
    times, began = settle(
        [(row.start, row.end, row.length) for row in rows], characters=sum(len(row.text) for row in rows)
    )
    about: dict[str, Any] = {}
    for row in rows:
        for name, value in row.about.items():
            about.setdefault(name, value)
    if began is not None:
        about.setdefault("started_at", began)
    turns = tuple(Heard(row.label, row.text, *time) for row, time in zip(rows, times, strict=True))
    return Draft(turns, **(about | told))


def _gather(rows: Iterable[Row]) -> Iterator[Row]:
    """Bring rows of one call together; a database without a name lives in memory and overflows to disk."""
    with closing(sqlite3.connect("")) as store:
        store.execute("CREATE TABLE calls (id TEXT PRIMARY KEY, seq INTEGER) WITHOUT ROWID")
        store.execute("CREATE TABLE rows (call INTEGER, seq INTEGER, row BLOB)")
        batch: list[tuple[str, int, bytes]] = []
        for seq, row in enumerate(rows):
            # A row without an id stays alone where it was.
            batch.append((row.call or f"\0{seq}", seq, pickle.dumps(row, protocol=5)))
            if len(batch) >= _BATCH:
                _store(store, batch)
                batch.clear()
        _store(store, batch)
        store.execute("CREATE INDEX by_call ON rows (call, seq)")
        for (blob,) in store.execute("SELECT row FROM rows ORDER BY call, seq"):
            # Written above by this very function: nothing foreign is unpickled.
            yield pickle.loads(blob)  # noqa: S301


def _store(store: sqlite3.Connection, batch: list[tuple[str, int, bytes]]) -> None:
    store.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?)", ((call, seq) for call, seq, _ in batch))
    store.executemany(
        "INSERT INTO rows SELECT seq, ?, ? FROM calls WHERE id = ?",
        ((seq, blob, call) for call, seq, blob in batch),
    )
