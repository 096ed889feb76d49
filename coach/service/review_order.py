"""What the process that reviews is to do. Values only: the service knows them without knowing how to review."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "job.json"
OUT: Final = "out"
DONE, FAILED, STOPPED = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Job:
    """What the process is to do. Paths are absolute, but `sources`, which are relative to `cwd`.

    `overrides` "" means the file beside the rules.
    """

    cwd: str
    sources: tuple[str, ...]
    rules: str
    phrasebook: str
    packs: tuple[str, ...]
    overrides: str
    scorecard: str
    masked: bool
    workers: int
    agent_is: tuple[str, ...]
    customer_is: tuple[str, ...]
    format: str
    encoding: str
    since: str
    anonymous: bool
    lang: str

    def write(self, folder: Path) -> None:
        """Write job.json, whole or not at all."""
        hidden = folder / f".{FILE}.tmp"
        hidden.write_bytes(orjson.dumps(asdict(self)))
        hidden.replace(folder / FILE)
