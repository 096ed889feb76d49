"""Google Agent Assist: ConversationEvents from Pub/Sub, with the recogniser's results and the final messages.

No id of the utterance and no order between deliveries: a sentence is known by the end of the one before it.
Field names inside the payloads are general knowledge: compare them with a real message.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import orjson

from coach.connectors.fields import MAX_MS, Fields
from coach.connectors.model import Ignored, Options, Started, hint_role
from coach.connectors.state import Words
from coach.errors import MessageError

if TYPE_CHECKING:
    from coach.coaching.events import Speaker
    from coach.connectors.model import Incoming, Payload
    from coach.connectors.state import State

_KNOWN: Final[dict[str, Speaker]] = {"HUMAN_AGENT": "agent", "END_USER": "customer"}
# An end that lies so far before the last one is the beginning of a new recognition stream.
_NEW_STREAM_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Google:
    """Reads one Pub/Sub push body, or the ConversationEvent alone."""

    vendor: ClassVar[str] = "google"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the conversation's id, unless the integrator names the call."""
        return self.options.call_of(_event(payload)[0].identifier("conversation").rpartition("/")[2])

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one delivery."""
        (event, role, message_id), call_id = _event(payload), self.call_id(payload)
        if message_id and not state.first_time(message_id):
            return [Ignored(call_id, "这条消息已经收到过（messageId 相同）")]
        kind = event.text("type")
        if kind == "CONVERSATION_STARTED":
            return [Started(call_id, self.options.agent_id)]
        if kind == "CONVERSATION_FINISHED":
            if self.options.ends_call is False:
                return state.end_stream(call_id, ends_call=False)
            return state.end(call_id)
        if kind == "NEW_RECOGNITION_RESULT":
            return [self._result(event.object("newRecognitionResultPayload"), role, call_id, state)]
        if kind == "NEW_MESSAGE":
            return [self._message(event.object("newMessagePayload"), role, call_id, state)]
        return [Ignored(call_id, f"不含转写的事件 {kind}")]

    def _result(self, result: Fields, role: str, call_id: str, state: State) -> Incoming:
        if (kind := result.text("messageType", "TRANSCRIPT")) != "TRANSCRIPT":
            return Ignored(call_id, f"不含转写的识别结果 {kind}")
        if role == "AUTOMATED_AGENT":
            return Ignored(call_id, "AUTOMATED_AGENT：机器人在说话")
        side, final = f"asr.{role or 'none'}", result.flag("isFinal")
        spoken = result.objects("speechWordInfo", optional=True)
        end_ms = result.seconds_ms("speechEndOffset", -1)
        if end_ms < 0:
            end_ms = spoken[-1].seconds_ms("endOffset") if spoken else state.last_ms + 1
        stream, base_ms = _stream(state, side, end_ms)
        key = state.place(stream, end_ms, final=final)
        if key is None:
            return Ignored(call_id, "已经收到过，或比已经收到的结果旧")
        known = state.growing(key)
        start_ms = min(base_ms + spoken[0].seconds_ms("startOffset", end_ms), MAX_MS) if spoken else -1
        if start_ms < 0:
            start_ms = known.start_ms if known else min(state.last_ms, base_ms + end_ms)
        words = Words(
            text=result.text("transcript", ""),
            final=final,
            speaker=self._speaker(role),
            start_ms=start_ms,
            end_ms=min(base_ms + end_ms, MAX_MS),
            label=role,
            hint=_hint(role),
            order=end_ms,
            revision=end_ms,
        )
        return state.hear(call_id, key, words)

    def _message(self, message: Fields, role: str, call_id: str, state: State) -> Incoming:
        role = message.text("participantRole", role)
        if any(key.startswith("asr.") for key in state.done):
            return Ignored(call_id, "同一句话的识别结果已经收到，NEW_MESSAGE 不再重复")
        if role == "AUTOMATED_AGENT":
            return Ignored(call_id, "AUTOMATED_AGENT：机器人在说话")
        at = message.instant_ms("sendTime") or message.instant_ms("createTime")
        if state.began_ms is None:
            state.began_ms = at
        at_ms = at - state.began_ms if at is not None and state.began_ms is not None else state.last_ms
        at_ms = min(max(0, at_ms), MAX_MS)
        name = message.identifier("name").rpartition("/")[2]
        words = Words(message.text("content", ""), True, self._speaker(role), at_ms, at_ms, role, _hint(role))
        return state.hear(call_id, f"message.{name}", words)

    def _speaker(self, role: str) -> Speaker:
        return self.options.speaker_of(role, known=_KNOWN.get(role))


def _hint(role: str) -> str:
    return hint_role(role) if role else "消息没有 participant_role 属性：用 speaker 指明这一路是谁"


def _stream(state: State, side: str, end_ms: int) -> tuple[str, int]:
    """Return the recognition stream a result is of, and where in the call that stream began, in ms.

    Offsets count from the beginning of a stream, and a stream lasts minutes (unsure: some count from the call).
    """
    prefix = f"{side}."
    name = next((key for key in reversed(state.done) if key.startswith(prefix)), f"{side}.0.0")
    base_ms = int(name.removeprefix(prefix).partition(".")[0])
    stream = f"{side}.{base_ms}"
    finals = state.finals_of(stream)
    if end_ms + _NEW_STREAM_MS < max(finals, default=0) and end_ms not in finals:
        base_ms = base_ms + max(finals)
        stream = f"{side}.{base_ms}"
    return stream, base_ms


def _event(payload: Payload) -> tuple[Fields, str, str]:
    """Unwrap a push; return the event, the participant's role and the id of the delivery ("" if none)."""
    fields = Fields(payload)
    if not fields.has("message"):
        return fields, fields.text("participant_role", ""), ""
    message = fields.object("message")
    attributes = message.object("attributes") if message.has("attributes") else Fields({})
    try:
        event = orjson.loads(base64.b64decode(message.text("data"), validate=True))
    except (binascii.Error, ValueError) as error:
        raise message.wrong("data", "base64 编码的 JSON（ConversationEvent）") from error
    if not isinstance(event, dict):
        raise MessageError("invalid_field", "message.data: 应为 JSON 对象", field="message.data")
    return (
        Fields(event, "message.data"),
        attributes.text("participant_role", ""),
        message.text("messageId", ""),
    )
