"""iFlytek RTASR: `data` is JSON in a string, `st.type` "0" is final, times are ms in strings.

The sentence is known by its beginning `bg`: `seg_id` rises with every message in the old API (unsure). Roles
come with role separation only, as `rl`; "0" means the speaker has not changed (unsure).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, Started, hint_role, hint_speaker
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State


@dataclass(frozen=True, slots=True)
class IFlytek:
    """Reads the messages of one session (`sid`)."""

    vendor: ClassVar[str] = "iflytek"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the session's `sid`, unless the integrator names the call."""
        return self.options.call_id or self.options.call_of(Fields(payload).identifier("sid"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one message."""
        fields, call_id = Fields(payload), self.call_id(payload)
        # The large-model edition says msg_type where the older one says action.
        action = fields.text("action", "") or fields.text("msg_type")
        if action == "started":
            return [Started(call_id, self.options.agent_id)]
        if action == "error" or fields.text("code", "0") not in {"0", "000000"}:
            why = fields.text("desc", "")[:200]
            return [Ignored(call_id, f"讯飞报错 {fields.text('code', '')}：{why}")]
        if action != "result":
            return [Ignored(call_id, f"不含转写的消息 {action}")]
        result = fields.packed("data")
        found: list[Incoming] = []
        if result.has("cn"):
            found.append(self._sentence(fields, result.object("cn").object("st"), call_id, state))
        if result.flag("ls", default=False):
            found += state.end_stream(call_id, ends_call=self.options.ends_call)
        return found or [Ignored(call_id, "不含转写的消息")]

    def _sentence(self, fields: Fields, st: Fields, call_id: str, state: State) -> Incoming:
        final = {"0": True, "1": False}.get(st.text("type"))
        if final is None:
            raise st.wrong("type", '"0"（最终）或 "1"（中间）')
        sid = fields.text("sid", "sid")
        start_ms, end_ms = st.ms("bg"), st.ms("ed", 0)
        text, role = _words(st)
        who = f"rl.{sid}"
        if role not in {"", "0"}:
            state.note(who, role)
        label = state.notes.get(who, "") if role == "0" else role
        words = Words(
            text=text,
            final=final,
            speaker=self.options.speaker_of(label),
            start_ms=start_ms,
            # "0" while the sentence goes on.
            end_ms=max(start_ms, end_ms),
            label=label,
            hint=hint_role(label) if label else hint_speaker(),
        )
        return state.hear(call_id, f"{sid}.{start_ms}", words)


def _words(st: Fields) -> tuple[str, str]:
    """Return the text, the best candidate of each word, and the role of the first one."""
    pieces: list[str] = []
    role = ""
    for part in st.objects("rt"):
        for word in part.objects("ws"):
            best = word.objects("cw")
            if best:
                pieces.append(best[0].text("w", ""))
                role = role or best[0].text("rl", "")
    return "".join(pieces), role
