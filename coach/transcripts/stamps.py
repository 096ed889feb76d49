"""Times as transcripts write them: milliseconds, seconds, clocks, Excel days, dates.

What a bare number means is settled a call at a time, from how fast people can speak.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:[.,:](\d{1,6}))?")
_SPOKEN: Final = re.compile(r"(?:(\d+)(?:小时|时|h))?(?:(\d+)(?:分钟|分|m))?(?:(\d+(?:\.\d+)?)(?:秒|s))?")
_NUMBER: Final = re.compile(r"([+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*(ms|毫秒|s|sec|秒)?", re.IGNORECASE)
_UNITS: Final = {"ms": 1, "毫秒": 1, "s": 1000, "sec": 1000, "秒": 1000}
_DAY_MS: Final = 86_400_000
# People speak some four characters a second. Units are a factor of 1,000 apart, so the nearest is plain.
_MS_PER_CHARACTER: Final = 250
_EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock has no zone
# Serial days of the years 1982 to 2119, and Unix times in seconds and in ms from 2001 on.
_SERIAL: Final = (30_000, 80_000)
_UNIX_S: Final = (978_307_200, 20_000_000_000)
_UNIX_MS: Final = (978_307_200_000, 20_000_000_000_000)
_HOUR_MS: Final = 3_600_000
_DATE_FORMATS: Final = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d",
    "%d/%m/%Y %H:%M:%S",
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One time as it was written; at most one of the fields is set.

    Attributes:
        ms: from the start of the call, or from midnight when `clock`.
        bare: a number whose unit is not told.
        wall: the wall clock of the center.
    """

    ms: int | None = None
    bare: float | None = None
    wall: datetime | None = None
    clock: bool = False


NONE: Final = Stamp()


def read_stamp(value: object, *, unit: str = "", utc_offset: timedelta) -> Stamp:
    """Read a time inside a call.

    Args:
        value: text, a number, or what Excel has for times; None and "" are no time.
        unit: "ms" or "s" when the header tells it.
        utc_offset: of the center's wall clock.

    Raises:
        ValueError: what came and what was expected.
    """
    if value is None or value == "":
        return NONE
    if isinstance(value, str):
        return _text_stamp(value.strip().strip("[]()【】（）").replace("：", ":"), unit, utc_offset, value)
    if isinstance(value, datetime):
        return Stamp(wall=_local(value, utc_offset))
    if isinstance(value, time):
        return Stamp(ms=_time_ms(value), clock=True)
    if isinstance(value, timedelta):
        return Stamp(ms=round(value.total_seconds() * 1000), clock=True)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number_stamp(float(value), unit, utc_offset, value)
    raise _wrong(value)


def _text_stamp(text: str, unit: str, utc_offset: timedelta, value: str) -> Stamp:
    if not text:
        return NONE
    if match := _NUMBER.fullmatch(text):
        told = match.group(2)
        return _number_stamp(float(match.group(1)), told.lower() if told else unit, utc_offset, value)
    if (ms := clock_ms(text)) is not None:
        return Stamp(ms=ms, clock=True)
    if (match := _SPOKEN.fullmatch(text)) and any(match.groups()):
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return Stamp(ms=round((hours * 3600 + minutes * 60 + seconds) * 1000))
    if (wall := _parse_date(text, utc_offset)) is not None:
        return Stamp(wall=wall)
    raise _wrong(value)


def _number_stamp(number: float, unit: str, utc_offset: timedelta, value: object) -> Stamp:
    if not math.isfinite(number) or number < 0:
        raise _wrong(value)
    if _UNIX_S[0] <= number < _UNIX_S[1] or _UNIX_MS[0] <= number < _UNIX_MS[1]:
        seconds = number if number < _UNIX_S[1] else number / 1000
        return Stamp(wall=datetime(1970, 1, 1) + timedelta(seconds=seconds) + utc_offset)  # noqa: DTZ001
    if number > _UNIX_S[0]:
        raise _wrong(value)
    return Stamp(ms=round(number * _UNITS[unit])) if unit else Stamp(bare=number)


