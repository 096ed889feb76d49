"""Aliyun `VoiceRTASRReport`: one message is one whole sentence, with the role as the line calls it.

What role "A" or "B" is depends on who called whom: it is told by `roles`, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from coach.connectors.fields import Fields
from coach.connectors.model import Options, hint_role
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State


@dataclass(frozen=True, slots=True)
class AliyunReport:
    """Reads one report."""

    vendor: ClassVar[str] = "aliyun-report"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the vendor's `call_id`, unless the integrator names the call."""
        return self.options.call_of(Fields(payload).identifier("call_id"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one sentence."""
        fields, call_id = Fields(payload), self.call_id(payload)
        role = fields.text("role", "") or fields.text("identity", "")
        start_ms, end_ms = fields.ms("begin_offset"), fields.ms("end_offset")
        words = Words(
            text=fields.text("words"),
            final=True,
            speaker=self.options.speaker_of(role),
            start_ms=start_ms,
            end_ms=end_ms,
            label=role,
            hint=hint_role(role) if role else "没有 role：用 speaker 指明这一路是谁",
        )
        return [state.hear(call_id, f"{role or 'line'}.{start_ms}", words)]
