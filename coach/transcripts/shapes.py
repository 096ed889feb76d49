"""The JSON records that hold a whole call, each recognised by its keys.

A record may be a document, an element of an array, or a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from coach.transcripts import aliyun, contact_lens, funasr, own_json, twilio, whisperx
from coach.transcripts.draft import FieldError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.transcripts.draft import Draft
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions


class Shape(Protocol):
    """A module that knows one vendor's record."""

    def matches(self, keys: frozenset[str]) -> bool:
        """Whether a record with these keys is the vendor's."""

    def read(self, record: Record, options: ReadOptions) -> Draft:
        """Read one call."""


SHAPES: Final[dict[str, Shape]] = {
    "call": own_json,
    "contact-lens": contact_lens,
    "aliyun": aliyun,
    "funasr": funasr,
    "twilio": twilio,
    "whisperx": whisperx,
}
# The keys under which one document keeps many records.
ENVELOPES: Final = ("tickets", "calls", "transcripts", "results")
_EXPECTED: Final = (
    "应有 turns（coach）、Transcript（Contact Lens）、dialogue（阿里云质检）、sentence_info（FunASR）、"
    "sentences（Twilio）或 segments（WhisperX）之一"
)


def shape_of(keys: Iterable[str]) -> str:
    """Return the name of the shape with these keys, "" when there is none."""
    there = frozenset(keys)
    return next((name for name, shape in SHAPES.items() if shape.matches(there)), "")


def read_record(record: object, options: ReadOptions) -> Draft:
    """Read one call in whichever shape it comes.

    Raises:
        FieldError: a field is missing or wrong, or the shape is unknown.
    """
    if not isinstance(record, dict):
        raise FieldError("", f"收到{_kind(record)}，应为一通电话的 JSON 对象")
    name = shape_of(record)
    if not name:
        there = "、".join(list(record)[:8]) or "一个都没有"
        raise FieldError("", f"认不出的记录，键有：{there}；{_EXPECTED}")
    return SHAPES[name].read(record, options)


def _kind(value: object) -> str:
    names = {list: "数组", str: "文字", int: "数字", float: "数字", bool: "真假值", type(None): " null"}
    return names.get(type(value), type(value).__name__)
