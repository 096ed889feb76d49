"""Genesys Cloud, notification topic `v2.conversations.{id}.transcription`.

`channel` INTERNAL is the agent and EXTERNAL the customer (general knowledge: compare it with a real call).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, hint_role
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.coaching.events import Speaker
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State

_KNOWN: Final[dict[str, Speaker]] = {"INTERNAL": "agent", "EXTERNAL": "customer"}


@dataclass(frozen=True, slots=True)
class Genesys:
    """Reads one notification, with or without the envelope of the topic."""

    vendor: ClassVar[str] = "genesys"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return `conversationId`, unless the integrator names the call."""
        return self.options.call_of(_body(payload).identifier("conversationId"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one notification."""
        body, call_id = _body(payload), self.call_id(payload)
        found = [
            self._transcript(each, call_id, state) for each in body.objects("transcripts", optional=True)
        ]
        return found or [Ignored(call_id, "不含转写的通知")]

    def _transcript(self, transcript: Fields, call_id: str, state: State) -> Incoming:
        best = transcript.objects("alternatives", optional=True)
        if not best:
            return Ignored(call_id, "没有文字")
        channel = transcript.text("channel", "")
        start_ms = best[0].ms("offsetMs", state.last_ms)
        words = Words(
            text=best[0].text("transcript", ""),
            final=transcript.flag("isFinal"),
            speaker=self.options.speaker_of(channel, known=_KNOWN.get(channel.upper())),
            start_ms=start_ms,
            end_ms=start_ms + best[0].ms("durationMs", 0),
            label=channel,
            hint=hint_role(channel) if channel else "没有 channel：用 speaker 指明这一路是谁",
        )
        return state.hear(call_id, transcript.identifier("utteranceId"), words)


def _body(payload: Payload) -> Fields:
    fields = Fields(payload)
    return fields.object("eventBody") if fields.has("eventBody") else fields
