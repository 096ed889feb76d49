"""What a connector heard, as producer events. A sentence too long for one event goes in several, none of it lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coach.connectors.model import Ended, Heard, clean_id
from coach.service.messages import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.connectors.model import Incoming


def events_of(event: Incoming) -> Iterator[dict[str, Any]]:
    """Return the events to send, without call and seq."""
    if isinstance(event, Ended):
        yield {"type": "call.ended", "at_ms": event.at_ms}
    if not isinstance(event, Heard):
        return
    heard = event.utterance
    pieces = [heard.text[at : at + MAX_TEXT] for at in range(0, max(1, len(heard.text)), MAX_TEXT)]
    for number, text in enumerate(pieces):
        share = (heard.end_ms - heard.start_ms) / len(pieces)
        yield {
            "type": "utterance",
            "utterance_id": clean_id(f"{heard.utterance_id}~{number + 1}") if number else heard.utterance_id,
            "revision": heard.revision,
            "speaker": heard.speaker,
            "text": text,
            "final": heard.final,
            "start_ms": round(heard.start_ms + share * number),
            "end_ms": round(heard.start_ms + share * (number + 1)),
        }
