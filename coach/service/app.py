"""The ASGI application: routes over a `Service`. Starting and stopping are in `server`."""

from __future__ import annotations

import logging
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect

from coach import __version__
from coach.errors import MessageError
from coach.service import (
    audit_routes,
    call_list,
    connectors,
    data_routes,
    decision_routes,
    metrics,
    pages,
    playground,
    rest,
    review_routes,
    token_routes,
)
from coach.service.access import service_of
from coach.service.audit import actor_of
from coach.service.ingest import serve_producer
from coach.service.logs import AccessLog, loggable
from coach.service.messages import shown
from coach.service.patience import Patience
from coach.service.responses import Guard, error_response, methods_of
from coach.service.sidebar import serve_sidebar
from coach.service.supervisor import SupervisorDesk
from coach.service.webhooks import routes as webhook_routes
from coach.service.workshop import Workshop

if TYPE_CHECKING:
    from fastapi import Request
    from fastapi.responses import Response

    from coach.service.audit import Actor
    from coach.service.service import Service
    from coach.service.tenant import Tenant

log = logging.getLogger(__name__)


def create_app(service: Service) -> FastAPI:
    """Build the application; `service.running()` must be entered before it is served."""
    settings = service.settings
    app = FastAPI(
        title="coach",
        version=__version__,
        description="Real-time call-script coaching. The sockets are described in docs/protocol.md.",
        # The interactive pages load scripts from elsewhere; /openapi.json stays.
        docs_url=None,
        redoc_url=None,
    )
    # FastAPI asks for it once a request; made once, it is the same for everybody.
    app.openapi = cache(partial(_describe, app))  # type: ignore[method-assign]
    app.state.service = service
    app.state.workshop = Workshop()
    app.include_router(rest.router)
    app.include_router(token_routes.router)
    app.include_router(connectors.router)
    app.include_router(playground.router)
    app.include_router(decision_routes.router)
    app.include_router(review_routes.router)
    app.include_router(call_list.router)
    app.include_router(audit_routes.router)
    app.include_router(data_routes.router)
    app.include_router(webhook_routes.router)
    app.include_router(metrics.router)
    app.include_router(pages.router)
    if settings.demo:
        app.include_router(pages.demo_router)
    app.mount("/static", pages.PublicCode(directory=settings.web, check_dir=False))
    app.add_api_websocket_route("/v1/ingest", _ingest)
    app.add_api_websocket_route("/v1/agents/{agent_id}/stream", _stream)
    app.add_api_websocket_route("/v1/teams/{team}/stream", _team)
    app.add_api_websocket_route("/v1/reviews/{review_id}/progress", review_routes.watch)
    app.add_exception_handler(MessageError, _refused)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(RequestValidationError, _wrong_address)
    app.add_exception_handler(Exception, _failed)
    app.add_middleware(Patience)
    if settings.access_log:
        app.add_middleware(AccessLog)
    # A page does not know yet for whose agent it is opened: any tenant's origins may frame it.
    headers = partial(pages.page_headers, tls=settings.tls_cert is not None)
    app.add_middleware(Guard, gate=service.gate, headers=headers)
    if service.meter.tracing is not None:
        app.add_middleware(service.meter.tracing.requests)
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    from coach.service.openapi import openapi_document  # noqa: PLC0415 - a tenth of a second that few starts need

    return openapi_document(app)


async def _ingest(socket: WebSocket) -> None:
    service: Service = socket.app.state.service
    try:
        greeted = await service.lobby.greet(
            socket, role="producer", admits=lambda principal: principal.may("ingest")
        )
        if greeted is None:
            return
        with service.lobby.admitted(socket, greeted.principal):
            await serve_producer(
                socket,
                calls=service.tenant_of(greeted.principal).calls,
                principal=greeted.principal,
                max_calls=service.settings.max_calls_per_connection,
            )
    except WebSocketDisconnect:
        return


async def _stream(socket: WebSocket, agent_id: str) -> None:
    service: Service = socket.app.state.service
    try:
        greeted = await service.lobby.greet(
            socket,
            role="agent",
            admits=lambda principal: principal.may("listen") and principal.covers(agent_id),
        )
        if greeted is None:
            return
        tenant = service.tenant_of(greeted.principal)
        with service.lobby.admitted(socket, greeted.principal):
            await serve_sidebar(
                socket,
                calls=tenant.calls,
                hub=tenant.hub,
                supervision=tenant.supervision,
                principal=greeted.principal,
                agent_id=agent_id,
                after=greeted.after,
                limit=service.settings.send_buffer,
            )
    except WebSocketDisconnect:
        return


async def _team(socket: WebSocket, team: str) -> None:
    service: Service = socket.app.state.service
    try:
        greeted = await service.lobby.greet(
            socket,
            role="supervisor",
            admits=lambda principal: principal.may("supervise") and principal.sight.covers_team(team),
        )
        if greeted is None:
            return
        tenant = service.tenant_of(greeted.principal)
        desk = SupervisorDesk(
            tenant.supervision,
            team=team,
            sender=greeted.principal.name,
            limit=service.settings.send_buffer,
            note=partial(_note_watched, tenant, actor_of(socket, greeted.principal)),
        )
        with service.lobby.admitted(socket, greeted.principal):
            await desk.serve(socket, after=greeted.after)
    except WebSocketDisconnect:
        return


async def _note_watched(tenant: Tenant, actor: Actor, call_id: str) -> None:
    await tenant.audit.write(actor, "call-watched", f"call:{call_id}")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, MessageError):
        raise TypeError("registered for MessageError only") from error
    service_of(request).meter.refused["http", error.code] += 1
    return error_response(error)


async def _wrong_address(_request: Request, error: Exception) -> Response:
    """Answer a wrong query or path in the shape of every other error; bodies are read by us."""
    if not isinstance(error, RequestValidationError):
        raise TypeError("registered for RequestValidationError only") from error
    wrong = error.errors()[0]
    field = ".".join(str(part) for part in wrong["loc"][1:])
    return error_response(
        MessageError(
            "invalid_field", f"{field}: 收到 {shown(wrong.get('input'))}，{wrong['msg']}", field=field
        )
    )


async def _not_served(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError("registered for HTTPException only") from error
    code = "not_found" if error.status_code == 404 else "not_allowed"  # noqa: PLR2004
    response = error_response(
        MessageError(code, f"{request.method} {request.url.path}: {error.detail}"), status=error.status_code
    )
    if error.status_code == 405:  # noqa: PLR2004
        response.headers["Allow"] = ", ".join(methods_of(request))
    return response


async def _failed(request: Request, error: Exception) -> Response:
    # The client learns nothing about the inside.
    log.error("%s %s 出错", request.method, loggable(request.url.path), exc_info=error)
    return error_response(MessageError("internal", "服务内部出错，已记入日志"), status=500)
