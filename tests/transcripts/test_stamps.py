"""Times in every spelling that files have."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from coach.transcripts.stamps import NONE, Stamp, read_stamp, read_wall_clock, settle

CHINA = timedelta(hours=8)


@pytest.mark.parametrize(
    ("value", "unit", "stamp"),
    [
        (None, "", NONE),
        ("", "", NONE),
        ("3200", "ms", Stamp(ms=3200)),
        ("3.2", "s", Stamp(ms=3200)),
        ("3.2s", "", Stamp(ms=3200)),
        ("3200毫秒", "", Stamp(ms=3200)),
        (3.2, "", Stamp(bare=3.2)),
        ("00:01:23.4", "", Stamp(ms=83_400, clock=True)),
        ("[1:23]", "", Stamp(ms=83_000, clock=True)),
        ("00：00：02，5", "", None),
        ("00:00:02,5", "", Stamp(ms=2500, clock=True)),
        ("1分23秒", "", Stamp(ms=83_000)),
        (time(0, 1, 23, 400_000), "", Stamp(ms=83_400, clock=True)),
        (timedelta(seconds=2.5), "", Stamp(ms=2500, clock=True)),
        ("2026-01-05 09:30:02", "", Stamp(wall=datetime.fromisoformat("2026-01-05T09:30:02"))),
        (1_767_576_600_000, "", Stamp(wall=datetime.fromisoformat("2026-01-05T09:30:00"))),
        ("早上", "", None),
        (-1, "", None),
        ("nan", "", None),
        (True, "", None),
    ],
)
def test_stamps(value, unit, stamp):
    """A time is read, or told with what came and what was expected."""
    if stamp is None:
        with pytest.raises(ValueError, match=r"收到 .*应为时间"):
            read_stamp(value, unit=unit, utc_offset=CHINA)
    else:
        assert read_stamp(value, unit=unit, utc_offset=CHINA) == stamp


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05 09:30:00",
        "2026-01-05T09:30:00",
        "2026-01-05T01:30:00Z",
        "2026-01-05T09:30:00+08:00",
        "2026/1/5 9:30",
        "2026.1.5 9:30",
        "2026年1月5日 9时30分",
        "2026年1月5日9时30分00秒",
        "20260105093000",
        46027.395833333336,
        "46027.3958333333",
        1_767_576_600,
        1_767_576_600_000,
        datetime.fromisoformat("2026-01-05T09:30:00"),
    ],
)
def test_wall_clocks(value):
    """When a call began is the center's wall clock, however it is written."""
    assert read_wall_clock(value, utc_offset=CHINA) == datetime.fromisoformat("2026-01-05T09:30:00")


@pytest.mark.parametrize("value", ["昨天", "2026-13-01", 12, True, "2026-02-30 10:00"])
def test_wrong_wall_clocks(value):
    """A date that is none says what was expected."""
    with pytest.raises(ValueError, match=r"收到 .*应为日期时间"):
        read_wall_clock(value, utc_offset=CHINA)


def triples(*starts):
    """Return stamps with a start only."""
    return [(Stamp(bare=start), NONE, NONE) for start in starts]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ((0, 3, 12), [0, 3000, 12_000]),
        ((0, 3000, 12_000.0), [0, 3000, 12_000]),
        ((0, 3 / 86_400, 12 / 86_400), [0, 3000, 12_000]),
    ],
)
def test_bare_numbers(starts, expected):
    """Seconds, ms and Excel's days are told apart by how fast people can speak."""
    assert [start for start, _ in settle(triples(*starts), characters=40)[0]] == expected


def test_time_of_day():
    """Clocks that begin at nine in the morning are times of day; the call begins with the first."""
    stamps = [(read_stamp(text, utc_offset=CHINA), NONE, NONE) for text in ("09:31:05", "09:31:08")]
    assert settle(stamps, characters=10)[0] == [(0, None), (3000, None)]


def test_wall_clock_turns():
    """Dates at the turns give the times in the call and its start."""
    stamps = [
        (Stamp(wall=datetime.fromisoformat(f"2026-01-05T09:30:0{second}")), NONE, Stamp(ms=1500))
        for second in (1, 4)
    ]
    assert settle(stamps, characters=10) == (
        [(0, 1500), (3000, 4500)],
        datetime.fromisoformat("2026-01-05T09:30:01"),
    )
