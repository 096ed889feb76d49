"""Twilio Voice Intelligence: the sentences of a transcript, one page of the API or all of them.

Roles come with the transcript resource; a bare list of sentences has channels only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coach.transcripts import fields
from coach.transcripts.draft import Draft, Heard

if TYPE_CHECKING:
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions


def matches(keys: frozenset[str]) -> bool:
    """Whether a record with these keys is a Twilio transcript."""
    return "sentences" in keys


def read(record: Record, options: ReadOptions) -> Draft:
    """Read one call.

    Raises:
        FieldError: a field is missing or wrong.
    """
    resource = record["transcript"] if isinstance(record.get("transcript"), dict) else record
    roles = _roles(resource)
    turns: list[tuple[int, Heard]] = []
    for where, sentence in fields.items(record, "sentences"):
        channel = fields.label(sentence, "media_channel", "channel", where=where)
        heard = Heard(
            roles.get(channel, channel),
            fields.text(sentence, "transcript", "text", where=where),
            fields.ms(sentence, "start_time", where=where, scale=1000),
            fields.ms(sentence, "end_time", where=where, scale=1000),
        )
        turns.append((fields.ms(sentence, "sentence_index", where=where) or 0, heard))
    turns.sort(key=lambda pair: pair[0])
    about = fields.about(resource, utc_offset=options.utc_offset)
    first: Record = next(iter(record["sentences"]), {})
    for key in ("call_sid", "sid", "transcript_sid"):
        identity = resource.get(key) or (first.get(key) if key == "transcript_sid" else None)
        if isinstance(identity, str) and identity:
            about.setdefault("id", identity)
    return Draft(tuple(heard for _, heard in turns), **about)


def _roles(resource: Record) -> dict[str, str]:
    channel: Any = resource.get("channel")
    if not isinstance(channel, dict) or "participants" not in channel:
        return {}
    roles = {}
    for where, participant in fields.items(channel, "participants"):
        number = fields.label(participant, "channel_participant", where=where)
        roles[number] = fields.label(participant, "role", where=where) or number
    return roles
