"""Reading the fields of JSON records, with errors that say where, what came and what was expected."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from coach.transcripts.draft import FieldError, show
from coach.transcripts.headers import field_of
from coach.transcripts.stamps import read_wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

Record = dict[str, Any]
# Keys at the top of a record that are about the call rather than what was said in it.
_ABOUT = {
    "call": "id",
    "agent": "agent_id",
    "team": "team",
    "started_at": "started_at",
    "customer": "customer_id",
    "org": "org",
}


def items(record: Mapping[str, Any], key: str) -> Iterator[tuple[str, Record]]:
    """Yield the objects of an array with the path of each.

    Raises:
        FieldError: it is no array, or one of them is no object.
    """
    values = record.get(key)
    if not isinstance(values, list):
        raise FieldError(key, f"收到 {show(values)}，应为数组" if key in record else "缺少，应为数组")
    for index, value in enumerate(values):
        where = f"{key}[{index}]"
        if not isinstance(value, dict):
            raise FieldError(where, f"收到 {show(value)}，应为对象")
        yield where, value


def text(record: Mapping[str, Any], *keys: str, where: str) -> str:
    """Return the first of the keys that is there, as text; null is silence."""
    for key in keys:
        if key in record:
            value = record[key]
            if isinstance(value, str):
                return value
            if value is None:
                return ""
            raise FieldError(f"{where}.{key}", f"收到 {show(value)}，应为文字")
    raise FieldError(f"{where}.{keys[0]}", "缺少，应为文字")


def label(record: Mapping[str, Any], *keys: str, where: str) -> str:
    """Return who speaks: text or a whole number; "" when nobody is named."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and value != "":
            raise FieldError(f"{where}.{key}", f"收到 {show(value)}，应为文字或整数")
    return ""


def ms(record: Mapping[str, Any], *keys: str, where: str, scale: int = 1) -> int | None:
    """Return a time in ms, None when it is missing or negative (recognisers write -1 for unknown).

    Args:
        record: holds it as a number, or a number as text.
        keys: the first that is there counts.
        where: path of the record.
        scale: 1,000 when the format has seconds.
    """
    for key in keys:
        value = record.get(key)
        if value is None or value == "":
            continue
        number = _number(value)
        if number is None:
            raise FieldError(f"{where}.{key}", f"收到 {show(value)}，应为{'秒' if scale > 1 else '毫秒'}数")
        return round(number * scale) if number >= 0 else None
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e12 else None  # noqa: PLR2004 - 30 years in ms


def about(record: Mapping[str, Any], *, utc_offset: timedelta, where: str = "") -> dict[str, Any]:
    """Return what a record says about the call, as the fields of a draft."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if not isinstance(value, (str, int, float)) or isinstance(value, bool) or value == "":
            continue
        field = field_of(key)[0]
        name = _ABOUT.get(field) if field else None
        if name is None or name in found:
            continue
        if name != "started_at":
            found[name] = str(value).strip()
            continue
        try:
            found[name] = read_wall_clock(value, utc_offset=utc_offset)
        except ValueError as error:
            raise FieldError(f"{where}.{key}" if where else key, str(error)) from error
    return found
