"""Reading an agent's stream: taken up again after a lost connection where it was, so nothing is missed or doubled."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import connect as connect_sync

from coach.client.errors import RefusedError, UnreachableError
from coach.client.producer import refuse_if_denied, socket_address

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from coach.client.window import Message

EventT = TypeVar("EventT")

_RETRY_S: Final = 0.5
_MAX_RETRY_S: Final = 5.0
_NOT_AUTHENTICATED: Final = 4401
_DENIED: Final = frozenset({_NOT_AUTHENTICATED, 4403})
# Answers to this socket alone; they are no events of the agent.
_REPLIES: Final = frozenset({"ready", "pong", "noted", "error"})


class Reading:
    """Where a reader of a stream is, and whether to try again. No I/O.

    Args:
        path: of the stream, below the address of the service.
        credential: an API key, or a token for this stream. A function is asked for a new one each time, also
            when the service closes the stream because the last one has expired.
        after: offset to begin after; None begins with a snapshot.
        patience_s: how long a lost service is looked for.
    """

    def __init__(
        self,
        url: str,
        path: str,
        *,
        credential: str | Callable[[], str],
        after: str | None,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = socket_address(url, path)
        self.after = after
        self._credential = credential
        self._patience_s = patience_s
        self._clock = clock
        self._give_up_at = clock() + patience_s
        self._delay = _RETRY_S
        # Let in with the credential of the last hello.
        self._greeted = False

    def hello(self) -> str:
        """Return the first frame of a socket."""
        token = self._credential if isinstance(self._credential, str) else self._credential()
        hello: dict[str, Any] = {"type": "hello", "token": token}
        if self.after is not None:
            hello["after"] = self.after
        return orjson.dumps(hello).decode()

    def take(self, frame: str | bytes) -> Message:
        """Read one frame and note how far the reader is."""
        self._give_up_at = self._clock() + self._patience_s
        self._delay = _RETRY_S
        message: Message = orjson.loads(frame)
        self._greeted = self._greeted or message["type"] == "ready"
        self.after = message.get("offset", self.after)
        return message

    def lost(self, error: Exception) -> float:
        """Return after how many seconds to connect again.

        Raises:
            RefusedError: the service does not let this reader in.
            UnreachableError: it stayed away too long.
        """
        if isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code in _DENIED:
            if error.rcvd.code == _NOT_AUTHENTICATED and self._greeted and callable(self._credential):
                # It was let in with the last one, so this one is over; the next one is asked for at once.
                self._greeted = False
                return 0.0
            code = "not_authenticated" if error.rcvd.code == _NOT_AUTHENTICATED else "not_allowed"
            raise RefusedError(
                code, f"服务拒绝了密钥或令牌：{error.rcvd.reason}", status=error.rcvd.code
            ) from error
        if isinstance(error, InvalidURI):
            raise UnreachableError(f"{self.address} 不是服务地址，应如 http://127.0.0.1:8600") from error
        refuse_if_denied(error)
        if self._clock() >= self._give_up_at:
            raise UnreachableError(f"连不上 {self.address}：{error or type(error).__name__}") from error
        delay, self._delay = self._delay, min(_MAX_RETRY_S, 2 * self._delay)
        # Spread out, so that a restarted service is not run over by all its readers at once.
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def is_event(message: Message) -> bool:
    """Tell an event of the agent from an answer to this socket alone."""
    return message["type"] not in _REPLIES


_LOST = (OSError, InvalidHandshake, InvalidURI, ConnectionClosed)


def agent_path(agent_id: str) -> str:
    """Return where an agent's stream is."""
    return f"/v1/agents/{quote(agent_id, safe='')}/stream"


def team_path(team: str) -> str:
    """Return where a team's stream is."""
    return f"/v1/teams/{quote(team, safe='')}/stream"


def read_stream(reading: Reading, read: Callable[[Message], EventT]) -> Generator[EventT]:
    """Iterate over the events as `read` makes them, connecting again as needed, until the caller stops.

    Raises:
        RefusedError, UnreachableError: see `Reading.lost`.
    """
    while True:
        try:
            with connect_sync(reading.address, compression=None, proxy=None, max_size=None) as socket:
                try:
                    socket.send(reading.hello())
                    while True:
                        message = reading.take(socket.recv())
                        if is_event(message):
                            yield read(message)
                finally:
                    # Leaving is no failure; without this the service would be told 1011.
                    socket.close()
        except _LOST as error:
            time.sleep(reading.lost(error))


async def read_stream_async(reading: Reading, read: Callable[[Message], EventT]) -> AsyncGenerator[EventT]:
    """Do the same on an event loop.

    Raises:
        RefusedError, UnreachableError: see `Reading.lost`.
    """
    messages = read_messages_async(reading)
    async with contextlib.aclosing(messages):
        async for message in messages:
            if is_event(message):
                yield read(message)


async def read_messages_async(reading: Reading) -> AsyncGenerator[Message]:
    """Iterate over all messages as they came, connecting again as needed, until the caller stops.

    Raises:
        RefusedError, UnreachableError: see `Reading.lost`.
    """
    import asyncio  # noqa: PLC0415 - the synchronous half has no use for it

    while True:
        try:
            async with connect(reading.address, compression=None, proxy=None, max_size=None) as socket:
                try:
                    await socket.send(reading.hello())
                    while True:
                        yield reading.take(await socket.recv())
                finally:
                    await socket.close()
        except _LOST as error:
            await asyncio.sleep(reading.lost(error))
