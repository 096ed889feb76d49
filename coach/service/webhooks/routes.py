"""The HTTP side of webhooks: who is told of what, and what could not be told (docs/webhooks.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations
from pydantic import BaseModel, ConfigDict, Field

from coach.errors import MessageError
from coach.service.access import service_of, tenant_of, with_right
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.responses import JsonResponse
from coach.service.rest import body_of, read_body
from coach.service.webhooks.address import MAX_URL
from coach.service.webhooks.endpoints import EVENT_TYPES
from coach.service.webhooks.wire import render_attempt, render_dead, render_endpoint

if TYPE_CHECKING:
    from coach.service.audit import Signed
    from coach.service.webhooks.webhooks import Webhooks

_MAX_BODY = 16 * 1024
_Events = Annotated[list[Annotated[str, Field(max_length=32)]], Field(min_length=1, max_length=32)]

router = APIRouter()
Managing = Annotated[Principal, Depends(with_right("webhooks"))]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class WebhookRequest(_Model):
    """Body of `POST /v1/webhooks`."""

    url: Annotated[str, Field(min_length=1, max_length=MAX_URL)]
    events: _Events = list(EVENT_TYPES)


class WebhookChange(_Model):
    """Body of `PATCH /v1/webhooks/{webhook_id}`; what is not given stays."""

    events: _Events | None = None
    state: Literal["active", "disabled"] | None = None


class RetryRequest(_Model):
    """Body of `POST /v1/webhooks/dead/retry`: one event, or `all`."""

    id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    all: bool = False


def _signed(request: Request, principal: Principal) -> Signed:
    return tenant_of(request, principal).audit.signed(actor_of(request, principal))


def _hooks(request: Request, principal: Principal) -> Webhooks:
    return tenant_of(request, principal).webhooks


@router.get("/v1/webhooks")
async def list_webhooks(request: Request, principal: Managing) -> Response:
    """List who is told of what; secrets are not shown."""
    found = await _hooks(request, principal).endpoints.list()
    return JsonResponse({"webhooks": [render_endpoint(each) for each in found]})


@router.post("/v1/webhooks", openapi_extra=body_of(WebhookRequest))
async def add_webhook(request: Request, principal: Managing) -> Response:
    """Register a receiver; the answer holds its secret, which is not shown again."""
    asked = await read_body(request, WebhookRequest, limit=_MAX_BODY)
    made = await _hooks(request, principal).endpoints.add(
        asked.url, asked.events, signed=_signed(request, principal)
    )
    return JsonResponse(render_endpoint(made, secret=True), status_code=201)


@router.get("/v1/webhooks/dead")
async def list_dead(
    request: Request,
    principal: Managing,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{1,18}$", description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many.")] = 50,
) -> Response:
    """List events that could not be told, oldest first, page by page."""
    letters = await _hooks(request, principal).outbox.dead(limit=limit, after=int(cursor or 0))
    after = str(letters[-1].n) if len(letters) == limit else None
    return JsonResponse({"dead": [render_dead(each) for each in letters], "next": after})


@router.post("/v1/webhooks/dead/retry", openapi_extra=body_of(RetryRequest))
async def retry_dead(request: Request, principal: Managing) -> Response:
    """Let one of them, or all, be tried anew."""
    asked = await read_body(request, RetryRequest, limit=_MAX_BODY)
    if (asked.id is None) != asked.all:
        raise MessageError("invalid_field", "id: 应给出 id 或 all 之一", field="id")
    count = await _hooks(request, principal).retry(asked.id)
    if asked.id is not None and not count:
        raise MessageError("not_found", f"没有编号为 {asked.id!r} 的未送达事件")
    return JsonResponse({"retried": count})


@router.patch("/v1/webhooks/{webhook_id}", openapi_extra=body_of(WebhookChange))
async def change_webhook(request: Request, webhook_id: str, principal: Managing) -> Response:
    """Change what a receiver is told of, or switch it on or off."""
    asked = await read_body(request, WebhookChange, limit=_MAX_BODY)
    changed = await _hooks(request, principal).endpoints.change(
        webhook_id, events=asked.events, state=asked.state, signed=_signed(request, principal)
    )
    return JsonResponse(render_endpoint(changed))


@router.delete("/v1/webhooks/{webhook_id}")
async def remove_webhook(request: Request, webhook_id: str, principal: Managing) -> Response:
    """Remove a receiver, with all that waits for it and its dead letters."""
    await _hooks(request, principal).endpoints.remove(webhook_id, signed=_signed(request, principal))
    return JsonResponse({"removed": webhook_id})


@router.post("/v1/webhooks/{webhook_id}/rotate")
async def rotate_secret(request: Request, webhook_id: str, principal: Managing) -> Response:
    """Make a new secret, which the answer holds; the old one signs beside it for a day."""
    made = await _hooks(request, principal).endpoints.rotate(webhook_id, signed=_signed(request, principal))
    return JsonResponse(render_endpoint(made, secret=True))


@router.post("/v1/webhooks/{webhook_id}/test")
async def ping_webhook(request: Request, webhook_id: str, principal: Managing) -> Response:
    """Send a signed `ping` and tell what came of it."""
    hooks = _hooks(request, principal)
    endpoint = await hooks.endpoints.get(webhook_id)
    signing = endpoint.signing(service_of(request).clock())
    return JsonResponse(render_attempt(endpoint.url, await hooks.ping(endpoint.url, signing=signing)))
