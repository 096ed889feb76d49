"""Whisper and WhisperX: segments in seconds, with a speaker when the voices were told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.transcripts import fields
from coach.transcripts.draft import Draft, Heard

if TYPE_CHECKING:
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions


def matches(keys: frozenset[str]) -> bool:
    """Whether a record with these keys is a Whisper result."""
    return "segments" in keys


def read(record: Record, options: ReadOptions) -> Draft:
    """Read one recording.

    Raises:
        FieldError: a field is missing or wrong.
    """
    turns = tuple(
        Heard(
            fields.label(segment, "speaker", where=where),
            fields.text(segment, "text", where=where),
            fields.ms(segment, "start", where=where, scale=1000),
            fields.ms(segment, "end", where=where, scale=1000),
        )
        for where, segment in fields.items(record, "segments")
    )
    return Draft(turns, **fields.about(record, utc_offset=options.utc_offset))
