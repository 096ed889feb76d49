"""A process of its own, in which rules are tried and calls scored: what takes too long is ended, no call waits for it.

A regular expression holds Python's interpreter until it is done, so a thread would stall every live call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

from coach.errors import CoachError
from coach.service.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from coach.rulebook.book import Rulebook

log = logging.getLogger(__name__)

# Starting means loading a rule book, which a busy machine may take its time for.
_START_S: Final = 60.0
# Some 200 MB that nobody uses are given back.
_IDLE_S: Final = 600.0
_MAX_WAITING: Final = 16
_NICENESS: Final = 10
# A job may wait this long for its share of a busy machine; without such clocks (Windows) the limit itself counts.
_STALLED_S: Final = 60.0
_COUNTS_WORK: Final = hasattr(signal, "setitimer")


class TooSlowError(CoachError):
    """A job did not end within its time; its process was ended instead."""


class TooBusyError(CoachError):
    """Too many jobs wait already."""


class Workshop:
    """Runs the methods of a `Trial`, one at a time, in a process that is started when it is first needed.

    Args:
        tool: made there with the rule book; something other than a `Trial`, with a `warm` of its own.
    """

    def __init__(self, tool: Callable[[Rulebook], Any] = Trial) -> None:
        self._tool = tool
        self._turn = asyncio.Lock()
        # A request that is cancelled gives up its turn while its thread still waits at the pipe.
        self._using = threading.Lock()
        self._waiting = 0
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._digest = ""

    async def ask(self, book: Rulebook, method: str, *, limit_s: float, **arguments: object) -> Any:  # noqa: ANN401 - what the method returns
        """Run a method of the tool with the rule book in force.

        Args:
            limit_s: seconds of processor time the method may take, once its turn has come and the rule book is loaded.

        Raises:
            TooSlowError: it took longer.
            TooBusyError: too many jobs wait.
        """
        if self._waiting >= _MAX_WAITING:
            raise TooBusyError(f"{self._waiting} jobs wait")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._ask, book, method, arguments, limit_s)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the process."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        self._digest = ""
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()

    def _ask(self, book: Rulebook, method: str, arguments: dict[str, object], limit_s: float) -> Any:  # noqa: ANN401
        with self._using:
            try:
                done, answer = self._exchange(book, method, arguments, limit_s)
            except (EOFError, OSError):
                # It had gone home for want of work, or was ended from outside: a second time is no accident.
                self.close()
                done, answer = self._exchange(book, method, arguments, limit_s)
        if not done:
            raise RuntimeError(f"{method} failed in the workshop:\n{answer}")
        return answer

    def _exchange(
        self, book: Rulebook, method: str, arguments: dict[str, object], limit_s: float
    ) -> tuple[bool, Any]:
        pipe, process = self._ready(book)
        pipe.send((method, arguments, limit_s))
        try:
            if pipe.poll(_STALLED_S + limit_s if _COUNTS_WORK else limit_s):
                answer: tuple[bool, Any] = pipe.recv()
                return answer
        except (EOFError, OSError):
            process.join()
            if not _COUNTS_WORK or process.exitcode != -signal.SIGPROF:
                raise
        self.close()
        raise TooSlowError(f"{method}: more than {limit_s} s")

    def _ready(self, book: Rulebook) -> tuple[Connection, BaseProcess]:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self.close()
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_work, args=(theirs, self._tool), name="coach-workshop", daemon=True
            )
            self._process.start()
            theirs.close()
        if self._digest != book.digest:
            self._pipe.send(("load", {"book": book}, 0.0))
            if not self._pipe.poll(_START_S):
                self.close()
                raise TooSlowError(f"load: more than {_START_S} s")
            done, answer = self._pipe.recv()
            if not done:
                raise RuntimeError(f"the workshop cannot load the rule book:\n{answer}")
            self._digest = book.digest
        return self._pipe, self._process


def _work(pipe: Connection, tool: Callable[[Rulebook], Any]) -> None:
    """Do what comes through the pipe, until it closes or nothing comes for a long time."""
    # The service decides when to stop; calls go first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICENESS)
    made: Any = None
    while pipe.poll(_IDLE_S):
        try:
            method, arguments, limit_s = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if method == "load":
                made, answer = tool(arguments["book"]), None
                made.warm()
            else:
                with _ended_after(limit_s):
                    answer = getattr(made, method)(**arguments)
            pipe.send((True, answer))
        except Exception as error:  # noqa: BLE001 - told to the service, which logs it
            pipe.send((False, _where(error)))


@contextlib.contextmanager
def _ended_after(limit_s: float) -> Iterator[None]:
    """Let the kernel end this process once it has worked so long: time for which live calls had the machine is not its own."""
    if _COUNTS_WORK:
        signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        yield
    finally:
        if _COUNTS_WORK:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _where(error: Exception) -> str:
    """Name an error and where it was raised, without the words somebody typed."""
    trace = error.__traceback__
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"  {code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return "\n".join([type(error).__name__, *places])
