"""Reads vendors' JSON field by field, forgiving about types (numbers in strings) and strict about meaning."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# A call of a day, as on the wire.
MAX_MS: Final = 86_400_000
_MAX_COUNT: Final = 2**31 - 1
_SHOWN: Final = 40
_SECONDS: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*s?\s*")
_ISO_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_REQUIRED: Final[Any] = object()


class Fields:
    """One JSON object of a payload; knows where it stands, so that an error names the field.

    A field that is null counts as missing. Without a default a missing field is an error. All readers raise
    MessageError `invalid_field`.
    """

    __slots__ = ("_path", "_value")

    def __init__(self, value: Mapping[str, Any], path: str = "") -> None:
        self._value = value
        self._path = path

    def where(self, name: str) -> str:
        """Return the dotted path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def has(self, name: str) -> bool:
        """Tell whether the field is there."""
        return self._value.get(name) is not None

    def text(self, name: str, default: str = _REQUIRED) -> str:
        """Read text; numbers are taken as they are written."""
        value = self._get(name, default, "文字")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(name, "文字")
        return str(value)

    def identifier(self, name: str) -> str:
        """Read text that is not empty."""
        text = self.text(name).strip()
        if not text:
            raise self.wrong(name, "不为空的编号")
        return text

    def count(self, name: str, default: int = _REQUIRED) -> int:
        """Read a number of 0 or more, in a string too."""
        return self._whole(name, default, limit=_MAX_COUNT, expected="不小于 0 的整数（可以写成字符串）")

    def ms(self, name: str, default: int = _REQUIRED) -> int:
        """Read milliseconds, in a string too."""
        return self._whole(name, default, limit=MAX_MS, expected=f"0 到 {MAX_MS} 的毫秒数（可以写成字符串）")

    def seconds_ms(self, name: str, default: int = _REQUIRED) -> int:
        """Read seconds such as `"1.4s"` or `1.4`; return ms."""
        if default is not _REQUIRED and not self.has(name):
            return int(default)
        value = self._get(name, default, "秒数")
        found = _SECONDS.fullmatch(str(value)) if not isinstance(value, bool) else None
        return self._bounded(name, float(found.group(1)) * 1000 if found else None, '秒数，如 "1.4s"')

    def duration_ms(self, name: str, default: int = _REQUIRED) -> int:
        """Read an ISO 8601 duration such as `PT1.2S`; return ms."""
        if default is not _REQUIRED and not self.has(name):
            return int(default)
        value = self._get(name, default, "时长")
        found = _ISO_DURATION.fullmatch(value) if isinstance(value, str) and len(value) < _SHOWN else None
        if found is None or not any(found.groups()):
            raise self.wrong(name, 'ISO 8601 时长，如 "PT1.2S"')
        days, hours, minutes, seconds = (float(group or 0) for group in found.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        return self._bounded(name, total * 1000, "一天以内的时长")

    def instant_ms(self, name: str) -> int | None:
        """Read an ISO 8601 time with zone; return ms since 1970, None when it is missing."""
        if not self.has(name):
            return None
        try:
            at = datetime.fromisoformat(str(self._value[name]))
            ms = round(at.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise self.wrong(name, "带时区的 ISO 8601 时间") from error
        if at.tzinfo is None:
            raise self.wrong(name, "带时区的 ISO 8601 时间")
        return ms

    def flag(self, name: str, default: bool = _REQUIRED) -> bool:
        """Read a truth value: true, "true", 1."""
        value = self._get(name, default, "true 或 false")
        known = {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower())
        if known is None:
            raise self.wrong(name, "true 或 false")
        return known

    def object(self, name: str) -> Fields:
        """Read an object."""
        value = self._get(name, _REQUIRED, "对象 {…}")
        if not isinstance(value, dict):
            raise self.wrong(name, "对象 {…}")
        return Fields(value, self.where(name))

    def objects(self, name: str, *, optional: bool = False) -> list[Fields]:
        """Read an array of objects."""
        if optional and not self.has(name):
            return []
        value = self._get(name, _REQUIRED, "数组 […]")
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong(name, "对象的数组 [{…}]")
        return [Fields(each, f"{self.where(name)}[{index}]") for index, each in enumerate(value)]

    def packed(self, name: str) -> Fields:
        """Read an object that may be written as JSON inside a string."""
        value = self._get(name, _REQUIRED, "JSON")
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                raise self.wrong(name, "写成字符串的 JSON 对象") from error
        if not isinstance(value, dict):
            raise self.wrong(name, "JSON 对象，可以写成字符串")
        return Fields(value, self.where(name))

    def raw(self, name: str) -> Any:  # noqa: ANN401 - whatever the vendor wrote
        """Return the value as it came, None when it is missing."""
        return self._value.get(name)

    def wrong(self, name: str, expected: str) -> MessageError:
        """Return the error that says what came and what was expected."""
        path = self.where(name)
        if not self.has(name):
            return MessageError("invalid_field", f"{path}: 缺少这个字段，应为{expected}", field=path)
        return MessageError(
            "invalid_field", f"{path}: 收到 {_shown(self._value[name])}，应为{expected}", field=path
        )

    def _get(self, name: str, default: Any, expected: str) -> Any:  # noqa: ANN401
        value = self._value.get(name)
        if value is not None:
            return value
        if default is _REQUIRED:
            raise self.wrong(name, expected)
        return default

    def _whole(self, name: str, default: int, *, limit: int, expected: str) -> int:
        if default is not _REQUIRED and not self.has(name):
            return int(default)
        value = self._get(name, default, expected)
        number: float | None = None
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = value
        elif isinstance(value, str) and len(value) < _SHOWN:
            try:
                number = float(value)
            except ValueError:
                number = None
        return self._bounded(name, number, expected, limit=limit)

    def _bounded(self, name: str, number: float | None, expected: str, *, limit: int = MAX_MS) -> int:
        if number is None or not 0 <= number <= limit:
            raise self.wrong(name, expected)
        return round(number)


def _shown(value: object) -> str:
    """Quote what came, shortened."""
    try:
        text = orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, UnicodeDecodeError):
        text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
