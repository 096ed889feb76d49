"""When something is due: time expressions in an agent's promise, turned into milliseconds of the call.

Reads spans (两个工作日内) and points (明天下午三点前). A point of the day needs the wall clock; without it the
deadline keeps its words and has no due time. Public holidays are not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "幺": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_N = r"(?:\d+(?:\.\d+)?|[一二两三四五六七八九十百]+)"
_UNITS = {
    "秒": 1_000,
    "秒钟": 1_000,
    "分": 60_000,
    "分钟": 60_000,
    "刻钟": 900_000,
    "小时": 3_600_000,
    "钟头": 3_600_000,
    "工作日": 86_400_000,
    "自然日": 86_400_000,
    "天": 86_400_000,
    "日": 86_400_000,
    "周": 604_800_000,
    "星期": 604_800_000,
    "礼拜": 604_800_000,
    "月": 2_592_000_000,
}
_WITHIN = r"(?:之?内|以内|之?后|以后|左右|之前|时间)"
_SPAN = re.compile(
    rf"(?:(?P<low>{_N})个?(?:工作日|小时|分钟|天)?[到至~-])?(?:(?P<half>半)个?|(?P<number>{_N})个?(?P<and_half>半)?(?:多)?)"
    rf"(?P<unit>工作日|自然日|秒钟|分钟|刻钟|小时|钟头|星期|礼拜|天|周(?![末一二三四五六日])|月(?!\d|份|底|初|[一二三四五六七八九十]+[号日])|日(?={_WITHIN})|秒)(?P<tail>半)?(?:的?时间)?(?P<limit>{_WITHIN})?"
)
_DAYS = {"今": 0, "当": 0, "明": 1, "后": 2, "大后": 3}
_WEEKDAYS = {name: index for index, name in enumerate("一二三四五六")} | {"日": 6, "天": 6}
_DAY = (
    r"(?:(?P<day>大后|今|当|明|后)(?:天|日|儿|(?=早|晚|上午|下午))"
    r"|(?P<week>下下|下|本|这)?个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])(?!周)"
    r"|(?P<whole_week>本|这|下)个?(?:周|星期|礼拜)(?P<weekend>末)?"
    r"|(?:(?P<month>\d{1,2}|十[一二]?|[一二三四五六七八九])月(?:份)?)(?:(?P<of_month>\d{1,2}|[一二三四五六七八九十]{1,3})[号日])?(?P<month_end>底)?"
    r"|(?P<date>\d{1,2}|[一二三四五六七八九十]{1,3})号(?!线|楼|门|店|客服|专员)|(?P<this_month_end>(?:这个|本)?月底)|(?P<year_end>年底))"
)
_PART = r"(?P<part>凌晨|清晨|一早|早上|早晨|早|上午|中午|下午|傍晚|晚上|晚间|夜里|晚)"
_CLOCK = rf"(?P<hour>{_N})(?:点钟?|时|，(?=[0-5][0-9]))(?:(?P<quarter>半|一刻|三刻)|(?P<minute>{_N})分?)?"


def _numbered(pattern: str, number: int) -> str:
    """Give the groups of a pattern names of their own, so that it can stand in the whole more than once."""
    return re.sub(r"\(\?P<(\w+)>", rf"(?P<\g<1>{number}>", pattern)


_OFF = r"(?P<off>下班(?=之?前|以前))"
_POINT = re.compile(
    rf"(?:{_DAY}{_PART}?(?:的)?(?:{_CLOCK}|{_OFF})?|{_numbered(_PART + _CLOCK, 2)}|{_numbered(_CLOCK, 3)}|{_numbered(_OFF, 2)})"
    r"(?P<by>之?前|以前|之?内|以内|左右|之?后|以后)?"
)
_PART_ENDS = {
    "凌晨": 6,
    "清晨": 9,
    "一早": 9,
    "早上": 9,
    "早晨": 9,
    "早": 9,
    "上午": 12,
    "中午": 14,
    "下午": 18,
    "傍晚": 19,
}
_EVENING = frozenset({"晚上", "晚间", "夜里", "晚"})
# End of office hours, when nothing more exact is said. A choice; sites differ.
_OFFICE_ENDS = 18
_NOON = 12
_LAST_HOUR = 24


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time limit found in a text.

    Attributes:
        text: the words.
        start, end: where they stand.
        due_ms: from the start of the call; None when the wall clock is needed and not known.
        limiting: said as a limit (三天内, 五点前, 明天), not as a mere quantity (三天).
        brief: a matter of a few minutes, so it may be waited for on the line.
        working_days: counted in working days, so weekends were left out (or, without a wall clock, were not).
    """

    text: str
    start: int
    end: int
    due_ms: int | None
    limiting: bool
    brief: bool = False
    working_days: bool = False


def find_deadlines(text: str, *, said_ms: int, started_at: datetime | None = None) -> list[Deadline]:
    """Find the time limits in a text.

    Args:
        text: folded text (`lexicon.fold`).
        said_ms: when it was said, from the start of the call.
        started_at: wall clock at the start of the call, local time of the caller.

    Returns:
        In order of appearance, without overlaps.
    """
    now = started_at + timedelta(milliseconds=said_ms) if started_at is not None else None
    found = [_span(match, said_ms, now) for match in _SPAN.finditer(text) if not _is_past(text, match)]
    taken = [(deadline.start, deadline.end) for deadline in found]
    found += [
        _point(match, said_ms, now)
        for match in _POINT.finditer(text)
        if not any(match.start() < end and start < match.end() for start, end in taken)
    ]
    return sorted(found, key=lambda deadline: deadline.start)


