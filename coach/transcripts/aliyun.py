"""Alibaba Cloud smart conversation analysis: one ticket with its dialogue, times in ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.transcripts import fields
from coach.transcripts.draft import Draft, Heard

if TYPE_CHECKING:
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions


def matches(keys: frozenset[str]) -> bool:
    """Whether a record with these keys is a ticket."""
    return "dialogue" in keys


def read(record: Record, options: ReadOptions) -> Draft:
    """Read one ticket; it began when its first sentence did.

    Raises:
        FieldError: a field is missing or wrong.
    """
    turns = tuple(
        Heard(
            fields.label(sentence, "role", "identity", where=where),
            fields.text(sentence, "words", where=where),
            fields.ms(sentence, "begin", where=where),
            fields.ms(sentence, "end", where=where),
        )
        for where, sentence in fields.items(record, "dialogue")
    )
    about = fields.about(record, utc_offset=options.utc_offset)
    first: Record = next(iter(record["dialogue"]), {})
    if "beginTime" in first:
        began = {"calltime": first["beginTime"]}
        about.setdefault(
            "started_at",
            fields.about(began, utc_offset=options.utc_offset, where="dialogue[0]").get("started_at"),
        )
    return Draft(turns, **about)
