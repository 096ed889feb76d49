"""Batches of events with a key, over connections that break; against a real service."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest

from coach.client import AsyncClient, Client, RefusedError, UnreachableError, sending

EVENTS = [
    {"type": "call.started", "seq": 1, "agent_id": "a1"},
    {
        "type": "utterance",
        "seq": 2,
        "utterance_id": "u1",
        "revision": 1,
        "speaker": "agent",
        "text": "这个我不知道",
        "final": True,
        "start_ms": 0,
        "end_ms": 900,
    },
    {"type": "call.ended", "seq": 3, "at_ms": 1000},
]


class Wire:
    """A way to a service that loses the answers of its first connections."""

    def __init__(self, url: str, *, losing: int) -> None:
        self._to = int(url.rpartition(":")[2])
        self._losing = losing
        self.keys: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with near, socket.create_connection(("127.0.0.1", self._to)) as far:
                    self._carry(near, far)

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """Carry one request there, and its answer back unless it is to be lost."""
        request = b""
        while b"\r\n\r\n" not in request:
            request += near.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        known = {name.lower(): value for name, value in fields.items()}
        self.keys.append(known[b"idempotency-key"])
        while len(body) < int(known[b"content-length"]):
            body += near.recv(65536)
        far.sendall(head.replace(b"keep-alive", b"close") + b"\r\n\r\n" + body)
        answer = b""
        while part := far.recv(65536):
            answer += part
        if self._losing:
            self._losing -= 1
            return
        near.sendall(answer)


@pytest.fixture
def service(running, monkeypatch):
    """A running service; whoever tries again need not wait."""
    monkeypatch.setattr(sending, "_RETRY_S", 0.01)
    return running()


@contextlib.contextmanager
def lossy(service, *, losing: int):
    """A wire to the service that loses some answers."""
    wire = Wire(service.url, losing=losing)
    try:
        yield wire
    finally:
        wire.close()


def test_a_batch_is_taken_once_over_a_broken_connection(service):
    """The service took it and the answer was lost: sent again under the same key it gets the same answer."""
    with lossy(service, losing=2) as wire, Client(wire.url, service.key) as client:
        taken = client.send_events("c1", EVENTS)
    assert (taken.acked, taken.errors) == (3, ())
    assert len(wire.keys) == 3
    assert len(set(wire.keys)) == 1
    with Client(service.url, service.key) as client:
        assert len(client.call("c1").utterances) == 1


def test_every_batch_has_a_key_of_its_own(service):
    """Made by the client, or the caller's."""
    with lossy(service, losing=0) as wire:
        with Client(wire.url, service.key) as client:
            client.send_events("c1", EVENTS[:1])
        with Client(wire.url, service.key) as client:
            client.send_events("c1", EVENTS[1:])
        with Client(wire.url, service.key) as client:
            client.send_events("c2", EVENTS, idempotency_key="of-mine")
    made, other, mine = wire.keys
    assert made != other
    assert mine == b"of-mine"


def test_a_key_of_another_batch_is_refused(service):
    """RefusedError with `conflict`, without another try."""
    with Client(service.url, service.key) as client:
        client.send_events("c1", EVENTS[:1], idempotency_key="k")
        with pytest.raises(RefusedError) as refused:
            client.send_events("c1", EVENTS[1:], idempotency_key="k")
    assert (refused.value.code, refused.value.status) == ("conflict", 409)


@pytest.mark.parametrize("key", ["", "有汉字", "with space", "x" * 256])
def test_what_is_no_key_is_refused_before_it_is_sent(service, key):
    """As the service would say it; none is made in its place."""
    with Client(service.url, service.key) as client, pytest.raises(RefusedError) as refused:
        client.send_events("c1", EVENTS, idempotency_key=key)
    assert (refused.value.code, refused.value.field) == ("invalid_field", "Idempotency-Key")


def test_what_is_refused_is_in_the_answer(service):
    """An event that cannot be taken costs only itself."""
    with Client(service.url, service.key) as client:
        taken = client.send_events("c1", [EVENTS[0], {**EVENTS[1], "speaker": "nobody"}])
    assert [(error.code, error.field) for error in taken.errors] == [("invalid_field", "speaker")]


def test_who_gets_no_answer_at_all_is_told(service):
    """After five tries, all under one key."""
    with (
        lossy(service, losing=9) as wire,
        Client(wire.url, service.key) as client,
        pytest.raises(UnreachableError),
    ):
        client.send_events("c1", EVENTS)
    assert len(wire.keys) == 5
    assert len(set(wire.keys)) == 1


def test_the_asynchronous_client_sends_again_too(service):
    """The same batch under the same key."""

    async def work(url):
        async with AsyncClient(url, service.key) as client:
            return await client.send_events("c1", EVENTS)

    with lossy(service, losing=1) as wire:
        assert asyncio.run(work(wire.url)).acked == 3
    assert len(wire.keys) == 2
    assert len(set(wire.keys)) == 1
