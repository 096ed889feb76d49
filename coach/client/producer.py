"""Feeding calls in over a socket: ordered, confirmed, resent after a lost connection, never faster than the disk.

`AsyncProducer` does the work on an event loop; `Producer` runs one in a thread for programs that have none.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from coach.client.errors import ClientError, RefusedError, UnreachableError
from coach.client.window import Message, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Unpack

    from websockets.asyncio.client import ClientConnection

    from coach.client.window import Head

T = TypeVar("T")
SpeakerName = Literal["agent", "customer", "unknown"]

_RETRY_S: Final = 0.5
_MAX_RETRY_S: Final = 5.0
# A service that restarts is back within half a minute; one that was never there is told apart sooner.
_PATIENCE_S: Final = 30.0
_FIRST_PATIENCE_S: Final = 3.0
_DENIED: Final = frozenset({4401, 4403})
_NEVER: Final = frozenset({400, 401, 403, 404})


class AsyncProducer:
    """Feeds many calls into a service; use it as `async with`.

    Args:
        url: base address, such as http://127.0.0.1:8600.
        key: API key or producer token.
        window: durable events (started, final, ended) that may be unconfirmed before a call waits.
        patience_s: how long a lost service is looked for before everything fails.
        first_patience_s: the same for one that was never there.
        tell: is given every message of the service as it comes.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        window: int = 1000,
        patience_s: float = _PATIENCE_S,
        first_patience_s: float = _FIRST_PATIENCE_S,
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        self._url = socket_address(url, "/v1/ingest")
        self._key = key
        self._patience_s = patience_s
        self._first_patience_s = first_patience_s
        self._tell = tell
        self._window = Window(size=window)
        self._to_send = asyncio.Event()
        self._moved = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._greeted = False
        self._quiet_until = 0.0
        # Not set while the service says that its disk is behind.
        self._allowed = asyncio.Event()
        self._allowed.set()

    async def __aenter__(self) -> Self:
        """Begin to connect; the first event may be sent at once."""
        self._runner = asyncio.create_task(self._stay_connected(), name="coach-producer")
        self._runner.add_done_callback(lambda _: self._moved.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Wait until everything is confirmed, unless an exception is on its way; then disconnect."""
        try:
            if kind is None:
                await self.drain()
        finally:
            if self._runner is not None:
                self._runner.cancel()
                with contextlib.suppress(asyncio.CancelledError, ClientError):
                    await self._runner

    @property
    def unacked(self) -> int:
        """How many durable events wait for their ack."""
        return len(self._window)

    @property
    def refusals(self) -> tuple[RefusedError, ...]:
        """What the service refused so far, in order; such events are not sent again."""
        return tuple(self._window.refusals)

    async def start_call(self, call_id: str, **head: Unpack[Head]) -> int:
        """Begin a call (`Head` says what may be told of it); return the event's seq.

        Raises:
            RefusedError: the call was started here already, or an id cannot be one.
            UnreachableError: the service stayed away too long.
        """
        await self._room()
        return self._queued(self._window.start(call_id, **head))

    async def utterance(
        self,
        call_id: str,
        utterance_id: str,
        text: str,
        *,
        speaker: SpeakerName,
        start_ms: int,
        end_ms: int,
        final: bool = True,
        revision: int | None = None,
    ) -> int:
        """Send one recogniser result (the whole text of the utterance so far); return the event's seq.

        Raises:
            RefusedError: the call does not run here, the text is too long, or the id cannot be one.
            UnreachableError: the service stayed away too long.
        """
        await self._room()
        return self._queued(
            self._window.utterance(
                call_id,
                utterance_id,
                text,
                speaker=speaker,
                start_ms=start_ms,
                end_ms=end_ms,
                final=final,
                revision=revision,
            )
        )

    async def end_call(self, call_id: str, *, at_ms: int) -> int:
        """End a call, `at_ms` from its start; return the event's seq.

        Raises:
            RefusedError: the call does not run here.
            UnreachableError: the service stayed away too long.
        """
        await self._room()
        return self._queued(self._window.end(call_id, at_ms=at_ms))

    async def drain(self, *, timeout_s: float = 30.0) -> None:
        """Wait until everything that is stored was confirmed or refused.

        Raises:
            UnreachableError: it was not within `timeout_s`, or the service stayed away too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while len(self._window):
                    await self._move()
        except TimeoutError as error:
            raise UnreachableError(
                f"服务在 {timeout_s:g} 秒内没有确认，还有 {len(self._window)} 个事件未确认"
            ) from error
        self._check()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not longer than there is a service to send to.

        Raises:
            UnreachableError, RefusedError: why nothing can be sent any more.
        """
        if self._runner is not None:
            await asyncio.wait({self._runner}, timeout=max(0.0, seconds))
        self._check()

    def _queued(self, seq: int) -> int:
        self._to_send.set()
        return seq

    async def _room(self) -> None:
        self._check()
        # Partials do not fill the window, so pressure holds them up by itself.
        while self._window.full or not self._allowed.is_set():
            await self._move()

    async def _move(self) -> None:
        """Wait until an answer came."""
        self._check()
        self._moved.clear()
        await self._moved.wait()
        self._check()

    def _check(self) -> None:
        if self._runner is None:
            raise ClientError("连接未打开，应写成 async with AsyncProducer(…) as producer")
        if self._runner.done() and not self._runner.cancelled():
            self._runner.result()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._first_patience_s
        delay = _RETRY_S
        while True:
            try:
                async with connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._key}"},
                    compression=None,
                    proxy=None,
                ) as socket:
                    await self._serve(socket)
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in _DENIED:
                    raise RefusedError(
                        "not_authenticated", f"服务拒绝了密钥：{closed.rcvd.reason}", status=closed.rcvd.code
                    ) from closed
                if self._greeted:
                    delay, give_up_at = _RETRY_S, loop.time() + self._patience_s
                elif loop.time() >= give_up_at:
                    raise UnreachableError(f"{self._url} 不接受连接：{closed}") from closed
            except InvalidURI as error:
                raise UnreachableError(f"{self._url} 不是服务地址，应如 http://127.0.0.1:8600") from error
            except (OSError, InvalidHandshake) as error:
                refuse_if_denied(error)
                if loop.time() >= give_up_at:
                    raise UnreachableError(f"连不上 {self._url}：{error or type(error).__name__}") from error
            # Spread out, so that a restarted service is not run over by all producers at once.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            delay = min(_MAX_RETRY_S, 2 * delay)

    async def _serve(self, socket: ClientConnection) -> None:
        """Send and listen until the socket closes; whatever was not confirmed goes out again.

        Raises:
            ConnectionClosed: always, in the end.
        """
        self._greeted = False
        self._window.resend()
        self._to_send.set()
        sender = asyncio.create_task(self._send(socket))
        try:
            while True:
                message: Message = orjson.loads(await socket.recv())
                self._take_in(message)
        finally:
            # The next connection is told anew.
            self._allowed.set()
            self._moved.set()
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await sender
            # Leaving is no failure; without this the service would be told 1011.
            await socket.close()

    def _take_in(self, message: Message) -> None:
        if self._tell is not None:
            self._tell(message)
        if message["type"] == "ready":
            self._greeted = True
        elif message.get("code") == "busy":
            self._quiet_until = asyncio.get_running_loop().time() + _RETRY_S
        elif message["type"] == "pressure":
            (self._allowed.clear if message["active"] else self._allowed.set)()
        self._window.receive(message)
        self._to_send.set()
        self._moved.set()

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            self._to_send.clear()
            while self._window.due:
                # Told `busy`: what is sent before the disk has caught up would only be refused again.
                await asyncio.sleep(max(0.0, self._quiet_until - asyncio.get_running_loop().time()))
                events = self._window.take(limit=100)
                for event in events:
                    await self._allowed.wait()
                    await socket.send(orjson.dumps(event).decode())
            await self._to_send.wait()


class Producer:
    """Feeds many calls into a service from a program without an event loop; use it as `with`.

    Takes the arguments of `AsyncProducer`, whose methods it has under the same names. May be used by several threads.
    """

    def __init__(self, url: str, key: str, **options: Any) -> None:  # noqa: ANN401 - those of AsyncProducer
        self._url, self._key, self._options = url, key, options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="coach-producer", daemon=True)
        self._producer: AsyncProducer | None = None

    def __enter__(self) -> Self:
        """Begin to connect; the first event may be sent at once."""
        self._thread.start()
        self._producer = self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until everything is confirmed, unless an exception is on its way; then disconnect."""
        try:
            if self._producer is not None:
                self._run(self._producer.__aexit__(kind, error, trace))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @property
    def unacked(self) -> int:
        """How many durable events wait for their ack."""
        return self._opened.unacked

    @property
    def refusals(self) -> tuple[RefusedError, ...]:
        """What the service refused so far, in order; such events are not sent again."""
        return self._opened.refusals

    def start_call(self, call_id: str, **head: Unpack[Head]) -> int:
        """See `AsyncProducer.start_call`."""
        return self._run(self._opened.start_call(call_id, **head))

    def utterance(
        self,
        call_id: str,
        utterance_id: str,
        text: str,
        *,
        speaker: SpeakerName,
        start_ms: int,
        end_ms: int,
        final: bool = True,
        revision: int | None = None,
    ) -> int:
        """See `AsyncProducer.utterance`."""
        return self._run(
            self._opened.utterance(
                call_id,
                utterance_id,
                text,
                speaker=speaker,
                start_ms=start_ms,
                end_ms=end_ms,
                final=final,
                revision=revision,
            )
        )

    def end_call(self, call_id: str, *, at_ms: int) -> int:
        """See `AsyncProducer.end_call`."""
        return self._run(self._opened.end_call(call_id, at_ms=at_ms))

    def drain(self, *, timeout_s: float = 30.0) -> None:
        """See `AsyncProducer.drain`."""
        self._run(self._opened.drain(timeout_s=timeout_s))

    @property
    def _opened(self) -> AsyncProducer:
        if self._producer is None:
            raise ClientError("连接未打开，应写成 with Producer(…) as producer")
        return self._producer

    async def _open(self) -> AsyncProducer:
        return await AsyncProducer(self._url, self._key, **self._options).__aenter__()

    def _run(self, task: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result()


def refuse_if_denied(error: Exception) -> None:
    """Raise a RefusedError if the answer to a handshake will be the same next time.

    Raises:
        RefusedError: the address or the host is wrong, or a proxy asks for something else.
    """
    if isinstance(error, InvalidStatus) and error.response.status_code in _NEVER:
        status = error.response.status_code
        raise RefusedError("not_allowed", f"服务拒绝了连接：HTTP {status}", status=status) from error


def socket_address(url: str, path: str) -> str:
    """Return the address of a socket from the base address of a service."""
    return url.rstrip("/").replace("http", "ws", 1) + path
