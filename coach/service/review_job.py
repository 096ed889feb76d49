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
from coach.service.review_order import DONE, FAILED, FILE, OUT, STOPPED, Job
from coach.transcripts.model import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

_NICENESS: Final = 10
_LANGUAGES: Final = {"zh": "zh-CN", "en": "en"}


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
            for seen in look([Path(name) for name in job.sources], _read(job), masked=job.masked):
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


def _read(job: Job) -> ReadOptions:
    given: Any = job.format
    return ReadOptions(
        agent_is=frozenset(job.agent_is),
        customer_is=frozenset(job.customer_is),
        format=given,
        encoding=job.encoding,
    )


def _setup(job: Job) -> ReviewSetup:
    return ReviewSetup(
        RuleFolders(
            Path(job.rules),
            Path(job.phrasebook),
            tuple(job.packs),
            Path(job.overrides) if job.overrides else None,
        ),
        Path(job.scorecard),
        masked=job.masked,
        since=datetime.fromisoformat(job.since) if job.since else None,
        read=_read(job),
    )


def _run(job: Job, folder: Path) -> int:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    parent = os.getppid()
    with _alone(folder / "job.lock"):
        setup = _setup(job)
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
