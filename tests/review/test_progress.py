"""What a program that watches a review is told."""

from __future__ import annotations

import io

import orjson

from coach.review.progress import JsonProgress
from coach.review.tally import Tally


def told(out: io.BytesIO) -> list[dict[str, object]]:
    """Return the lines so far."""
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def test_speed_and_rest_count_this_run_only() -> None:
    """What an earlier run did is progress, but says nothing of the speed."""
    out, now = io.BytesIO(), [100.0]
    progress = JsonProgress(out, clock=lambda: now[0])
    progress.start(size=1000, done=Tally(size=500, calls=50))
    now[0] += 10
    progress.advance(Tally(size=100, calls=20, rejects=1))
    assert told(out)[-1] == {
        "type": "progress",
        "calls": 70,
        "rejects": 1,
        "done": 0.6,
        "calls_per_second": 2.0,
        "seconds_left": 40,
    }


def test_a_line_a_second_is_enough() -> None:
    """Fast batches do not flood the reader."""
    out, now = io.BytesIO(), [0.0]
    progress = JsonProgress(out, clock=lambda: now[0])
    progress.start(size=1000, done=Tally())
    for _ in range(50):
        now[0] += 0.1
        progress.advance(Tally(size=10, calls=1))
    assert len(told(out)) <= 7


def test_the_last_state_is_told() -> None:
    """A run that ends within a second still says that all is done."""
    out = io.BytesIO()
    progress = JsonProgress(out, clock=lambda: 0.0)
    progress.start(size=10, done=Tally())
    progress.advance(Tally(size=10, calls=3))
    progress.stop()
    assert (told(out)[-1]["done"], told(out)[-1]["calls"]) == (1.0, 3)
