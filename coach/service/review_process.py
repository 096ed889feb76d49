"""A job in a process of its own: started, listened to, ended with its service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

# A worker ends between two calls; this is how long a call may take.
_PATIENCE_S: Final = 15.0
_MAX_LINE: Final = 4 * 1024 * 1024


async def run_job(mode: str, folder: Path, *, hear: Callable[[dict[str, Any]], None]) -> int:
    """Run the job in `folder` and return its exit code; cancelling ends the process first.

    Args:
        mode: "run" or "look".
        folder: holds job.json; job.log gets what the process writes to standard error.
        hear: gets each value that the process tells.

    Raises:
        OSError: the process cannot be started.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
    with (folder / "job.log").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "coach.service.review_job", mode, str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment,
            limit=_MAX_LINE,
        )
    try:
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        async for line in process.stdout:
            with contextlib.suppress(orjson.JSONDecodeError):
                hear(orjson.loads(line))
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        # Its last words are not waited for: a full pipe must not keep it alive.
        await asyncio.wait_for(_drain(process), _PATIENCE_S)
    except TimeoutError:
        log.warning("质检进程 %d 没有按时结束，已强行结束", process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _drain(process: asyncio.subprocess.Process) -> None:
    if process.stdout is not None:
        while await process.stdout.read(_MAX_LINE):
            pass
    await process.wait()
