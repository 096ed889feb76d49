"""Time cases side by side: every round runs each case once, and the median over the rounds counts.

A shared machine changes speed from minute to minute; cases of one round see the same minute, so ratios hold.
"""

from __future__ import annotations

import gc
import platform
import statistics
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Goal:
    """One row of the goals table: a measured value and its limit.

    Attributes:
        row: number of the row in docs/performance.md.
        at_least: whether the value has to reach the limit (True) or stay under it (False).
    """

    row: str
    what: str
    value: float
    limit: float
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the value keeps to the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> str:
        """Render as one line of the printed table."""
        sign = ">=" if self.at_least else "<="
        value = f"{self.value:,.0f}" if self.value >= 100 else f"{self.value:.2f}"
        verdict = "pass" if self.met else "MISS"
        limit = f"{sign} {self.limit:g}"
        return f"{self.row:>4}  {verdict}  {value:>9}  {limit:>9}  {self.what}{f'  ({self.note})' if self.note else ''}"


@dataclass(slots=True)
class Cases:
    """Named cases, each a callable and the number of items one run of it handles."""

    rounds: int
    runs: dict[str, tuple[Callable[[], object], int]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, run: Callable[[], object], *, items: int) -> None:
        """Add a case; `items` is what its time is divided by."""
        self.runs[name] = run, items

    def add_each(self, name: str, call: Callable[[str], object], texts: list[str]) -> None:
        """Add a case that calls `call` once per text."""

        def run() -> None:
            for text in texts:
                call(text)

        self.add(name, run, items=len(texts))

    def measure(self) -> dict[str, float]:
        """Run all rounds, the first one unmeasured, and return the median microseconds per item."""
        gc.collect()
        gc.freeze()
        for number in range(self.rounds + 1):
            for name, (run, items) in self.runs.items():
                started = time.perf_counter()
                run()
                took = time.perf_counter() - started
                if number:
                    self.seconds.setdefault(name, []).append(took / items)
        gc.unfreeze()
        return {name: statistics.median(values) * 1e6 for name, values in self.seconds.items()}


def machine() -> dict[str, str]:
    """Describe the machine well enough to read the numbers, without naming it."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    return {
        "cpu": model or platform.machine(),
        "cores": str(_cores()),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each package, "-" where it is absent."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "-"
    return found


def heading(about: dict[str, str], packages: dict[str, str]) -> str:
    """Render machine and versions as the head of a report."""
    return "\n".join(
        (
            " · ".join(f"{key} {value}" for key, value in about.items()),
            " · ".join(f"{key} {value}" for key, value in packages.items()),
        )
    )


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Render an aligned table; the first column is text, the others numbers."""
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]

    def line(cells: list[str]) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join(
            [first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
        )

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, rows)])


def _cores() -> int:
    try:
        import os

        return len(os.sched_getaffinity(0))
    except AttributeError:
        import os

        return os.cpu_count() or 1
