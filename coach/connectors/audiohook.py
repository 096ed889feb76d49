"""Genesys AudioHook v2: the messages of a transcription connector, words as `event` entities, ISO durations.

`channelId` counts in the channel list of the session's `opened` or `open` message (unsure); external is the
customer, internal the agent. A session that is closed for any reason but `end` may be continued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, Started, hint_role
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.coaching.events import Speaker
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State

_KNOWN: Final[dict[str, Speaker]] = {"internal": "agent", "external": "customer"}


@dataclass(frozen=True, slots=True)
class AudioHook:
    """Reads one message of a session."""

    vendor: ClassVar[str] = "audiohook"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the session's `id`, unless the integrator names the call."""
        return self.options.call_of(Fields(payload).identifier("id"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one message."""
        fields, call_id = Fields(payload), self.call_id(payload)
        kind = fields.text("type")
        if kind in {"open", "opened"}:
            _note_channels(fields.object("parameters"), state)
            return [Started(call_id, self.options.agent_id)]
        if kind == "close":
            reason = fields.object("parameters").text("reason", "")
            if self.options.ends_call or (self.options.ends_call is None and reason == "end"):
                return state.end(call_id)
            return [Ignored(call_id, f"会话以 {reason or '未知原因'} 关闭，可能会续接，通话未结束")]
        if kind != "event":
            return [Ignored(call_id, f"不含转写的消息 {kind}")]
        entities = fields.object("parameters").objects("entities", optional=True)
        return [self._entity(each, call_id, state) for each in entities] or [Ignored(call_id, "没有实体")]

    def _entity(self, entity: Fields, call_id: str, state: State) -> Incoming:
        if (kind := entity.text("type")) != "transcript":
            return Ignored(call_id, f"{kind} 实体，不含转写")
        transcript = entity.object("data")
        best = transcript.objects("alternatives", optional=True)
        readings = best[0].objects("interpretations", optional=True) if best else []
        if not readings:
            return Ignored(call_id, "没有文字")
        shown = next((each for each in readings if each.text("type", "") == "display"), readings[0])
        channel = transcript.count("channelId")
        names = state.notes.get("channels", "").split(",")
        name = names[channel] if channel < len(names) else ""
        stream = f"ch{channel}"
        start_ms = transcript.duration_ms("offset", state.last_ms)
        words = Words(
            text=shown.text("transcript", ""),
            final=transcript.flag("isFinal"),
            speaker=self.options.speaker_of(
                str(channel), known=_KNOWN.get(name) or state.speakers.get(stream)
            ),
            start_ms=start_ms,
            end_ms=start_ms + transcript.duration_ms("duration", 0),
            label=f"channelId={channel}" + (f"（{name}）" if name else ""),
            hint=f"{hint_role(str(channel))}，或把会话的 open、opened 消息也送来",
        )
        return state.hear(call_id, f"{stream}.{transcript.identifier('id')}", words)


def _note_channels(parameters: Fields, state: State) -> None:
    """Remember the channel list if it is certain: `open` may offer several, `opened` names the one chosen."""
    lists = {
        tuple(str(name).lower() for name in channels)
        for media in parameters.objects("media", optional=True)
        if isinstance(channels := media.raw("channels"), list)
    }
    if len(lists) == 1:
        state.note("channels", ",".join(lists.pop()))
