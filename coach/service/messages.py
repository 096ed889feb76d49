"""The wire: what producers may send, the first frame of everybody, and how a wrong frame is explained to its sender.

docs/protocol.md explains these models. Sidebars and supervisors have theirs in `sidebar_messages` and `team_messages`;
what the service itself sends is built in `render` and `render_team`.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coach.errors import MessageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ModelT = TypeVar("ModelT", bound=BaseModel)

SUBPROTOCOL: Final = "coach.v1"
MAX_FRAME_BYTES: Final = 64 * 1024
MAX_TEXT: Final = 2_000
MAX_BATCH: Final = 1_000
CUSTOMER_ID_MAX: Final = 128
# A call of a day; it keeps every time and revision inside a 32 bit integer of any client.
_MAX_MS: Final = 86_400_000
_MAX_COUNT: Final = 2**31 - 1
_SHOWN: Final = 40

ErrorCode = Literal[
    "invalid_json",
    "invalid_field",
    "unknown_type",
    "too_large",
    "unknown_call",
    "call_ended",
    "gap",
    "not_allowed",
    "busy",
]


class GapError(MessageError):
    """Events are missing; `expected` is the seq to resend from. `full`: no more can be held, this one was not kept."""

    def __init__(self, *, expected: int, came: int, full: bool = False) -> None:
        kept = "等待补齐的事件已满，这一个没有保留；" if full else ""
        super().__init__(
            "gap", f"seq: 收到 {came}，应为 {expected}；{kept}请从 {expected} 起重发", field="seq"
        )
        self.expected = expected


# What an error message says was expected, by field name.
_EXPECTED: Final[dict[str, str]] = {
    "type": "消息类型",
    "call_id": "1 到 128 个字符的文字，不含空白和“/”",
    "agent_id": "1 到 128 个字符的文字，不含空白和“/”",
    "agent_name": "最多 40 个字符的文字",
    "team": "1 到 128 个字符的文字，不含空白和“/”",
    "utterance_id": "1 到 128 个字符的文字，不含空白和“/”",
    "advice_id": "收到过的建议编号",
    "customer_id": f"1 到 {CUSTOMER_ID_MAX} 个字符的客户编号",
    "id": "1 到 128 个字符的文字，不含空白和“/”",
    "seq": "从 1 开始的整数",
    "revision": "不小于 0 的整数",
    "speaker": '"agent"、"customer" 或 "unknown"',
    "text": f"最多 {MAX_TEXT} 个字符的文字",
    "final": "true 或 false",
    "start_ms": "从通话开始算起的毫秒数（0 到 86400000 的整数）",
    "end_ms": "从通话开始算起的毫秒数（0 到 86400000 的整数）",
    "at_ms": "从通话开始算起的毫秒数（0 到 86400000 的整数）",
    "slots": '对象，如 {"org": "晨光银行"}',
    "org": "最多 40 个字符的文字",
    "agent_number": "最多 40 个字符的文字",
    "customer_name": "最多 40 个字符的文字",
    "department": "最多 40 个字符的文字",
    "deadline": "最多 40 个字符的文字",
    "token": "API 密钥或签名令牌",
    "after": "上次收到的 offset",
    "verdict": '"useful" 或 "false-alarm"',
    "rule": "规则编号，如 hedging/should-be",
    "phrase": "话术编号，如 ignorance/check-now",
    "events": f"1 到 {MAX_BATCH} 个事件的数组",
    "utterances": f"1 到 {MAX_BATCH} 句话的数组",
    "ttl_s": "10 到 86400 的整数（秒）",
}

Id = Annotated[str, Field(pattern=r"^[^\s/\x00-\x1f\x7f]{1,128}$")]
Milliseconds = Annotated[int, Field(ge=0, le=_MAX_MS)]
Seq = Annotated[int, Field(ge=1, le=_MAX_COUNT)]
Slot = Annotated[str, Field(max_length=40)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
SpeakerField = Literal["agent", "customer", "unknown"]
Verdict = Literal["useful", "false-alarm"]
# Names of rules and phrases have a slash in them.
Name = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\x7f]{1,128}$")]


class WireModel(BaseModel):
    """What a frame is checked against. `expected` says what a field of this model takes, where it differs."""

    expected: ClassVar[Mapping[str, str]] = {}
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Slots(WireModel):
    """What fills the blanks of a phrase."""

    org: Slot | None = None
    agent_number: Slot | None = None
    customer_name: Slot | None = None
    department: Slot | None = None
    deadline: Slot | None = None

    def filled(self) -> dict[str, str]:
        """Return the slots that were given."""
        return {name: value for name, value in self if value}


class CallStarted(WireModel):
    """A call begins."""

    type: Literal["call.started"]
    call_id: Id
    seq: Seq
    agent_id: Id
    agent_name: Slot | None = None
    team: Id | None = None
    slots: Slots = Slots()
    # Who the customer is in the platform's own records; stored as a keyed hash only.
    customer_id: Annotated[str, Field(min_length=1, max_length=CUSTOMER_ID_MAX)] | None = None


class UtteranceHeard(WireModel):
    """A recogniser result: the whole text of one utterance so far."""

    type: Literal["utterance"]
    call_id: Id
    seq: Seq
    utterance_id: Id
    revision: Annotated[int, Field(ge=0, le=_MAX_COUNT)]
    speaker: SpeakerField
    text: Text
    final: bool
    start_ms: Milliseconds
    end_ms: Milliseconds


class CallEnded(WireModel):
    """A call is over."""

    type: Literal["call.ended"]
    call_id: Id
    seq: Seq
    at_ms: Milliseconds


class EventBatch(WireModel):
    """Body of `POST /v1/calls/{call_id}/events`; each event is checked by itself."""

    events: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]


TokenRole = Literal["agent", "supervisor", "reviewer", "admin"]


class TokenRequest(WireModel):
    """Body of `POST /v1/tokens`."""

    role: TokenRole = "agent"
    agent_id: Id | None = None
    user_id: Id | None = None
    teams: Annotated[list[Name], Field(max_length=200)] = []
    ttl_s: Annotated[int, Field(ge=10, le=86_400)] = 600


class FeedbackRequest(WireModel):
    """Body of `POST /v1/advice/{id}/feedback`."""

    verdict: Verdict


class Line(WireModel):
    """One utterance to check outside of a call."""

    id: Annotated[str, Field(max_length=128)] = ""
    text: Text
    speaker: SpeakerField = "agent"


class CheckRequest(WireModel):
    """Body of `POST /v1/check`: one text or many utterances."""

    text: Text | None = None
    speaker: SpeakerField = "agent"
    utterances: Annotated[list[Line], Field(min_length=1, max_length=MAX_BATCH)] | None = None


ProducerEvent = CallStarted | UtteranceHeard | CallEnded


class Hello(WireModel):
    """The first message of a socket that brought no key in its headers."""

    type: Literal["hello"]
    token: Annotated[str, Field(min_length=1, max_length=4096)]
    after: Annotated[str, Field(max_length=64)] | None = None


class Ping(WireModel):
    """Is the service there?"""

    type: Literal["ping"]


_PRODUCER: Final[dict[str, type[ProducerEvent]]] = {
    "call.started": CallStarted,
    "utterance": UtteranceHeard,
    "call.ended": CallEnded,
}


def read_json(frame: str | bytes) -> dict[str, Any]:
    """Decode one frame.

    Raises:
        MessageError: `too_large` or `invalid_json`.
    """
    # A character has at most four bytes: nearly every frame is known to be small without counting.
    if len(frame) > MAX_FRAME_BYTES // 4 and (size := _size(frame)) > MAX_FRAME_BYTES:
        raise MessageError("too_large", f"收到 {size} 字节，一帧最多 {MAX_FRAME_BYTES} 字节")
    if isinstance(frame, bytes):
        raise MessageError("invalid_json", "收到二进制帧，应为 UTF-8 编码的 JSON 文本帧")
    return read_object(frame)


def read_object(body: str | bytes) -> dict[str, Any]:
    """Decode a JSON object.

    Raises:
        MessageError: `invalid_json`.
    """
    value = decode_json(body)
    if not isinstance(value, dict):
        raise MessageError("invalid_json", f"收到 {shown(value)}，应为 JSON 对象 {{…}}")
    return value


def decode_json(body: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Decode JSON.

    Raises:
        MessageError: `invalid_json`, with the place.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MessageError(
            "invalid_json", f"不是 JSON：第 {error.lineno} 行第 {error.colno} 列 {error.msg}"
        ) from error


def read_producer_event(value: dict[str, Any]) -> ProducerEvent:
    """Check one event of a producer.

    Raises:
        MessageError: `unknown_type`, `too_large` or `invalid_field`.
    """
    event = read_typed(value, _PRODUCER)
    if isinstance(event, UtteranceHeard) and event.end_ms < event.start_ms:
        raise MessageError(
            "invalid_field",
            f"end_ms: 收到 {event.end_ms}，应为不小于 start_ms（{event.start_ms}）的毫秒数",
            field="end_ms",
        )
    return event


def read_hello(value: dict[str, Any]) -> Hello:
    """Check the first message of a socket.

    Raises:
        MessageError: `unknown_type` or `invalid_field`.
    """
    return read_typed(value, {"hello": Hello})


def read_model(model: type[ModelT], value: object) -> ModelT:
    """Check one value against its model.

    Raises:
        MessageError: `too_large` or `invalid_field`, for the first thing that is wrong.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # Errors come in field order; an unknown field is often the typing error behind a missing one.
        wrong = error.errors(include_url=False, include_context=True)
        first = next((one for one in wrong if one["type"] == "extra_forbidden"), wrong[0])
        raise _explain(model, first) from error