def number_of(text: str) -> float:
    """Read a number written in digits or Chinese numerals below 1000; 三五 (three to five) is its upper end."""
    if text[:1].isdigit():
        return float(text)
    total = 0
    digit = None
    for letter in text:
        if letter == "百":
            total += (1 if digit is None else digit) * 100
            digit = None
        elif letter == "十":
            total += (1 if digit is None else digit) * 10
            digit = None
        else:
            digit = _DIGITS.get(letter, 0)
    return float(total + (digit or 0))


def _is_past(text: str, match: re.Match[str]) -> bool:
    """三天前, 等了三天, 上个月: not a time to come."""
    after = text[match.end() : match.end() + 1]
    before = text[max(0, match.start() - 2) : match.start()]
    return (after == "前" and not match["limit"]) or before.endswith(
        ("了", "过", "上", "第", "每", "过去", "有效期")
    )


def _span(match: re.Match[str], said_ms: int, now: datetime | None) -> Deadline:
    count = 0.5 if match["half"] else number_of(match["number"])
    if match["and_half"] or match["tail"]:
        count += 0.5
    unit = match["unit"]
    length = int(count * _UNITS[unit])
    due = said_ms + length
    if unit == "工作日" and now is not None:
        due = said_ms + int((_after_working_days(now, count) - now).total_seconds() * 1000)
    return Deadline(
        text=match[0],
        start=match.start(),
        end=match.end(),
        due_ms=due,
        limiting=bool(match["limit"]) or unit == "工作日",
        brief=length <= 5 * _UNITS["分钟"],
        working_days=unit == "工作日",
    )


def _after_working_days(now: datetime, count: float) -> datetime:
    left, at = count, now
    while left > 0:
        at += timedelta(days=1)
        if at.weekday() < 5:  # noqa: PLR2004 - Saturday
            left -= 1
    return at


def _point(match: re.Match[str], said_ms: int, now: datetime | None) -> Deadline:
    due = None
    if now is not None:
        moment = _moment(match, now)
        due = said_ms + int((moment - now).total_seconds() * 1000) if moment is not None else None
    limiting = (
        bool(match["by"])
        or bool(_group(match, "off"))
        or (match["day"] or "") in ("明", "后", "大后")
        or bool(match["weekday"] or match["whole_week"])
    )
    return Deadline(match[0], match.start(), match.end(), due, limiting)


def _group(match: re.Match[str], name: str) -> str | None:
    """Return the clock's part, whichever of the three places it stands in."""
    for key in (name, f"{name}2", f"{name}3"):
        if key in match.re.groupindex and match[key]:
            return match[key]
    return None


def _moment(match: re.Match[str], now: datetime) -> datetime | None:
    """Return the wall clock time that is meant; None when it does not exist (二月三十号)."""
    day = _day(match, now)
    if day is None:
        return None
    part, hour = _group(match, "part") or "", _group(match, "hour")
    if _group(match, "off"):
        return _at(day, _OFFICE_ENDS, 0)
    if hour is None:
        ends = _LAST_HOUR if part in _EVENING else _PART_ENDS.get(part, _LAST_HOUR)
        return _at(day, ends, 0)
    hours = int(number_of(hour))
    minute = _group(match, "minute")
    minutes = (
        int(number_of(minute))
        if minute
        else {"半": 30, "一刻": 15, "三刻": 45}.get(_group(match, "quarter") or "", 0)
    )
    afternoon = part in _EVENING or part in ("下午", "傍晚") or (part == "中午" and hours < 3)  # noqa: PLR2004
    # Without a part of the day, one to seven are meant in the afternoon: nobody calls back at three at night.
    if hours < _NOON and (afternoon or (not part and 1 <= hours < 8)):  # noqa: PLR2004
        hours += _NOON
    if not 0 <= hours <= _LAST_HOUR or not 0 <= minutes < 60:  # noqa: PLR2004
        return None
    moment = _at(day, hours, minutes)
    if moment <= now and not _names_day(match):
        return moment + timedelta(hours=_NOON if hours < _NOON and not part else _LAST_HOUR)
    return moment


def _at(day: datetime, hours: int, minutes: int) -> datetime:
    return datetime.combine(day.date(), time(), tzinfo=day.tzinfo) + timedelta(hours=hours, minutes=minutes)


def _names_day(match: re.Match[str]) -> bool:
    return any(
        match[name]
        for name in ("day", "weekday", "whole_week", "month", "date", "this_month_end", "year_end")
    )


def _day(match: re.Match[str], now: datetime) -> datetime | None:
    if match["day"]:
        return now + timedelta(days=_DAYS[match["day"]])
    if match["weekday"]:
        ahead = _WEEKDAYS[match["weekday"]] - now.weekday()
        weeks = {"下": 1, "下下": 2}.get(match["week"] or "", 0)
        if not match["week"] and ahead < 0:
            weeks = 1
        return now + timedelta(days=ahead, weeks=weeks)
    if match["whole_week"]:
        return now + timedelta(days=6 - now.weekday(), weeks=match["whole_week"] == "下")
    if match["year_end"]:
        return now.replace(month=12, day=31)
    if match["this_month_end"] or match["month"] or match["date"]:
        return _date(match, now)
    return now


def _date(match: re.Match[str], now: datetime) -> datetime | None:
    month = int(number_of(match["month"])) if match["month"] else now.month
    day_text = match["of_month"] or match["date"]
    try:
        if day_text is None:
            first_of_next = now.replace(day=1, month=month) + timedelta(days=31)
            return first_of_next.replace(day=1) - timedelta(days=1)
        day = now.replace(month=month, day=int(number_of(day_text)))
        if day.date() < now.date():
            day = (
                day.replace(year=now.year + 1)
                if match["month"]
                else (day.replace(day=1) + timedelta(days=31)).replace(day=day.day)
            )
    except ValueError:
        return None
    return day
