"""Batches on all cores of this machine: the processes read, judge and write; only counts travel back.

One worker runs in this very process, and gives the same files.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Final

from coach.errors import CoachError
from coach.review.batch import Stopped, review_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from coach.review.batch import Batch
    from coach.review.judge import Judge
    from coach.review.setup import ReviewSetup
    from coach.review.tally import Tally

# How often a waiting run looks up, in seconds: the display lives, and Ctrl-C is heard on every platform.
TICK_S: Final = 0.5


def one_by_one(
    batches: Sequence[Batch], *, setup: ReviewSetup, judge: Judge, folder: Path, stopping: Callable[[], bool]
) -> Iterator[Tally]:
    """Review the batches in this process; ends early when `stopping` says so."""
    for batch in batches:
        try:
            yield review_batch(batch, judge=judge, setup=setup, folder=folder, stopping=stopping)
        except Stopped:
            return


def on_all_cores(
    batches: Sequence[Batch],
    *,
    setup: ReviewSetup,
    judge: Judge,
    folder: Path,
    stopping: Callable[[], bool],
    workers: int,
) -> Iterator[Tally | None]:
    """Review the batches in `workers` processes.

    Yields:
        The tally of each batch as it is done, in any order; None now and then while waiting.

    Raises:
        CoachError: a worker process was ended from outside.
    """
    context = start_method()
    stop = context.Event()
    # A forked worker has the loaded rules already; another start method loads them once in each worker.
    forked = context.get_start_method() == "fork"
    if forked:
        judge.warm()
        # What is frozen is not touched by the workers' garbage collectors, so its pages stay shared.
        gc.collect()
        gc.freeze()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_begin,
        initargs=(setup, judge if forked else None, folder, stop, os.getpid()),
    )
    waiting: set[Future[Tally | None]] = set()
    todo = iter(batches)
    try:
        with pool:
            try:
                while True:
                    # A short queue: memory stays flat however many batches there are.
                    while len(waiting) < 2 * workers and (batch := next(todo, None)) is not None:
                        waiting.add(pool.submit(_work, batch))
                    if not waiting or stopping():
                        return
                    done, waiting = wait(waiting, timeout=TICK_S, return_when=FIRST_COMPLETED)
                    if not done:
                        yield None
                    for future in done:
                        if (tally := future.result()) is not None:
                            yield tally
            finally:
                stop.set()
                for future in waiting:
                    future.cancel()
    except BrokenProcessPool as error:
        raise CoachError(
            "一个工作进程被系统结束了，多半是内存不够。做完的都已保存：请减少 --workers，用同一条命令接着做"
        ) from error
    finally:
        if forked:
            gc.unfreeze()


def start_method() -> BaseContext:
    """Choose how workers start.

    Forking shares the loaded rules and starts at once, but is only safe without other threads; macOS and
    Windows do without it.
    """
    method = "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"
    return multiprocessing.get_context(method)


_worker: _Worker | None = None


class _Worker:
    """What a worker process holds."""

    def __init__(self, setup: ReviewSetup, judge: Judge, folder: Path, stop: Event) -> None:
        self.setup = setup
        self.judge = judge
        self.folder = folder
        self.stop = stop


def _begin(setup: ReviewSetup, judge: Judge | None, folder: Path, stop: Event, parent: int) -> None:
    global _worker  # noqa: PLW0603 - an initialiser has no other way to hand something to the calls
    # Ctrl-C goes to the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    _worker = _Worker(setup, judge or setup.judge(), folder, stop)


def _leave_with(parent: int) -> None:
    """End this worker when its parent was killed; what it has begun leaves no trace that counts."""
    process = multiprocessing.parent_process()
    if process is None or process.pid != parent:
        return
    wait_for([process.sentinel])
    os._exit(1)


def _work(batch: Batch) -> Tally | None:
    if _worker is None:
        raise RuntimeError("a worker was asked to work before it was set up")
    try:
        return review_batch(
            batch,
            judge=_worker.judge,
            setup=_worker.setup,
            folder=_worker.folder,
            stopping=_worker.stop.is_set,
        )
    except Stopped:
        return None
