"""How a socket begins: origin, then who is there, then `ready`.

CONNECTING -- origin or host refused --> HTTP 403
    | accepted
UNKNOWN -- no hello in time, bad key --> closed 4401
    | header or hello
KNOWN -- not for this stream --> closed 4403
    | ready
INSIDE -- key revoked, token expired --> closed 4401
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from starlette.websockets import WebSocketDisconnect, WebSocketState

from coach.errors import MessageError
from coach.service.messages import SUBPROTOCOL, read_hello, read_json
from coach.service.render import render_error
from coach.service.request_limits import LimitedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.datastructures import Headers
    from starlette.websockets import WebSocket

    from coach.service.auth import Gate, Principal
    from coach.service.render import Message
    from coach.service.roles import Role

NOT_AUTHENTICATED: Final = 4401
NOT_ALLOWED: Final = 4403
TRY_LATER: Final = 1013
HELLO_TIMEOUT_S: Final = 5.0
_OVER: Final = "密钥已吊销或到期，令牌已过期，或租户已移除"
# How often it is looked whose key or token is over; looking costs some tenths of a microsecond a socket.
_LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Greeted:
    """A socket that may be used. `after` is where a sidebar left off."""

    principal: Principal
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How sockets of one tenant come in.

    Attributes:
        gate: which pages may open them.
        limit: how many may be open; None: as many as the service takes.
        terms: what else `ready` tells.
    """

    gate: Gate
    limit: int | None
    terms: Message


