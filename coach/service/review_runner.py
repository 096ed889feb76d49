"""One review run in a process of its own: what it is told, and what came of it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import orjson

from coach import shipped
from coach.coaching.scorecard_file import find_scorecard
from coach.errors import MessageError
from coach.service.review_order import Job
from coach.service.review_process import run_job
from coach.service.uploads import IN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coach.config import Settings
    from coach.service.review_record import ReviewRecord


async def run_review(
    mode: str,
    record: ReviewRecord,
    hear: Callable[[dict[str, Any]], None],
    *,
    root: Path,
    settings: Settings,
) -> int:
    """Run (or only look at) what was received and return the exit code; cancelling ends the process first.

    Args:
        mode: "run" or "look".
        hear: gets each value that the process tells.
        root: the folder of the reviews.

    Raises:
        MessageError: `not_allowed`: its folder may not be read any more.
        OSError: the process cannot be started.
    """
    folder = root / record.id
    options = record.options
    above = settings.review_dir if record.folder else folder / IN
    if above is None:
        raise MessageError("not_allowed", "review_dir 已不再设置，读不到这次质检的文件夹")
    job = Job(
        cwd=str(above.resolve()),
        sources=record.files,
        rules=str(settings.rules.resolve()),
        phrasebook=str(settings.phrasebook.resolve()),
        packs=settings.packs,
        overrides=str(settings.overrides.resolve()) if settings.overrides else "",
        scorecard=str(find_scorecard(settings.rules, shipped.rules_dir()).resolve()),
        masked=settings.masking,
        workers=settings.review_workers or max(1, (os.cpu_count() or 1) - 1),
        agent_is=options.agent_is,
        customer_is=options.customer_is,
        format=options.format,
        encoding=options.encoding,
        since=options.since,
        anonymous=options.anonymous,
        lang=options.lang,
    )
    await asyncio.to_thread(job.write, folder)
    return await run_job(mode, folder, hear=hear)


def read_summary(out: Path) -> dict[str, Any]:
    """Return summary.json of a finished review, without its sources."""
    summary: dict[str, Any] = orjson.loads((out / "summary.json").read_bytes())
    del summary["sources"]
    return summary
