"""The records that could not be read, as rejects.jsonl holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from coach.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RejectRecord:
    """One record: where it stood, what is wrong with it, and itself as it came (masked and bounded)."""

    file: str
    line: int
    field: str
    problem: str
    raw: str


def read_rejects(path: Path) -> Iterator[RejectRecord]:
    """Read rejects.jsonl; a missing file means that there are none.

    Raises:
        TranscriptError: naming file and line, when a line is not a reject.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield RejectRecord(**orjson.loads(line))
            except (ValueError, TypeError) as error:
                raise TranscriptError(
                    f"{path}:{number}: 不是一条拒收记录（{error}）；应为 coach review 写出的 rejects.jsonl"
                ) from error