class Lobby:
    """Counts sockets and lets in those that may enter.

    Args:
        identify: finds whom a key or a token belongs to.
        refused: is told the address of whoever brings a wrong one.
        doors: finds the door of somebody's tenant; None: it has gone.
        holds: tells whether the key or token that somebody came in with is still in force.
    """

    def __init__(
        self,
        *,
        identify: Callable[[str], Awaitable[Principal | None]],
        refused: Callable[[str], Awaitable[None]],
        doors: Callable[[Principal], Door | None],
        gate: Gate,
        limit: int,
        holds: Callable[[Principal], bool],
        hello_timeout_s: float = HELLO_TIMEOUT_S,
    ) -> None:
        self._identity_of = identify
        self._refused = refused
        self._doors = doors
        self._gate = gate
        self._limit = limit
        self._holds = holds
        self._hello_timeout_s = hello_timeout_s
        self.open = 0
        self._open_of: Counter[str] = Counter()
        # By tenant, at other workers.
        self.elsewhere: Counter[str] = Counter()
        self._inside: dict[WebSocket, Principal] = {}
        # Set when a socket of a tenant that is waited for has closed.
        self._left: dict[str, asyncio.Event] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def open_of(self, tenant: str) -> int:
        """Return how many sockets of a tenant are open."""
        return self._open_of[tenant]

    async def emptied(self, tenant: str) -> None:
        """Wait until no socket of a tenant is open."""
        while self._open_of[tenant]:
            left = self._left.setdefault(tenant, asyncio.Event())
            left.clear()
            await left.wait()

    @contextlib.contextmanager
    def admitted(self, socket: WebSocket, principal: Principal) -> Iterator[None]:
        """Count one socket for as long as it is served, and keep an eye on whose it is."""
        self.open += 1
        self._open_of[principal.tenant] += 1
        self._inside[socket] = principal
        try:
            yield
        finally:
            self.open -= 1
            self._open_of[principal.tenant] -= 1
            self._inside.pop(socket, None)
            if (left := self._left.get(principal.tenant)) is not None:
                left.set()

    async def watch_forever(self) -> None:
        """See whose key was revoked and whose token has expired, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self.dismiss()

    def dismiss(self) -> None:
        """Close the sockets of those whose key or token is not in force any more."""
        gone = [socket for socket, principal in self._inside.items() if not self._holds(principal)]
        for socket in gone:
            del self._inside[socket]
            # None waits for another: a peer that does not read may keep its goodbye for a while.
            closing = asyncio.create_task(_dismiss(socket), name="socket-dismissal")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def greet(
        self,
        socket: WebSocket,
        *,
        role: Role,
        admits: Callable[[Principal], bool],
    ) -> Greeted | None:
        """Let in a socket if whoever comes may use it; None when it was closed instead.

        Args:
            role: what the socket is for, told in `ready`.
            admits: tells whether somebody may.
        """
        host = socket.headers.get("host")
        if not self._gate.allows_host(host) or not self._gate.allows_origin(
            socket.headers.get("origin"), host=host
        ):
            await socket.close()
            return None
        await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None)
        if self.open >= self._limit:
            await socket.close(TRY_LATER, "连接数已达上限")
            return None
        greeted = await self._identify(socket)
        if greeted is None:
            return None
        if not admits(greeted.principal):
            await socket.close(NOT_ALLOWED, "密钥或令牌的角色不适用于此连接")
            return None
        door = self._doors(greeted.principal)
        if (refusal := self._refusal(door, greeted.principal, socket.headers)) is not None:
            await socket.close(*refusal)
            return None
        if door is not None:
            await send(socket, {"type": "ready", "role": role, **door.terms})
        if self._doors(greeted.principal) is None:
            # Gone meanwhile; whoever is let in now finds his tenant there.
            await socket.close(NOT_AUTHENTICATED, _OVER)
            return None
        return greeted

    def _refusal(self, door: Door | None, principal: Principal, headers: Headers) -> tuple[int, str] | None:
        """Return why somebody may not pass his tenant's door: code and reason."""
        if door is None:
            return NOT_AUTHENTICATED, _OVER
        if not door.gate.allows_origin(headers.get("origin"), host=headers.get("host")):
            return NOT_ALLOWED, "来源未授权"
        there = self._open_of[principal.tenant] + self.elsewhere[principal.tenant]
        if door.limit is not None and there >= door.limit:
            return TRY_LATER, f"租户的连接数已达上限 {door.limit}"
        return None

    async def _identify(self, socket: WebSocket) -> Greeted | None:
        credential = credential_of(socket.headers)
        after = None
        if credential is None:
            try:
                async with asyncio.timeout(self._hello_timeout_s):
                    hello = read_hello(read_json(await receive(socket)))
            except TimeoutError:
                await socket.close(NOT_AUTHENTICATED, "未在规定时间内发送 hello")
                return None
            except MessageError as error:
                await send(socket, render_error(error))
                await socket.close(NOT_AUTHENTICATED, "第一条消息应为 hello")
                return None
            credential, after = hello.token, hello.after
        principal = await self._identity_of(credential)
        if principal is None:
            try:
                await self._refused(socket.client.host if socket.client else "")
            except LimitedError as error:
                await socket.close(TRY_LATER, error.message)
            else:
                await socket.close(NOT_AUTHENTICATED, "密钥或令牌无效，或已过期")
            return None
        return Greeted(principal, after)


async def _dismiss(socket: WebSocket) -> None:
    # Gone meanwhile, or closing already.
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        await socket.close(NOT_AUTHENTICATED, _OVER)


def credential_of(headers: Headers) -> str | None:
    """Return the API key or token of the headers, None when there is none."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    return headers.get("x-api-key") or None


async def receive(socket: WebSocket) -> str | bytes:
    """Return the next frame, text as str and binary as bytes.

    Raises:
        WebSocketDisconnect: the other side is gone, or was told to go: what it still says is not heard.
    """
    message = await socket.receive()
    if message["type"] == "websocket.disconnect" or socket.application_state is WebSocketState.DISCONNECTED:
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text: str | None = message.get("text")
    return text if text is not None else bytes(message["bytes"])


async def send(socket: WebSocket, message: Message) -> None:
    """Send one message as a text frame."""
    await send_frame(socket, orjson.dumps(message))


async def send_frame(socket: WebSocket, frame: bytes) -> None:
    """Send JSON that is already bytes as a text frame."""
    await socket.send({"type": "websocket.send", "text": frame.decode()})
