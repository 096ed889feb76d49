"""Huawei Cloud SIS real-time recognition: one message may hold several sentences, each with its own finality.

A sentence is known by its beginning; one stream (`trace_id`) is one side of the call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, Started, hint_speaker
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State


@dataclass(frozen=True, slots=True)
class Huawei:
    """Reads the messages of one stream."""

    vendor: ClassVar[str] = "huawei"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the stream's `trace_id`, unless the integrator names the call."""
        return self.options.call_id or self.options.call_of(Fields(payload).identifier("trace_id"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one message."""
        fields, call_id = Fields(payload), self.call_id(payload)
        kind = fields.text("resp_type").upper()
        if kind == "START":
            return [Started(call_id, self.options.agent_id)]
        if kind == "END":
            return state.end_stream(call_id, ends_call=self.options.ends_call)
        if kind in {"ERROR", "FATAL_ERROR"}:
            why = fields.text("error_msg", "")[:200]
            return [Ignored(call_id, f"华为云报错 {fields.text('error_code', '')}：{why}")]
        if kind != "RESULT":
            return [Ignored(call_id, f"不含转写的消息 {kind}")]
        stream = fields.text("trace_id", "sis")
        found = [self._segment(each, stream, call_id, state) for each in fields.objects("segments")]
        return found or [Ignored(call_id, "没有句子")]

    def _segment(self, segment: Fields, stream: str, call_id: str, state: State) -> Incoming:
        if not segment.has("result"):
            return Ignored(call_id, f"{segment.where('result')}: 识别失败的句子没有结果")
        start_ms, end_ms = segment.ms("start_time"), segment.ms("end_time")
        words = Words(
            text=segment.object("result").text("text", ""),
            final=segment.flag("is_final"),
            speaker=self.options.speaker_of(stream),
            start_ms=start_ms,
            end_ms=end_ms,
            hint=hint_speaker(),
            order=end_ms,
        )
        return state.hear(call_id, f"{stream}.{start_ms}", words)
