"""How the service answers over HTTP: orjson bodies, one shape of error, security headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi.responses import Response
from starlette.routing import Match

from coach.errors import MessageError
from coach.service.request_limits import LimitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from coach.service.auth import Gate

_STATUS: Final = {
    "not_authenticated": 401,
    "not_allowed": 403,
    "unknown_call": 404,
    "not_found": 404,
    "call_ended": 409,
    "gap": 409,
    "timeout": 408,
    "conflict": 409,
    "too_large": 413,
    "invalid_field": 422,
    "unknown_type": 422,
    "rate_limited": 429,
    "busy": 503,
}
_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class JsonResponse(Response):
    """JSON by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - anything JSON can say
        """Serialise the body."""
        return orjson.dumps(content)


def error_response(error: MessageError, *, status: int | None = None) -> Response:
    """Answer a request that was refused."""
    status = status or _STATUS.get(error.code, 400)
    headers = {"WWW-Authenticate": "Bearer"} if error.code == "not_authenticated" else {}
    if isinstance(error, LimitedError):
        headers["Retry-After"] = str(error.retry_after_s)
    return JsonResponse(
        {"error": {"code": error.code, "message": error.message, "field": error.field or None}},
        status_code=status,
        headers=headers,
    )


def methods_of(request: Request) -> list[str]:
    """List the methods that an address takes: several routes may share it, and each knows its own only."""
    asked = [(method, {**request.scope, "method": method}) for method in _METHODS]
    return [
        method
        for method, scope in asked
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    ]


class Guard:
    """Answers only to the service's own names, and adds the headers every answer carries.

    A response may set one of the headers itself instead. Sockets are guarded by `Lobby`.

    Args:
        headers: makes them, of the origins whose pages may frame ours; asked again when the gate has others.
    """

    def __init__(
        self, app: ASGIApp, *, gate: Gate, headers: Callable[[tuple[str, ...]], Mapping[str, str]]
    ) -> None:
        self._app = app
        self._gate = gate
        self._make = headers
        self._origins: tuple[str, ...] | None = None
        self._made: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = [pair for pair in self._headers() if pair[0] not in present]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), None)
        if self._gate.allows_host(host):
            await self._app(scope, receive, send_with_headers)
        else:
            refusal = error_response(MessageError("not_allowed", f"Host: 本服务不叫 {host!r}"))
            await refusal(scope, receive, send_with_headers)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        origins = self._gate.origins
        if origins is not self._origins:
            headers = self._make(tuple(dict.fromkeys(origins)))
            self._made = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            self._origins = origins
        return self._made
