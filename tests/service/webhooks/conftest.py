"""A receiver of webhooks: a real HTTP server on a port of its own, that answers as it is told to."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import deque
from dataclasses import dataclass, field

import pytest
import uvicorn

from coach.client import verify_webhook

TIMEOUT_S = 60


@dataclass
class Got:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict:
        """The body, read."""
        return json.loads(self.body)

    def verified(self, secret):
        """The webhook, if its signature is right."""
        return verify_webhook(self.headers, self.body, secret)


@dataclass
class Answer:
    """How a request is answered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    # Set: not before this.
    after: threading.Event | None = None


class Receiver:
    """The server; `answers` holds what the next requests get, `usual` what all others do."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[Got] = []
        self.answers: deque[Answer] = deque()
        self.usual = Answer()
        self._changed = threading.Condition()
        self.port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address to register."""
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> Receiver:
        """Open the port, the same as before if it was open once."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app, interface="asgi3", lifespan="off", log_config=None, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[listener])), daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(TIMEOUT_S)
            assert not self._thread.is_alive()
            self._server = None

    def wait(self, count: int, *, kind: str | None = None) -> list[Got]:
        """Wait for so many requests (of a type) and return them."""

        def fitting() -> list[Got]:
            return [got for got in self.got if kind is None or got.message["type"] == kind]

        with self._changed:
            assert self._changed.wait_for(lambda: len(fitting()) >= count, TIMEOUT_S), [
                got.message["type"] for got in self.got
            ]
            return fitting()

    async def _app(self, scope, receive, send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        answer = self.answers.popleft() if self.answers else self.usual
        with self._changed:
            self.got.append(Got(scope["path"], headers, body))
            self._changed.notify_all()
        if answer.after is not None:
            await asyncio.to_thread(answer.after.wait, TIMEOUT_S)
        raw = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})


@pytest.fixture
def receivers():
    """A factory of receivers; they are stopped after the test."""
    started: list[Receiver] = []

    def start() -> Receiver:
        started.append(Receiver().start())
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def receiver(receivers):
    """One receiver."""
    return receivers()


@pytest.fixture
def answer():
    """The answers a receiver can be told to give."""
    return Answer
