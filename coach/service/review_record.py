"""One review as the service keeps it: what is reviewed, how, and how far it is. `review.json` holds it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from coach.service.render import timestamp

if TYPE_CHECKING:
    from pathlib import Path

State = Literal["received", "queued", "running", "finished", "failed", "cancelled"]
ENDED: Final[frozenset[State]] = frozenset({"finished", "failed", "cancelled"})
# What goes on by itself after a restart of the service.
UNFINISHED: Final[frozenset[State]] = frozenset({"queued", "running"})
FILE: Final = "review.json"
# What people open, by the name it has in the output directory.
DOWNLOADS: Final[dict[str, str]] = {
    "report.html": "text/html; charset=utf-8",
    "review.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "calls.csv": "text/csv; charset=utf-8",
    "hits.csv": "text/csv; charset=utf-8",
    "moments.csv": "text/csv; charset=utf-8",
    "calls.parquet": "application/vnd.apache.parquet",
    "hits.parquet": "application/vnd.apache.parquet",
    "moments.parquet": "application/vnd.apache.parquet",
    "results.jsonl": "application/x-ndjson",
    "rejects.jsonl": "application/x-ndjson",
    "summary.json": "application/json",
}


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """How transcripts are read and the report is written, as on the command line.

    Attributes:
        since: ISO date or time, local; "" for all calls.
        lang: of the report, "zh" or "en".
    """

    agent_is: tuple[str, ...] = ()
    customer_is: tuple[str, ...] = ()
    format: str = ""
    encoding: str = ""
    since: str = ""
    anonymous: bool = True
    lang: str = "zh"


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """One review.

    Attributes:
        owner: "" for holders of an API key, "demo" for visitors of the demo.
        folder: below the folder of recorded calls; "" when the files were uploaded.
        files: names relative to where they lie, in the order in which they are reviewed.
        size: bytes of all files.
        created_at, changed_at: seconds since 1970.
        problem: why it failed, "" otherwise.
        look: what was recognised, a value a file; None until somebody has looked.
        progress: calls, rejects, done (0 to 1), calls_per_second, seconds_left; {} before it runs.
        summary: summary.json of a finished review, without its sources.
    """

    id: str
    owner: str
    title: str
    folder: str
    files: tuple[str, ...]
    size: int
    created_at: float
    changed_at: float
    state: State = "received"
    options: ReviewOptions = field(default_factory=ReviewOptions)
    problem: str = ""
    look: tuple[dict[str, Any], ...] | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] | None = None

    def changed(self, *, at: float, **changes: Any) -> ReviewRecord:  # noqa: ANN401 - any field
        """Return the record with some fields changed at a time (seconds since 1970)."""
        return replace(self, changed_at=at, **changes)

    def write(self, folder: Path) -> None:
        """Write the record into its folder, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        hidden = folder / f".{FILE}.tmp"
        with hidden.open("wb") as stream:
            stream.write(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))
            stream.flush()
            os.fsync(stream.fileno())
        hidden.replace(folder / FILE)

    def as_message(self, *, downloads: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return what the wire tells of it; `downloads` are the files that are there."""
        return {
            "id": self.id,
            "state": self.state,
            "title": self.title,
            "folder": self.folder or None,
            "files": list(self.files[:100]),
            "file_count": len(self.files),
            "size": self.size,
            "created_at": timestamp(self.created_at),
            "changed_at": timestamp(self.changed_at),
            "options": asdict(self.options),
            "problem": self.problem or None,
            "look": self.look,
            "progress": self.progress or None,
            "summary": self.summary,
            "downloads": list(downloads),
        }


def read_record(folder: Path) -> ReviewRecord:
    """Read the record in a folder.

    Raises:
        OSError, ValueError, KeyError, TypeError: there is none, or it is not ours.
    """
    value: dict[str, Any] = orjson.loads((folder / FILE).read_bytes())
    options = value["options"]
    options |= {name: tuple(options[name]) for name in ("agent_is", "customer_is")}
    look = value["look"]
    return ReviewRecord(
        **{
            **value,
            "files": tuple(value["files"]),
            "options": ReviewOptions(**options),
            "look": None if look is None else tuple(look),
        }
    )
