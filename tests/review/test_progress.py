"""What a program that watches a review is told."""

from __future__ import annotations

import io

import orjson

from coach.review.progress import JsonProgress, Writing
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


def test_writing_is_told_once_a_second() -> None:
    """A program hears how many calls are in the report, at most once a second."""
    out, now = io.BytesIO(), [0.0]
    writing = Writing(10, out, json=True, clock=lambda: now[0])
    for count, seconds in ((1, 0.5), (2, 1.0), (3, 1.5), (4, 2.1)):
        now[0] = seconds
        writing.advance(count)
    assert told(out) == [
        {"type": "writing", "written": 2, "calls": 10},
        {"type": "writing", "written": 4, "calls": 10},
    ]


def test_writing_is_announced_once_in_a_file() -> None:
    """What goes to a log is one line; only a terminal is written over."""
    out, now = io.BytesIO(), [0.0]
    writing = Writing(10, out, json=False, clock=lambda: now[0])
    now[0] = 5.0
    writing.advance(5)
    writing.stop()
    assert out.getvalue().decode() == "正在写报告…\n"


def test_writing_in_a_terminal_shows_the_share() -> None:
    """In a terminal the line grows and goes away."""
    out, now = io.BytesIO(), [0.0]
    writing = Writing(10, out, json=False, live=True, clock=lambda: now[0])
    now[0] = 5.0
    writing.advance(5)
    writing.stop()
    assert out.getvalue().decode() == "正在写报告…\r正在写报告… 50%\r\x1b[K"
