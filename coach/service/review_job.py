"""The process that reviews: `python -m coach.service.review_job run|look FOLDER`.

Does what `coach review` does, with the same journal, for the review whose job.json is in FOLDER. Tells how far it is
in JSON lines; ends when its service is gone, and a new service's process goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.errors import CoachError, ConfigError
from coach.review.outputs import write_outputs
from coach.review.progress import JsonProgress
from coach.review.run import Outcome, run_review
from coach.review.setup import ReviewSetup, RuleFolders
from coach.service.review_hits import write_hits
from coach.service.review_look import look
from coach.transcripts.model import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = "job.json"
OUT: Final = "out"
DONE, FAILED, STOPPED = 0, 1, 3
_NICENESS: Final = 10
_LANGUAGES: Final = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class Job:
    """What the process is to do. Paths are absolute, but `sources`, which are relative to `cwd`."""

    cwd: str
    sources: tuple[str, ...]
    rules: str
    phrasebook: str
    packs: tuple[str, ...]
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

    @property
    def read(self) -> ReadOptions:
        """How transcripts are read."""
        given: Any = self.format
        return ReadOptions(
            agent_is=frozenset(self.agent_is),
            customer_is=frozenset(self.customer_is),
            format=given,
            encoding=self.encoding,
        )

    @property
    def setup(self) -> ReviewSetup:
        """What the review runs with."""
        return ReviewSetup(
            RuleFolders(Path(self.rules), Path(self.phrasebook), tuple(self.packs)),
            Path(self.scorecard),
            masked=self.masked,
            since=datetime.fromisoformat(self.since) if self.since else None,
            read=self.read,
        )


def main(mode: str, folder: Path) -> int:
    """Do a job; returns the exit code."""
    # Ctrl-C goes to the whole group; the service decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICENESS)
    try:
        job = Job(**orjson.loads((folder / FILE).read_bytes()))
        os.chdir(job.cwd)
        if mode == "look":
            for seen in look([Path(name) for name in job.sources], job.read, masked=job.masked):
                _tell({"type": "look", **seen})
            return DONE
        return _run(job, folder)
    except BrokenPipeError:
        # The service is gone: nobody listens, and the next one starts its own process.
        os._exit(STOPPED)
    except CoachError as error:
        _tell({"type": "problem", "message": str(error)})
    except Exception:  # noqa: BLE001 - told to the service, which logs it
        traceback.print_exc()
    return FAILED


def _run(job: Job, folder: Path) -> int:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    parent = os.getppid()
    with _alone(folder / "job.lock"):
        setup = job.setup
        setup.prove(folder.parent / "proven-rules")

        def review(*, fresh: bool) -> Outcome:
            return run_review(
                [Path(name) for name in job.sources],
                folder / OUT,
                setup=setup,
                workers=job.workers,
                fresh=fresh,
                progress=JsonProgress(sys.stdout.buffer),
                stopping=lambda: bool(stopped) or os.getppid() != parent,
            )

        try:
            outcome = review(fresh=False)
        except ConfigError:
            # Rules or coach itself changed since it was broken off: results of two kinds never mix.
            outcome = review(fresh=True)
        if not outcome.finished:
            return STOPPED
        write_outputs(folder / OUT, anonymous=job.anonymous, lang=_LANGUAGES[job.lang])
        write_hits(folder / OUT, anonymous=job.anonymous, lang=_LANGUAGES[job.lang])
    return DONE


def _tell(value: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Wait until the process of a service that was killed has ended; it notices within a second."""
    with file.open("ab") as stream:
        try:
            import fcntl  # noqa: PLC0415 - absent on Windows, where processes end with their service's job
        except ImportError:
            yield
            return
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]).resolve()))
