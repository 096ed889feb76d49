"""What the service counts while it works: plain numbers, cheap enough for every frame.

Nothing here knows Prometheus; `metrics` reads the numbers when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from coach.service.tracing import Tracing

# Seconds. A push takes well under a millisecond on a quiet machine, a card is late after half a second.
_PUSH_BOUNDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
# A check takes microseconds for most utterances and milliseconds for the few that are looked at closely.
_CHECK_BOUNDS: Final = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)
_COMMIT_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LAG_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_BATCH_BOUNDS: Final = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)


class Histogram:
    """Counts values by upper bound, as Prometheus does, but not cumulatively."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        # One more than bounds: what is above the last.
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value, in the unit of the bounds."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


class Meter:
    """All counters of one service. Only its event loop writes them, so nothing is locked.

    Attributes:
        received_at: `perf_counter` when the frame now worked on came; 0.0 outside of a frame.
        push: seconds from a producer's frame to its message in the queues of the sidebars.
        hop: seconds from a message's way into the bus to its way out, of this worker's own messages.
        check: seconds that the coaching of one utterance took.
        lag: seconds that the event loop ran late.
        commit: seconds of one transaction.
        batch: writes in one transaction.
        committed: writes that are on disk.
        failed_logins: keys and tokens that were wrong.
        failed_commits: transactions the disk refused; each is tried again.
        acks: acks sent; one covers every event before it.
        resyncs: sidebars that fell behind and were given a snapshot.
        dropped: sidebars closed because they stayed behind.
        events: events of producers by type.
        advice: cards by (category, severity).
        overtaken: partial results that were not heard because newer ones waited behind them.
        refused: refusals by (where, code).
        tracing: makes spans of what is counted; None when nobody traces.
    """

    __slots__ = (
        "acks",
        "advice",
        "batch",
        "check",
        "commit",
        "committed",
        "dropped",
        "events",
        "failed_commits",
        "failed_logins",
        "hop",
        "lag",
        "overtaken",
        "push",
        "received_at",
        "refused",
        "resyncs",
        "tracing",
    )

    def __init__(self) -> None:
        self.received_at = 0.0
        self.overtaken = 0
        self.push = Histogram(_PUSH_BOUNDS)
        self.hop = Histogram(_PUSH_BOUNDS)
        self.check = Histogram(_CHECK_BOUNDS)
        self.lag = Histogram(_LAG_BOUNDS)
        self.commit = Histogram(_COMMIT_BOUNDS)
        self.batch = Histogram(_BATCH_BOUNDS)
        self.committed = 0
        self.failed_commits = 0
        self.failed_logins = 0
        self.acks = 0
        self.resyncs = 0
        self.dropped = 0
        self.events: Counter[str] = Counter()
        self.advice: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.tracing: Tracing | None = None

    def pushed(self, received_at: float) -> None:
        """Count a message that was queued for sidebars; what no frame caused is not counted."""
        if received_at:
            self.push.add(perf_counter() - received_at)
            if self.tracing is not None:
                self.tracing.pushed(received_at)

    def checked(self, began: float) -> None:
        """Count the coaching of an utterance, which began then (`perf_counter`)."""
        self.check.add(perf_counter() - began)
        if self.tracing is not None:
            self.tracing.checked(began)
