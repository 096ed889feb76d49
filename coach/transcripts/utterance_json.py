"""JSON records that are one utterance each: `{"call_id", "speaker", "text", "start_ms"}` under any usual names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from coach.transcripts.draft import show
from coach.transcripts.headers import Field, field_of
from coach.transcripts.model import RAW_LIMIT
from coach.transcripts.rows import Row
from coach.transcripts.stamps import NONE, Stamp, read_stamp, read_wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.transcripts.model import ReadOptions

_ABOUT: Final[dict[Field, str]] = {
    "agent": "agent_id",
    "team": "team",
    "customer": "customer_id",
    "org": "org",
}
_TIMES: Final[dict[Field, str]] = {"start": "start", "end": "end", "duration": "length"}
# A live stream that was written down has guesses in it, which later lines replace.
_FINAL: Final = ("final", "is_final", "isFinal")
# `id` is the utterance's own where the call has a clearer name.
_WEAK: Final = "id"


def is_utterance(keys: Iterable[str]) -> bool:
    """Whether a record with these keys is one utterance."""
    fields = {_field(key)[0] for key in keys}
    return {"speaker", "text"} <= fields


def read_utterance(record: object, *, line: int, raw: bytes, call: str, options: ReadOptions) -> Row | None:
    """Read one utterance; None for a guess of a recogniser.

    Args:
        record: of any kind; one that is no utterance becomes a row with a problem.
        line: its line, 0 when unknown.
        raw: the record as it came.
        call: id of the call for records that name none, "" to demand one.
        options: tell the offset of wall clocks.
    """
    raw = raw[:RAW_LIMIT]
    if not isinstance(record, dict):
        return Row(call, line, problem=("", f"收到 {show(record)}，应为一句话的 JSON 对象"), raw=raw)
    if any(record.get(key) is False for key in _FINAL):
        return None
    found = _by_field(record)
    identity = found.get("call", ("", None))[1]
    if isinstance(identity, (str, int)) and not isinstance(identity, bool) and identity != "":
        call = str(identity)
    elif identity is not None or not call:
        return Row("", line, problem=("call_id", f"收到 {show(identity)}，应为通话编号"), raw=raw)
    try:
        return _read(found, call, line, raw, options)
    except _KeyedError as error:
        return Row(call, line, problem=(error.key, str(error)), raw=raw)


class _KeyedError(ValueError):
    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        super().__init__(problem)


def _read(found: dict[Field, tuple[str, Any]], call: str, line: int, raw: bytes, options: ReadOptions) -> Row:
    key, text = found.get("text", ("text", ...))
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise _KeyedError(key, "缺少，应为文字" if text is ... else f"收到 {show(text)}，应为文字")
    key, label = found.get("speaker", ("speaker", ""))
    if label is None:
        label = ""
    if not isinstance(label, (str, int)) or isinstance(label, bool):
        raise _KeyedError(key, f"收到 {show(label)}，应为文字或整数")
    times: dict[str, Stamp] = dict.fromkeys(_TIMES.values(), NONE)
    for field, name in _TIMES.items():
        if field in found:
            key, value = found[field]
            try:
                times[name] = read_stamp(value, unit=_field(key)[1], utc_offset=options.utc_offset)
            except ValueError as error:
                raise _KeyedError(key, str(error)) from error
    about: dict[str, Any] = {
        name: str(found[field][1])
        for field, name in _ABOUT.items()
        if isinstance(found.get(field, ("", None))[1], (str, int))
    }
    if "started_at" in found:
        key, value = found["started_at"]
        try:
            about["started_at"] = read_wall_clock(value, utc_offset=options.utc_offset)
        except ValueError as error:
            raise _KeyedError(key, str(error)) from error
    return Row(call, line, str(label), text, times["start"], times["end"], times["length"], about, raw=raw)


def _by_field(record: dict[str, Any]) -> dict[Field, tuple[str, Any]]:
    found: dict[Field, tuple[str, Any]] = {}
    for key, value in record.items():
        field = _field(key)[0]
        if field is not None and (field not in found or found[field][0] == _WEAK):
            found[field] = (key, value)
    return found


@lru_cache(maxsize=4096)
def _field(key: str) -> tuple[Field | None, str]:
    return field_of(key)