def shown(value: object) -> str:
    """Quote what came, shortened: an error goes back to its sender and must not be a megabyte."""
    try:
        text = orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, UnicodeDecodeError):
        text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _size(frame: str | bytes) -> int:
    return len(frame) if isinstance(frame, bytes) else len(frame.encode("utf-8", "surrogatepass"))


def read_typed(value: dict[str, Any], models: Mapping[str, type[ModelT]]) -> ModelT:
    """Check one message against the model of its type.

    Raises:
        MessageError: `unknown_type`, `too_large` or `invalid_field`.
    """
    name = value.get("type")
    model = models.get(name) if isinstance(name, str) else None
    if model is None:
        came = "缺少 type" if "type" not in value else f"type: 收到 {shown(name)}"
        raise MessageError("unknown_type", f"{came}，应为 {'、'.join(models)} 之一", field="type")
    return read_model(model, value)


def _explain(model: type[BaseModel], wrong: ErrorDetails) -> MessageError:
    path = ".".join(str(part) for part in wrong["loc"])
    name = next((part for part in reversed(wrong["loc"]) if isinstance(part, str)), "")
    if wrong["type"] == "extra_forbidden":
        known = "、".join(Slots.model_fields if path.startswith("slots.") else model.model_fields)
        return MessageError("invalid_field", f"{path}: 没有这个字段，可用的字段：{known}", field=path)
    own: Mapping[str, str] = getattr(model, "expected", {})
    expected = own.get(name) or _EXPECTED.get(name, wrong["msg"])
    if wrong["type"] == "missing":
        return MessageError("invalid_field", f"{path}: 缺少这个字段，应为{expected}", field=path)
    if name == "text" and wrong["type"] == "string_too_long":
        return MessageError(
            "too_large", f"text: 收到 {len(wrong['input'])} 个字符，应为{expected}", field=path
        )
    return MessageError("invalid_field", f"{path}: 收到 {shown(wrong['input'])}，应为{expected}", field=path)
