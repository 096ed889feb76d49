"""Plays a call into a running service: keeps the time, resends what was not acked, survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.error
import urllib.request
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from coach.errors import CoachError

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

    from coach.commands.recording import TimedEvent

Message = dict[str, Any]

_RETRY_S: Final = 1.0
# A service that restarts is back within half a minute; one that was never there is told apart sooner.
_TRIES: Final = 30
_FIRST_TRIES: Final = 3
_ACK_TIMEOUT_S: Final = 30.0
_REFUSED: Final = frozenset({4401, 4403})


class ReplayError(CoachError):
    """The call could not be played to its end."""


class Player:
    """One call on its way into a service.

    Args:
        url: base address, such as http://127.0.0.1:8600.
        key: API key or producer token.
        tell: is given every message of the service.
    """

    def __init__(
        self, *, url: str, key: str, call_id: str, agent_id: str, tell: Callable[[Message], None]
    ) -> None:
        self._url = url.rstrip("/").replace("http", "ws", 1) + "/v1/ingest"
        self._key = key
        self._call_id = call_id
        self._agent_id = agent_id
        self._tell = tell
        self._seq = 0
        self._waiting: deque[Message] = deque()
        self._to_send: asyncio.Event = asyncio.Event()
        self._sent_up_to = 0
        self._all_acked = asyncio.Event()
        self.refused = 0

    async def play(self, events: list[TimedEvent], *, slots: dict[str, str], speed: float) -> int:
        """Play the call; return how many events were sent.

        Raises:
            ReplayError: the service cannot be reached, refuses the key, or does not ack the end.
        """
        connection = asyncio.create_task(self._stay_connected())
        try:
            self._put({"type": "call.started", "agent_id": self._agent_id, "slots": slots})
            began = asyncio.get_running_loop().time()
            for each in events:
                if speed > 0:
                    due = began + each.at_ms / 1000 / speed
                    await self._unless_failed(connection, due - asyncio.get_running_loop().time())
                self._put(each.event)
            self._all_acked.clear()
            async with asyncio.timeout(_ACK_TIMEOUT_S):
                acked = asyncio.create_task(self._all_acked.wait())
                await asyncio.wait({acked, connection}, return_when=asyncio.FIRST_COMPLETED)
                acked.cancel()
            if connection.done():
                connection.result()
        except TimeoutError as error:
            raise ReplayError(f"服务在 {_ACK_TIMEOUT_S:.0f} 秒内没有确认到 seq {self._seq}") from error
        finally:
            connection.cancel()
            with contextlib.suppress(asyncio.CancelledError, ReplayError):
                await connection
        return self._seq

    def _put(self, event: Message) -> None:
        self._seq += 1
        self._waiting.append({**event, "call_id": self._call_id, "seq": self._seq})
        self._to_send.set()

    async def _unless_failed(self, connection: asyncio.Task[None], seconds: float) -> None:
        """Wait until the next event is due, or until there is nobody to send it to."""
        done, _ = await asyncio.wait({connection}, timeout=max(0.0, seconds))
        if done:
            connection.result()

    async def _stay_connected(self) -> None:
        tries = _FIRST_TRIES
        while tries:
            tries -= 1
            try:
                async with connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._key}"},
                    compression=None,
                    proxy=None,
                ) as socket:
                    tries = _TRIES
                    # Whatever was not acked goes out again.
                    self._sent_up_to = 0
                    sender = asyncio.create_task(self._send(socket))
                    try:
                        async for frame in socket:
                            self._receive(orjson.loads(frame))
                    finally:
                        sender.cancel()
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in _REFUSED:
                    raise ReplayError(f"服务拒绝了密钥：{closed.rcvd.reason}") from closed
            except (OSError, InvalidHandshake):
                pass
            await asyncio.sleep(_RETRY_S)
        raise ReplayError(f"连不上 {self._url}；服务启动了吗？（coach serve）")

    async def _send(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                for event in list(self._waiting):
                    if event["seq"] > self._sent_up_to:
                        await socket.send(orjson.dumps(event).decode())
                        self._sent_up_to = event["seq"]
                self._to_send.clear()
                await self._to_send.wait()

    def _receive(self, message: Message) -> None:
        if message["type"] == "ack":
            while self._waiting and self._waiting[0]["seq"] <= message["seq"]:
                self._waiting.popleft()
            if not self._waiting:
                self._all_acked.set()
        elif message["type"] == "error":
            if message["code"] in {"gap", "busy"}:
                self._sent_up_to = 0
                self._to_send.set()
            else:
                self.refused += 1
        self._tell(message)


async def watch(*, url: str, token: str, agent_id: str, tell: Callable[[Message], None]) -> None:
    """Read an agent's stream until cancelled; a lost connection is taken up again where it was."""
    address = f"{url.rstrip('/').replace('http', 'ws', 1)}/v1/agents/{agent_id}/stream"
    after: str | None = None
    while True:
        with contextlib.suppress(OSError, InvalidHandshake, ConnectionClosed):
            async with connect(address, compression=None, proxy=None, max_size=None) as socket:
                hello: Message = {"type": "hello", "token": token}
                await socket.send(
                    orjson.dumps(hello if after is None else {**hello, "after": after}).decode()
                )
                async for frame in socket:
                    message = orjson.loads(frame)
                    after = message.get("offset", after)
                    tell(message)
        await asyncio.sleep(_RETRY_S)


def post(url: str, body: Message | None = None, *, key: str | None = None) -> Message:
    """Send a POST and return the JSON answer.

    Raises:
        ReplayError: no answer, or an error.
    """
    request = urllib.request.Request(  # noqa: S310 - the operator gives the address
        url, data=orjson.dumps(body or {}), method="POST", headers={"Content-Type": "application/json"}
    )
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            value: Message = orjson.loads(answer.read())
            return value
    except urllib.error.HTTPError as error:
        with error:
            raise ReplayError(
                f"{url}: HTTP {error.code} {error.read().decode('utf-8', 'replace')}"
            ) from error
    except (OSError, orjson.JSONDecodeError) as error:
        raise ReplayError(f"{url}: {error}；服务启动了吗？（coach serve）") from error
