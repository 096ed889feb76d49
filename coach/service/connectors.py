"""Webhooks in the vendors' own words: `POST /v1/connectors/{vendor}`.

A payload becomes utterances, which go the way of every producer's events; the answer comes after the commit. The
same payload again changes nothing. What a connector remembers of a call is rebuilt from the stored finals.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from coach.connectors.model import Ended, Heard, Ignored, Options, Started, read_roles, read_speaker
from coach.connectors.state import State
from coach.connectors.vendors import connector_for
from coach.errors import MessageError
from coach.service.auth import Principal
from coach.service.connector_settings import TWILIO_SIGNATURE
from coach.service.ingest import Intake, Outbox
from coach.service.messages import MAX_BATCH, shown
from coach.service.producer_events import events_of
from coach.service.responses import JsonResponse
from coach.service.rest import known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coach.connectors.model import Connector, Incoming, Payload
    from coach.service.connector_settings import ConnectorSettings
    from coach.service.render import Message
    from coach.service.service import Service

log = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES: Final = 1024 * 1024
_MAX_TOLD: Final = 20
_OPTIONS: Final = ("call_id", "agent_id", "speaker", "roles", "ends_call")
_FORM: Final = "application/x-www-form-urlencoded"

router = APIRouter()


@dataclass(slots=True)
class _Session:
    """One call of a vendor.

    Attributes:
        state: what the connector remembers; None until it was rebuilt.
        durable: the seq of the last event that must be on disk before a payload is answered.
    """

    state: State | None = None
    durable: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class _Answer:
    """What became of the payloads of one request."""

    events: int = 0
    acked: dict[str, int] = field(default_factory=dict)
    ignored: list[dict[str, str]] = field(default_factory=list)
    hints: dict[str, None] = field(default_factory=dict)

    def ignore(self, event: Ignored) -> None:
        """Note why something changed nothing."""
        if len(self.ignored) < _MAX_TOLD:
            self.ignored.append({"why": event.why, "hint": event.hint})

    def hint(self, text: str) -> None:
        """Note what should be set."""
        if text and len(self.hints) < _MAX_TOLD:
            self.hints[text] = None

    def render(self) -> Message:
        """Return the body of the answer."""
        return {
            "events": self.events,
            "acked": self.acked,
            "ignored": self.ignored,
            "hints": list(self.hints),
        }


class ConnectorDesk:
    """Takes in vendors' payloads and keeps what their connectors remember."""

    def __init__(self, service: Service, settings: ConnectorSettings) -> None:
        self._service = service
        self.settings = settings
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def take(
        self, connector: Connector, payload: Payload, *, principal: Principal, answer: _Answer
    ) -> None:
        """Take in one payload; return once it is on disk.

        Raises:
            MessageError: it was refused; sent again later it is taken as if for the first time.
        """
        await self._take(
            connector.call_id(payload),
            lambda state: connector.read(payload, state),
            agent_id=connector.options.agent_id,
            principal=principal,
            answer=answer,
        )

    async def end(self, call_id: str, *, principal: Principal, answer: _Answer) -> None:
        """End a call whose vendor does not say when it ends.

        Raises:
            MessageError: `unknown_call`, or it was refused.
        """
        if call_id not in self._sessions and await self._service.store.load_call(call_id) is None:
            raise MessageError("unknown_call", "没有这通电话", field="call_id")
        await self._take(
            call_id, lambda state: state.end(call_id), agent_id="", principal=principal, answer=answer
        )

    async def _take(
        self,
        call_id: str,
        read: Callable[[State], list[Incoming]],
        *,
        agent_id: str,
        principal: Principal,
        answer: _Answer,
    ) -> None:
        session = self._session(call_id)
        outbox = Outbox(bounded=False)
        intake = Intake(
            calls=self._service.calls, principal=principal, outbox=outbox, max_calls=1, call_id=call_id
        )
        try:
            async with session.lock:
                if session.state is None:
                    session.state = await self._rebuild(call_id)
                found = read(session.state)
                for event in found:
                    await self._put(event, intake, session, agent_id=agent_id, answer=answer)
                # Also what an earlier payload brought: a repetition must not be answered before it is on disk.
                durable = session.durable
            answer.acked[call_id] = _done(await self._service.calls.settle(call_id), durable, outbox)
        except BaseException:
            # The connector believes to have heard what was refused: remember only what is on disk.
            session.state, session.durable = None, 0
            raise
        finally:
            intake.close()
        if any(isinstance(event, Ended) for event in found):
            self._sessions.pop(call_id, None)

    async def _put(
        self, event: Incoming, intake: Intake, session: _Session, *, agent_id: str, answer: _Answer
    ) -> None:
        """Give an event its place in the call and send it the way of every producer's events."""
        if isinstance(event, Ignored):
            answer.ignore(event)
            return
        try:
            seq = await self._service.calls.next_seq(event.call_id)
        except MessageError as error:
            # Nobody who calls a webhook can do anything about it; the log can.
            log.warning("%s", error.message, extra={"call_id": event.call_id})
            answer.ignore(Ignored(event.call_id, error.message))
            return
        if seq == 1:
            agent_id = (event.agent_id if isinstance(event, Started) else "") or agent_id
            if not agent_id:
                raise MessageError(
                    "unknown_call",
                    "agent_id: 这通电话还没有开始，也不知道是哪个坐席；在地址后加 ?agent_id=…，"
                    "或先用 POST /v1/calls/{call_id}/events 发 call.started",
                    field="agent_id",
                )
            await intake.event(
                {"type": "call.started", "call_id": event.call_id, "seq": 1, "agent_id": agent_id}
            )
            session.durable, seq = 1, 2
            answer.events += 1
        if isinstance(event, Heard):
            answer.hint(event.hint)
        for message in events_of(event):
            await intake.event({**message, "call_id": event.call_id, "seq": seq})
            if message.get("final", True):
                session.durable = seq
            seq += 1
            answer.events += 1

    async def _rebuild(self, call_id: str) -> State:
        """Remember again what was known of a call, from what is on disk."""
        await self._service.calls.settle(call_id)
        stored = await self._service.store.load_call(call_id)
        if stored is None:
            return State()
        heard = (utterance for _, utterance in stored.heard)
        return State.of_finals(heard, began_ms=int(stored.started_at * 1000))

    def _session(self, call_id: str) -> _Session:
        session = self._sessions.setdefault(call_id, _Session())
        self._sessions.move_to_end(call_id)
        for old in list(self._sessions)[: max(0, len(self._sessions) - self._service.settings.max_calls)]:
            if not self._sessions[old].lock.locked():
                del self._sessions[old]
        return session