def clock_ms(text: str) -> int | None:
    """Read `1:23`, `00:01:23.4` or `00:01:23,400` as ms, None when it is something else."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    ms = int((fraction or "0").ljust(3, "0")[:3])
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + ms


def read_wall_clock(value: object, *, utc_offset: timedelta) -> datetime | None:
    """Read when a call began; None for an empty value.

    Raises:
        ValueError: what came and what was expected.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return _local(value, utc_offset)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    found: datetime | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = _number_date(float(value), utc_offset)
    elif isinstance(value, str):
        text = value.strip()
        found = _parse_date(text, utc_offset)
        if found is None and (match := _NUMBER.fullmatch(text)) and not match.group(2):
            found = _number_date(float(match.group(1)), utc_offset)
    if found is None:
        raise ValueError(f"收到 {str(value)[:60]!r}，应为日期时间，如 2026-01-05 09:30:00")
    return found


def _number_date(number: float, utc_offset: timedelta) -> datetime | None:
    if _SERIAL[0] <= number < _SERIAL[1]:
        return _EXCEL_EPOCH + timedelta(seconds=round(number * 86_400))
    if _UNIX_S[0] <= number < _UNIX_S[1] or _UNIX_MS[0] <= number < _UNIX_MS[1]:
        return _number_stamp(number, "", utc_offset, number).wall
    return None


def _parse_date(text: str, utc_offset: timedelta) -> datetime | None:
    plain = (
        text.replace("年", "-").replace("月", "-").replace("日", " ").replace("时", ":").replace("分", ":")
    )
    plain = plain.replace("秒", "").strip().rstrip(":").replace("  ", " ")
    if len(plain) < 8:  # noqa: PLR2004 - shorter than 20260105
        return None
    try:
        return _local(datetime.fromisoformat(plain), utc_offset)
    except ValueError:
        pass
    slashed = plain.replace("-", "/").replace(".", "/", 2) if plain[4:5] == "." else plain.replace("-", "/")
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(slashed, form)  # noqa: DTZ007 - a wall clock has no zone
        except ValueError:
            continue
    return None


def _local(value: datetime, utc_offset: timedelta) -> datetime:
    if (offset := value.utcoffset()) is None:
        return value
    return value.replace(tzinfo=None) - offset + utc_offset


def _time_ms(value: time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000


def _wrong(value: object) -> ValueError:
    return ValueError(
        f"收到 {str(value)[:60]!r}，应为时间：毫秒 83400、秒 83.4、00:01:23.4 或 2026-01-05 09:30:00"
    )


def settle(
    stamps: Sequence[tuple[Stamp, Stamp, Stamp]], *, characters: int
) -> tuple[list[tuple[int | None, int | None]], datetime | None]:
    """Turn the (start, end, length) of each turn of one call into ms from its start.

    Args:
        stamps: one triple a turn.
        characters: of all turns together; tells seconds from ms where the file does not.

    Returns:
        (start, end) in ms for each turn, None where the file has none, and the wall clock at the start if told.
    """
    flat = [stamp for triple in stamps for stamp in triple]
    unit = _bare_unit([stamp.bare for stamp in flat if stamp.bare is not None], characters)
    walls = [stamp.wall for stamp in flat if stamp.wall is not None]
    begin = min(walls, default=None)
    clocks = [
        stamp.ms for start, end, _ in stamps for stamp in (start, end) if stamp.clock and stamp.ms is not None
    ]
    # 09:31:05 is a time of day: no call is silent for its first hour.
    midnight = first if clocks and (first := min(clocks)) >= _HOUR_MS else 0

    def to_ms(stamp: Stamp) -> int | None:
        if stamp.wall is not None and begin is not None:
            return round((stamp.wall - begin).total_seconds() * 1000)
        if stamp.bare is not None:
            return round(stamp.bare * unit)
        return stamp.ms - midnight if stamp.clock and stamp.ms is not None else stamp.ms

    times: list[tuple[int | None, int | None]] = []
    for start, end, length in stamps:
        start_ms, end_ms = to_ms(start), to_ms(end)
        length_ms = length.ms if length.clock else to_ms(length)
        if end_ms is None and start_ms is not None and length_ms is not None:
            end_ms = start_ms + length_ms
        times.append((start_ms, end_ms))
    return times, begin


def _bare_unit(numbers: list[float], characters: int) -> float:
    """Return how many ms the unit of bare numbers is: the one in which people speak at a human pace."""
    longest = max(numbers, default=0.0)
    if longest <= 0 or characters <= 0:
        return 1
    units = (1, 1000, _DAY_MS) if longest < 1 else (1, 1000)
    return min(units, key=lambda unit: abs(math.log(longest * unit / characters / _MS_PER_CHARACTER)))
