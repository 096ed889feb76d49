"""Ids that several calls of a run share: the first keeps it, later ones are called `id-2`, `id-3`.

Hits and decisions know their call by its id alone, and must never be of the wrong one. Ids lie in a database
without a name, which overflows to disk: memory does not grow with the run.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Final, Self

import orjson

from coach.review.batch import part_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Results and differences are written by us, with the id first.
_ID: Final = re.compile(rb'\{"id":("(?:[^"\\]|\\.)*")')


class Repeats:
    """Which calls share ids, and what they are called instead. Use it as a context.

    Args:
        folder: of the parts.
        indexes: of all batches, in their order.

    Attributes:
        calls: that had the id of an earlier call, known once the parts are counted.
    """

    def __init__(self, folder: Path, indexes: Iterable[int]) -> None:
        self.calls = 0
        self._store = sqlite3.connect("")
        self._store.execute("CREATE TABLE ids (id BLOB PRIMARY KEY, calls INTEGER) WITHOUT ROWID")
        self._store.execute(
            "CREATE TABLE names (batch INTEGER, call INTEGER, id BLOB, PRIMARY KEY (batch, call))"
        )
        self._count(folder, indexes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._store.close()

    def _count(self, folder: Path, indexes: Iterable[int]) -> None:
        for index in indexes:
            with part_file(folder, index, "results").open("rb") as lines:
                self._store.executemany(
                    "INSERT INTO ids VALUES (?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1",
                    ((_id_of(line),) for line in lines),
                )
        (self.calls,) = self._store.execute("SELECT coalesce(sum(calls - 1), 0) FROM ids").fetchone()
        # From here on: how many of a shared id have been met.
        self._store.execute("UPDATE ids SET calls = CASE WHEN calls > 1 THEN 0 ELSE -1 END")

    def results(self, batch: int, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the results of a batch with ids of their own; batches come in their order."""
        for call, line in enumerate(lines):
            identity = _id_of(line)
            (met,) = self._store.execute("SELECT calls FROM ids WHERE id = ?", (identity,)).fetchone()
            if met < 0:
                yield line
                continue
            if met:
                met, name = self._free(identity, met)
                self._store.execute("INSERT INTO names VALUES (?, ?, ?)", (batch, call, name))
                line = _renamed(line, name)  # noqa: PLW2901 - the same line
            self._store.execute("UPDATE ids SET calls = ? WHERE id = ?", (met + 1, identity))
            yield line

    def differences(self, batch: int, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the differences of a batch under the ids of their results, which came before."""
        for each in lines:
            call, _, line = each.partition(b" ")
            row = self._store.execute(
                "SELECT id FROM names WHERE batch = ? AND call = ?", (batch, int(call))
            ).fetchone()
            yield _renamed(line, row[0]) if row else line

    def _free(self, identity: bytes, met: int) -> tuple[int, bytes]:
        """Return the next number, and a name with it that no call of the run has."""
        while True:
            name = orjson.dumps(f"{orjson.loads(identity)}-{met + 1}")
            if self._store.execute("INSERT OR IGNORE INTO ids VALUES (?, -1)", (name,)).rowcount:
                return met, name
            met += 1


def _id_of(line: bytes) -> bytes:
    match = _ID.match(line)
    if match is None:
        raise ValueError(f"a result without an id: {line[:60]!r}")
    return match.group(1)


def _renamed(line: bytes, identity: bytes) -> bytes:
    return _ID.sub(lambda _: b'{"id":' + identity, line, count=1)
