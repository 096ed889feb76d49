"""coach's own recordings: `{"id", "turns": [{"speaker", "text", "start_ms", "end_ms"}]}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.transcripts import fields
from coach.transcripts.draft import Draft, FieldError, Heard, show

if TYPE_CHECKING:
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions


def matches(keys: frozenset[str]) -> bool:
    """Whether a record with these keys is one of ours."""
    return "turns" in keys


def read(record: Record, options: ReadOptions) -> Draft:
    """Read one call.

    Raises:
        FieldError: a field is missing or wrong.
    """
    identity = record.get("id")
    if not isinstance(identity, (str, int)) or isinstance(identity, bool) or identity == "":
        raise FieldError(
            "id", f"收到 {show(identity)}，应为文字或整数" if "id" in record else "缺少，应为文字或整数"
        )
    about = fields.about(record, utc_offset=options.utc_offset) | {"id": str(identity)}
    slots = record.get("slots")
    if isinstance(slots, dict) and isinstance(slots.get("org"), str):
        about.setdefault("org", slots["org"])
    turns = tuple(
        Heard(
            fields.label(turn, "speaker", "role", where=where),
            fields.text(turn, "text", where=where),
            fields.ms(turn, "start_ms", where=where),
            fields.ms(turn, "end_ms", where=where),
        )
        for where, turn in fields.items(record, "turns")
    )
    return Draft(turns, **about)
