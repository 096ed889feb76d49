"""Amazon Connect Contact Lens, real-time segments of voice calls.

`Utterance.PartialContent` is a piece, not the sentence so far: the pieces of one `TranscriptId`, joined, are
the sentence until its `Transcript` comes. Records of a Kinesis stream are decoded by the integrator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import orjson

from coach.connectors.fields import Fields
from coach.connectors.funasr import join
from coach.connectors.model import Ignored, Options, Started, hint_role
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.coaching.events import Speaker
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State

_KNOWN: Final[dict[str, Speaker]] = {"AGENT": "agent", "CUSTOMER": "customer"}
# Pieces of one sentence that are kept apart; a sentence of a minute has some twenty.
_MAX_PIECES: Final = 64


@dataclass(frozen=True, slots=True)
class ContactLens:
    """Reads one real-time event."""

    vendor: ClassVar[str] = "contact-lens"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return `ContactId`, unless the integrator names the call."""
        return self.options.call_of(Fields(payload).identifier("ContactId"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one event."""
        fields, call_id = Fields(payload), self.call_id(payload)
        kind = fields.text("EventType")
        if (channel := fields.text("Channel", "VOICE")) != "VOICE":
            return [Ignored(call_id, f"Channel={channel}：只读语音通话")]
        if kind == "STARTED":
            return [Started(call_id, self.options.agent_id)]
        if kind in {"COMPLETED", "FAILED"}:
            if self.options.ends_call is False:
                return state.end_stream(call_id, ends_call=False)
            return state.end(call_id)
        if kind != "SEGMENTS":
            return [Ignored(call_id, f"不含转写的事件 {kind}")]
        found = [self._segment(each, call_id, state) for each in fields.objects("Segments")]
        return found or [Ignored(call_id, "没有片段")]

    def _segment(self, segment: Fields, call_id: str, state: State) -> Incoming:
        if segment.has("Transcript"):
            whole = segment.object("Transcript")
            key = whole.identifier("Id")
            state.notes.pop(f"pieces.{key}", None)
            return self._hear(whole, key, whole.text("Content"), True, call_id, state)
        if segment.has("Utterance"):
            piece = segment.object("Utterance")
            key = piece.identifier("TranscriptId")
            text = _joined(state, key, piece) if key not in state.done else ""
            return self._hear(piece, key, text, False, call_id, state)
        return Ignored(call_id, "类别、摘要等片段，不含转写")

    def _hear(
        self, segment: Fields, key: str, text: str, final: bool, call_id: str, state: State
    ) -> Incoming:
        role = segment.text("ParticipantRole", "")
        if role == "SYSTEM":
            return Ignored(call_id, "ParticipantRole=SYSTEM：系统播报，不是人在说话")
        words = Words(
            text=text,
            final=final,
            speaker=self.options.speaker_of(role, known=_KNOWN.get(role)),
            start_ms=segment.ms("BeginOffsetMillis"),
            end_ms=segment.ms("EndOffsetMillis"),
            label=role,
            hint=hint_role(role) if role else "没有 ParticipantRole：用 speaker 指明这一路是谁",
        )
        return state.hear(call_id, key, words)


def _joined(state: State, key: str, piece: Fields) -> str:
    """Add a piece to those of its sentence; the same piece again changes nothing, a late one finds its place."""
    name = f"pieces.{key}"
    pieces: list[list[str | int]] = orjson.loads(state.notes.get(name, "[]"))
    new: list[str | int] = [
        piece.ms("BeginOffsetMillis"),
        piece.identifier("Id"),
        piece.text("PartialContent", ""),
    ]
    pieces = sorted([each for each in pieces if each[1] != new[1]] + [new], key=lambda each: each[0])
    state.note(name, orjson.dumps(pieces[-_MAX_PIECES:]).decode())
    text = ""
    for each in pieces:
        text = join(text, str(each[2]))
    return text