@router.post(
    "/v1/connectors/{vendor}",
    openapi_extra={
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
            for name in _OPTIONS
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            {"type": "object"},
                            {
                                "type": "array",
                                "items": {"type": "object"},
                                "minItems": 1,
                                "maxItems": MAX_BATCH,
                            },
                        ]
                    }
                },
                _FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}},
            },
        },
    },
)
async def take_payloads(request: Request, vendor: str) -> Response:
    """Take in what a vendor sends, in its own words; answers after the commit."""
    desk: ConnectorDesk = request.app.state.connectors
    connector = connector_for(
        vendor, read_options(request.query_params, roles=desk.settings.roles_of(vendor))
    )
    signature = request.headers.get(TWILIO_SIGNATURE) if vendor == "twilio" else None
    principal = Principal("producer") if signature is not None else _producer(request)
    body = await _body(request)
    form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    params = _form(body) if form else []
    if signature is not None:
        desk.settings.check_twilio(signature, url=_address(request, desk.settings.url), params=params)
        if not form:
            raise MessageError("not_authenticated", f"带签名的请求应为 {_FORM}，签名不含其他格式的内容")
    payloads = [dict(params)] if form else _json(body)
    answer, refused = _Answer(), None
    for index, payload in enumerate(payloads):
        try:
            await desk.take(connector, payload, principal=principal, answer=answer)
        except MessageError as error:
            refused = refused or (_at(error, index) if len(payloads) > 1 else error)
    if refused is not None:
        # The whole delivery may be sent again: what was taken changes nothing the second time.
        raise refused
    return JsonResponse(answer.render())


