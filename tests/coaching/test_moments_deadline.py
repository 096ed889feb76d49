"""Times in promises."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from coach.coaching.deadline import find_deadlines, number_of
from coach.coaching.lexicon import fold

# A Wednesday.
NOW = datetime(2026, 1, 7, 15, 0)  # noqa: DTZ001 - local time


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("半小时之内给您回电", "2026-01-07 15:30"),
        ("一个半小时后", "2026-01-07 16:30"),
        ("二十四小时内", "2026-01-08 15:00"),
        ("48小时", "2026-01-09 15:00"),
        ("三五天吧", "2026-01-12 15:00"),
        ("3日内", "2026-01-10 15:00"),
        ("1到3个工作日", "2026-01-12 15:00"),
        ("今天下班前", "2026-01-07 18:00"),
        ("今晚八点", "2026-01-07 20:00"),
        ("四点前", "2026-01-07 16:00"),
        ("15:30前", "2026-01-07 15:30"),
        ("明早", "2026-01-08 09:00"),
        ("明天上午九点半前", "2026-01-08 09:30"),
        ("周五下午四点前", "2026-01-09 16:00"),
        ("周一上午", "2026-01-12 12:00"),
        ("下周一", "2026-01-13 00:00"),
        ("月底前", "2026-02-01 00:00"),
        ("5号之前", "2026-02-06 00:00"),
    ],
)
def test_due_time_by_the_wall_clock(words, due):
    """Spans count from now, points of the day from the calendar; a bare day ends at midnight."""
    deadline = find_deadlines(fold(words), said_ms=0, started_at=NOW)[0]
    assert deadline.due_ms is not None
    assert (NOW + timedelta(milliseconds=deadline.due_ms)).strftime("%Y-%m-%d %H:%M") == due


@pytest.mark.parametrize(
    "words", ["三天前", "等了三天", "每个月", "上个月", "打了三次", "两百元", "给您补一个周末"]
)
def test_what_is_no_deadline(words):
    """Times past, counts and amounts."""
    assert find_deadlines(fold(words), said_ms=0, started_at=NOW) == []


def test_impossible_date_has_no_due_time():
    """The thirtieth of February keeps its words only."""
    [deadline] = find_deadlines(fold("二月三十号前"), said_ms=0, started_at=NOW)
    assert (deadline.text, deadline.due_ms) == ("二月三十号前", None)


def test_due_time_counts_from_the_start_of_the_call():
    """A span said two minutes into the call ends two minutes later."""
    [deadline] = find_deadlines("十分钟内", said_ms=120_000)
    assert deadline.due_ms == 120_000 + 600_000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("十", 10),
        ("十二", 12),
        ("二十四", 24),
        ("三五", 5),
        ("一百二十", 120),
        ("两", 2),
        ("7", 7),
        ("1.5", 1.5),
    ],
)
def test_numbers(text, number):
    """Digits and numerals; of a loose range the upper end."""
    assert number_of(text) == number
