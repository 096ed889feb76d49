"""How long a client may take over a request: its head in seconds, its body at no less than a trickle.

Without it a few thousand connections that send a byte now and then would hold the service's sockets for ever.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from coach.errors import MessageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAD_S: Final = 10.0
BODY_S: Final = 30.0
# Slower than any line an upload would be tried on.
_BYTES_A_SECOND: Final = 1024

_Protocol: Any = AutoHTTPProtocol


class PatientProtocol(_Protocol):  # type: ignore[misc]
    """uvicorn's HTTP, but a request whose head does not come within `head_s` is hung up on."""

    head_s: float = HEAD_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once a request is under way, begin again with the first byte of the next."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop_waiting()
        elif self.transport.get_protocol() is self:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_s, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        self._deadline = None
        if self.transport.get_protocol() is self and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()


class Patience:
    """Refuses a request whose body dries up; a client that leaves half-way is no error of ours."""

    # Without a byte for so long, or after so long below a trickle on average.
    body_s: float = BODY_S

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        count, whole = 0, False

        async def receive_in_time() -> Message:
            nonlocal count, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout(self.body_s):
                    message = await receive()
            except TimeoutError as error:
                raise _too_slow(self.body_s) from error
            count += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            elapsed = time.monotonic() - began
            if not whole and elapsed > self.body_s and count < _BYTES_A_SECOND * elapsed:
                raise _too_slow(self.body_s)
            return message

        try:
            await self._app(scope, receive_in_time, send)
        except ClientDisconnect:
            return


def _too_slow(body_s: float) -> MessageError:
    return MessageError("timeout", f"请求体 {body_s:g} 秒内没有收完，也没有达到每秒 {_BYTES_A_SECOND} 字节")
