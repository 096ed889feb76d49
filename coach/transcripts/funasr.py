"""FunASR: the sentences of one recording with the number of the voice, times in ms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coach.transcripts import fields
from coach.transcripts.draft import Draft, FieldError, Heard

if TYPE_CHECKING:
    from coach.transcripts.fields import Record
    from coach.transcripts.model import ReadOptions

# SenseVoice writes language, emotion and events into the text: <|zh|><|NEUTRAL|>.
_TAG = re.compile(r"<\|[^|>]{1,40}\|>")


def matches(keys: frozenset[str]) -> bool:
    """Whether a record with these keys is a FunASR result, with its sentences or without."""
    return "sentence_info" in keys or ({"text", "timestamp"} <= keys and bool(keys & {"key", "wav_name"}))


def read(record: Record, options: ReadOptions) -> Draft:
    """Read one recording.

    Raises:
        FieldError: a field is missing or wrong; a result without sentences has no speakers.
    """
    if "sentence_info" not in record:
        raise FieldError(
            "sentence_info", "缺少；没有分句就没有说话人，请给 FunASR 加 spk_model（命令行 --spk）再转写"
        )
    turns = tuple(
        Heard(
            fields.label(sentence, "spk", "speaker", where=where),
            _TAG.sub("", fields.text(sentence, "text", "sentence", where=where)),
            fields.ms(sentence, "start", where=where),
            fields.ms(sentence, "end", where=where),
        )
        for where, sentence in fields.items(record, "sentence_info")
    )
    about = fields.about(record, utc_offset=options.utc_offset)
    about.setdefault("id", fields.label(record, "key", "wav_name", where=""))
    return Draft(turns, **about)
