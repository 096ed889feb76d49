"""Tencent Cloud real-time recognition: `slice_type` 0 begins, 1 may still change, 2 is final.

One stream a side, unless speakers are separated. A reconnect has a new `voice_id`; `final: 1` may come
together with the last words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, hint_role, hint_speaker
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State

_STABLE: Final = 2


@dataclass(frozen=True, slots=True)
class Tencent:
    """Reads the messages of one stream."""

    vendor: ClassVar[str] = "tencent"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the stream's `voice_id`, unless the integrator names the call."""
        return self.options.call_id or self.options.call_of(Fields(payload).identifier("voice_id"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one message."""
        fields, call_id = Fields(payload), self.call_id(payload)
        if code := fields.count("code", 0):
            return [Ignored(call_id, f"腾讯云报错 {code}：{fields.text('message', '')[:200]}")]
        found: list[Incoming] = []
        if fields.has("result"):
            found.append(self._slice(fields, fields.object("result"), call_id, state))
        if fields.flag("final", default=False):
            found += state.end_stream(call_id, ends_call=self.options.ends_call)
        return found or [Ignored(call_id, "不含转写的消息")]

    def _slice(self, fields: Fields, result: Fields, call_id: str, state: State) -> Incoming:
        kind = result.count("slice_type")
        if kind > _STABLE:
            raise result.wrong("slice_type", "0、1 或 2")
        label = result.text("speaker_id", "")
        speaker = self.options.speaker_of(label)
        words = Words(
            text=result.text("voice_text_str", ""),
            final=kind == _STABLE,
            speaker=speaker,
            start_ms=result.ms("start_time", 0),
            end_ms=result.ms("end_time", 0),
            label=label,
            hint=hint_role(label) if label else hint_speaker(),
            order=result.ms("end_time", 0),
        )
        return state.hear(call_id, f"{fields.identifier('voice_id')}.{result.count('index')}", words)
