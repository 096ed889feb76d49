"""Webhooks in the vendors' own words: `POST /v1/connectors/{vendor}`.

Here a request is read and let in; what becomes of its payloads is decided in `connector_desk`. The answer comes
after the commit, and the same payload again changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from coach.connectors.model import Options, read_roles, read_speaker
from coach.connectors.vendors import connector_for
from coach.errors import MessageError
from coach.service.access import check_right, known, service_of, tenant_of
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.connector_desk import Answer
from coach.service.connector_settings import TWILIO_SIGNATURE, TenantConnectors
from coach.service.database import DEFAULT_TENANT
from coach.service.messages import MAX_BATCH, decode_json, shown
from coach.service.responses import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.connectors.model import Payload

MAX_PAYLOAD_BYTES: Final = 1024 * 1024
# In the address of what a vendor signs: whose it is.
_TENANT: Final = "tenant"
_LONGEST_NAME: Final = 41
_OPTIONS: Final = ("call_id", "agent_id", "speaker", "roles", "ends_call", "team", "agent_name")
_FORM: Final = "application/x-www-form-urlencoded"

router = APIRouter()


@router.post(
    "/v1/connectors/{vendor}",
    openapi_extra={
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
            for name in (*_OPTIONS, _TENANT)
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
    connector_for(vendor, Options())
    signature = request.headers.get(TWILIO_SIGNATURE) if vendor == "twilio" else None
    principal = await _producer(request) if signature is None else None
    body = await _body(request)
    # curl calls everything a form.
    form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM and (
        body.lstrip()[:1] not in {b"{", b"["}
    )
    params = _form(body) if form else []
    if principal is None:
        principal = await _signer(request, signature or "", params=params, form=form)
    elif _TENANT in request.query_params:
        raise MessageError(
            "invalid_field", f"{_TENANT}: 密钥已经说明了租户；只有带签名的请求写这个参数", field=_TENANT
        )
    desk = tenant_of(request, principal).desk
    given = {name: value for name, value in request.query_params.items() if name != _TENANT}
    connector = connector_for(vendor, read_options(given, roles=desk.settings.roles_of(vendor)))
    payloads = [dict(params)] if form else _json(body)
    answer, refused = Answer(), None
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
    connector_for(vendor, Options())
    principal = await _producer(request)
    answer = Answer()
    await tenant_of(request, principal).desk.end(call_id, principal=principal, answer=answer)
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
        team=given.get("team", ""),
        agent_name=given.get("agent_name", ""),
    )


async def _signer(
    request: Request, signature: str, *, params: list[tuple[str, str]], form: bool
) -> Principal:
    """Return whom a signature stands for: the tenant that the address names, if its own secret made it.

    Raises:
        MessageError: `not_authenticated` or `rate_limited`.
    """
    service = service_of(request)
    name = request.query_params.get(_TENANT, DEFAULT_TENANT)
    tenant = service.tenants.get(name)
    known = (
        tenant.desk.settings
        if tenant
        else TenantConnectors(name[:_LONGEST_NAME], url=service.default.desk.settings.url)
    )
    try:
        known.check_twilio(signature, url=_address(request, known.url), params=params, form=form)
    except MessageError:
        await service.refused(actor_of(request).address)
        raise
    # It stands for an API key, and is limited as one.
    principal = Principal("producer", tenant=name, name="twilio", by_key=True)
    await service.limits.check(principal)
    return principal


async def _producer(request: Request) -> Principal:
    principal = await known(request)
    check_right(principal, "ingest")
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
    value = decode_json(body)
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


def _at(error: MessageError, index: int) -> MessageError:
    """Say which payload of an array an error is about, where it is about a payload."""
    if error.code != "invalid_field":
        return error
    return MessageError(error.code, f"[{index}].{error.message}", field=f"[{index}].{error.field}")
