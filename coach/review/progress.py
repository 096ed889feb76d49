"""How far a review is: a bar in a terminal, JSON lines for programs, or nothing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from coach.review.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from rich.progress import TaskID

_EVERY_S: Final = 1.0


class Progress(Protocol):
    """Is told how far a run is."""

    def start(self, *, size: int, done: Tally) -> None:
        """Begin: `size` bytes of input in all, `done` by an earlier run."""

    def advance(self, tally: Tally | None) -> None:
        """One more batch is done, or (None) time passes."""

    def stop(self) -> None:
        """The run is over, finished or not."""


class Quiet:
    """Says nothing."""

    def start(self, *, size: int, done: Tally) -> None:
        """Say nothing."""

    def advance(self, tally: Tally | None) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """Say nothing."""


class JsonProgress:
    """One JSON line a second at most: calls, rejects, share, calls a second, seconds left.

    Args:
        out: gets the lines.
        clock: seconds.
    """

    def __init__(self, out: BinaryIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._size = 0
        self._before = 0
        self._calls_before = 0
        self._total = Tally()
        self._started = self._told = 0.0

    def start(self, *, size: int, done: Tally) -> None:
        """Begin."""
        self._size = size
        self._total = Tally()
        self._total.add(done)
        self._before, self._calls_before = done.size, done.calls
        self._started = self._told = self._clock()
        self._tell()

    def advance(self, tally: Tally | None) -> None:
        """Count a batch, and tell at most once a second."""
        if tally is not None:
            self._total.add(tally)
        if self._clock() - self._told >= _EVERY_S:
            self._tell()

    def stop(self) -> None:
        """Tell the last state."""
        self._tell()

    def _tell(self) -> None:
        self._told = self._clock()
        seconds = self._told - self._started
        done = self._total.size - self._before
        speed = done / seconds if seconds else 0.0
        line: dict[str, Any] = {
            "type": "progress",
            "calls": self._total.calls,
            "rejects": self._total.rejects,
            "done": round(self._total.size / self._size, 4) if self._size else 1.0,
            "calls_per_second": round((self._total.calls - self._calls_before) / seconds, 1)
            if seconds
            else None,
            "seconds_left": round((self._size - self._total.size) / speed) if speed else None,
        }
        self._out.write(orjson.dumps(line) + b"\n")
        self._out.flush()


class Bar:
    """A bar on standard error."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only in a terminal
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Rich  # noqa: PLC0415

        # No thread of its own: worker processes may be forked after the bar begins.
        self._rich = Rich(
            TextColumn("质检"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn(
                "{task.fields[calls]:,} 通，{task.fields[speed]} 通/秒，拒收 {task.fields[rejects]:,}"
            ),
            TextColumn("剩余"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
            # A batch may take a while; the estimate looks back over several of them.
            speed_estimate_period=120,
        )
        self._total = Tally()
        self._calls_before = 0
        self._started = 0.0
        self._task: TaskID | None = None

    def start(self, *, size: int, done: Tally) -> None:
        """Show the bar."""
        self._started = time.monotonic()
        self._total.add(done)
        self._calls_before = done.calls
        self._task = self._rich.add_task(
            "", total=size, completed=done.size, calls=done.calls, speed="-", rejects=done.rejects
        )
        self._rich.start()
        self._rich.refresh()

    def advance(self, tally: Tally | None) -> None:
        """Move the bar on."""
        if self._task is None:
            return
        if tally is not None:
            self._total.add(tally)
            speed = (self._total.calls - self._calls_before) / max(0.001, time.monotonic() - self._started)
            self._rich.update(
                self._task,
                completed=self._total.size,
                calls=self._total.calls,
                speed=f"{speed:,.0f}",
                rejects=self._total.rejects,
            )
        self._rich.refresh()

    def stop(self) -> None:
        """Take the bar away."""
        self._rich.stop()


class Writing:
    """How far the writing of report and tables is: a share in a terminal, JSON lines for programs.

    Args:
        calls: how many there are to write.
        out: gets JSON lines if `json`, else words.
        json: for a program.
        live: words may be written over each other, as in a terminal.
        clock: seconds.
    """

    def __init__(
        self,
        calls: int,
        out: BinaryIO,
        *,
        json: bool,
        live: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._out = out
        self._json = json
        self._live = live
        self._clock = clock
        self._told = clock()
        if not json:
            self._say("正在写报告…" + ("" if live else "\n"))

    def advance(self, written: int) -> None:
        """Tell how many calls are written, at most once a second."""
        if self._clock() - self._told < _EVERY_S or not (self._json or self._live):
            return
        self._told = self._clock()
        if self._json:
            line = {"type": "writing", "written": written, "calls": self._calls}
            self._out.write(orjson.dumps(line) + b"\n")
            self._out.flush()
        else:
            self._say(f"\r正在写报告… {written / max(1, self._calls):.0%}")

    def stop(self) -> None:
        """Take the line in the terminal away."""
        if self._live and not self._json:
            self._say("\r\x1b[K")

    def _say(self, words: str) -> None:
        self._out.write(words.encode())
        self._out.flush()


def writing_for(calls: int, *, json: bool) -> Writing:
    """Choose what fits: JSON lines, or words on standard error."""
    if json:
        return Writing(calls, sys.stdout.buffer, json=True)
    return Writing(calls, sys.stderr.buffer, json=False, live=sys.stderr.isatty())


def progress_for(*, json: bool) -> Progress:
    """Choose what fits: JSON lines, a bar in a terminal, or nothing."""
    if json:
        return JsonProgress(sys.stdout.buffer)
    return Bar() if sys.stderr.isatty() else Quiet()