@router.post("/v1/connectors/{vendor}/calls/{call_id}/end")
async def end_call(request: Request, vendor: str, call_id: str) -> Response:
    """End a call whose vendor does not say when it ends; ended before, it stays as it is."""
    desk: ConnectorDesk = request.app.state.connectors
    connector_for(vendor, Options())
    principal = _producer(request)
    answer = _Answer()
    await desk.end(call_id, principal=principal, answer=answer)
    return JsonResponse(answer.render())


def read_options(given: Mapping[str, str], *, roles: Mapping[str, Any]) -> Options:
    """Read what the integrator says in the address.

    Raises:
        MessageError: `invalid_field`.
    """
    for name in given:
        if name not in _OPTIONS:
            raise MessageError(
                "invalid_field", f"{name}: 没有这个参数，可用的参数：{'、'.join(_OPTIONS)}", field=name
            )
    ends = given.get("ends_call", "").lower()
    if ends not in {"", "true", "false"}:
        raise MessageError(
            "invalid_field",
            f"ends_call: 收到 {shown(given['ends_call'])}，应为 true 或 false",
            field="ends_call",
        )
    return Options(
        call_id=given.get("call_id", ""),
        agent_id=given.get("agent_id", ""),
        speaker=read_speaker(given["speaker"], name="speaker") if given.get("speaker") else None,
        roles={**roles, **read_roles(given.get("roles", ""), name="roles")},
        ends_call=None if not ends else ends == "true",
    )


def _producer(request: Request) -> Principal:
    principal = known(request)
    if principal.role != "producer":
        raise MessageError("not_allowed", "此操作需要 API 密钥或生产者令牌")
    return principal


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_PAYLOAD_BYTES:
            raise MessageError("too_large", f"请求体超过 {MAX_PAYLOAD_BYTES} 字节")
        parts.append(part)
    return b"".join(parts)


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError as error:
        raise MessageError("invalid_json", f"不是表单（{_FORM}）：{error}") from error


def _json(body: bytes) -> list[Payload]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MessageError(
            "invalid_json", f"不是 JSON：第 {error.lineno} 行第 {error.colno} 列 {error.msg}"
        ) from error
    payloads = value if isinstance(value, list) else [value]
    if not 1 <= len(payloads) <= MAX_BATCH:
        raise MessageError("too_large", f"收到 {len(payloads)} 个事件，一次应为 1 到 {MAX_BATCH} 个")
    for payload in payloads:
        if not isinstance(payload, dict):
            raise MessageError("invalid_json", f"收到 {shown(payload)}，应为 JSON 对象 {{…}} 或对象的数组")
    return payloads


def _address(request: Request, base: str) -> str:
    """Return the address as the vendor called it."""
    if not base:
        return str(request.url)
    query = request.url.query
    return f"{base}{request.url.path}" + (f"?{query}" if query else "")


def _done(acked: int, durable: int, outbox: Outbox) -> int:
    """Return what is acked, if that is all that has to be."""
    if outbox.errors:
        first = outbox.errors[0]
        raise MessageError(first["code"], first["message"], field=first["field"] or "")
    if acked < durable:
        raise MessageError("busy", "没有写入磁盘，请重发")
    return acked


def _at(error: MessageError, index: int) -> MessageError:
    """Say which payload of an array an error is about, where it is about a payload."""
    if error.code != "invalid_field":
        return error
    return MessageError(error.code, f"[{index}].{error.message}", field=f"[{index}].{error.field}")
