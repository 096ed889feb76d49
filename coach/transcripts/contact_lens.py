"""Amazon Connect Contact Lens: the analysis file that is written after a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coach.transcripts import fields
from coach.transcripts.draft import Draft, Heard

if TYPE_CHECKING:
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions


def matches(keys: frozenset[str]) -> bool:
    """Whether a record with these keys is a Contact Lens analysis."""
    return "Transcript" in keys and bool(
        keys & {"Participants", "ConversationCharacteristics", "CustomerMetadata"}
    )


def read(record: Record, options: ReadOptions) -> Draft:
    """Read one call; the role of a turn is that of its participant.

    Raises:
        FieldError: a field is missing or wrong.
    """
    roles = {}
    if record.get("Participants") is not None:
        for where, participant in fields.items(record, "Participants"):
            name = fields.label(participant, "ParticipantId", where=where)
            roles[name] = fields.label(participant, "ParticipantRole", where=where) or name
    turns = []
    for where, segment in fields.items(record, "Transcript"):
        name = fields.label(segment, "ParticipantId", where=where)
        turns.append(
            Heard(
                fields.label(segment, "ParticipantRole", where=where) or roles.get(name, name),
                fields.text(segment, "Content", where=where),
                fields.ms(segment, "BeginOffsetMillis", where=where),
                fields.ms(segment, "EndOffsetMillis", where=where),
            )
        )
    metadata = record.get("CustomerMetadata")
    about: dict[str, Any] = (
        fields.about(metadata, utc_offset=options.utc_offset, where="CustomerMetadata")
        if isinstance(metadata, dict)
        else {}
    )
    return Draft(tuple(turns), **(about | fields.about(record, utc_offset=options.utc_offset)))
