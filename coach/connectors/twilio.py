"""Twilio real-time transcription: form fields, all of them strings, the words as JSON in one of them.

No id of the utterance: it is known by the final before it on its track. Order holds within a track only. Which
track is the agent depends on who called whom: the track's label says it, or `roles`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from coach.connectors.fields import MAX_MS, Fields
from coach.connectors.model import Ignored, Options, Started, hint_role
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.coaching.events import Speaker
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State

_LABELS: Final[dict[str, Speaker]] = {
    "agent": "agent",
    "坐席": "agent",
    "座席": "agent",
    "客服": "agent",
    "customer": "customer",
    "客户": "customer",
}
_TRACKS: Final = {"inbound_track": "InboundTrackLabel", "outbound_track": "OutboundTrackLabel"}


@dataclass(frozen=True, slots=True)
class Twilio:
    """Reads one status callback."""

    vendor: ClassVar[str] = "twilio"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return `CallSid`, unless the integrator names the call."""
        return self.options.call_of(Fields(payload).identifier("CallSid"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one callback."""
        fields, call_id = Fields(payload), self.call_id(payload)
        kind = fields.text("TranscriptionEvent")
        now_ms = fields.instant_ms("Timestamp")
        if state.began_ms is None:
            state.began_ms = now_ms
        if kind == "transcription-started":
            for track, name in _TRACKS.items():
                if fields.has(name):
                    state.note(f"label.{track}", fields.text(name))
            return [Started(call_id, self.options.agent_id)]
        if kind == "transcription-stopped":
            if self.options.ends_call is False:
                return state.end_stream(call_id, ends_call=False)
            state.last_ms = max(state.last_ms, _since_began(state, now_ms))
            return state.end(call_id)
        if kind == "transcription-error":
            code = fields.text("TranscriptionErrorCode", "")
            return [Ignored(call_id, f"Twilio 报错 {code}：{fields.text('TranscriptionError', '')[:200]}")]
        if kind != "transcription-content":
            return [Ignored(call_id, f"不含转写的事件 {kind}")]
        return [self._content(fields, call_id, state, now_ms)]

    def _content(self, fields: Fields, call_id: str, state: State, now_ms: int | None) -> Incoming:
        track, order, final = fields.identifier("Track"), fields.count("SequenceId"), fields.flag("Final")
        # A transcription that is started again counts from the beginning again.
        stream = f"{fields.text('TranscriptionSid', 'GT')}.{track}"
        key = state.place(stream, order, final=final)
        if key is None:
            return Ignored(call_id, "已经收到过，或比已经收到的结果旧")
        at_ms = _since_began(state, now_ms)
        known = state.growing(key)
        label = state.notes.get(f"label.{track}", "")
        words = Words(
            text=fields.packed("TranscriptionData").text("transcript", ""),
            final=final,
            speaker=self.options.speaker_of(
                track, known=_LABELS.get(label.strip().casefold()) or state.speakers.get(stream)
            ),
            start_ms=known.start_ms if known else at_ms,
            end_ms=at_ms,
            label=f"{track}（{label}）" if label else track,
            hint=hint_role(track),
            order=order,
            revision=order,
        )
        return state.hear(call_id, key, words)


def _since_began(state: State, now_ms: int | None) -> int:
    """Return ms from the start of the call; a callback without time is as late as the last words."""
    if now_ms is None or state.began_ms is None:
        return state.last_ms
    return min(max(now_ms - state.began_ms, 0), MAX_MS)
