"""Who is let in, and how the others are turned away."""

from __future__ import annotations

import asyncio

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import InvalidStatus

from coach.service.auth import Gate
from coach.service.handshake import receive


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "127.0.0.1:8600", True),
        ("http://127.0.0.1:8600", "127.0.0.1:8600", True),
        ("https://coach.example", "coach.example", True),
        ("https://crm.example", "127.0.0.1:8600", True),
        ("https://CRM.example", "127.0.0.1:8600", True),
        ("http://crm.example", "127.0.0.1:8600", False),
        ("https://crm.example.evil", "127.0.0.1:8600", False),
        ("https://evil.example", "127.0.0.1:8600", False),
        ("null", "127.0.0.1:8600", False),
        ("http://127.0.0.1:9000", "127.0.0.1:8600", False),
    ],
)
def test_origins_are_compared_whole(origin, host, allowed):
    """An origin on the list, or the service's own, exactly."""
    gate = Gate(origins=("https://crm.example",), hosts=(), bound_to="0.0.0.0")
    assert gate.allows_origin(origin, host=host) is allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8600", True),
        ("localhost", True),
        ("[::1]:8600", True),
        ("evil.example", False),
        (None, False),
        ("[", False),
    ],
)
def test_on_loopback_only_loopback_names_are_answered(host, allowed):
    """A page whose own name was made to point here is turned away."""
    assert Gate(origins=(), hosts=(), bound_to="127.0.0.1").allows_host(host) is allowed


def test_no_hello_in_time_closes_the_socket(running, clients):
    """A socket that says nothing is closed with 4401."""
    service = running()
    service.service.lobby._hello_timeout_s = 0.05
    assert clients.socket(service.url + "/v1/ingest").close_code() == 4401


@pytest.mark.parametrize(
    "hello", ["{", {"type": "utterance"}, {"type": "hello"}, {"type": "hello", "token": "wrong"}]
)
def test_a_wrong_hello_closes_the_socket(running, clients, hello):
    """A first message that is no hello, or a key nobody made, is closed with 4401."""
    socket = clients.socket(running().url + "/v1/ingest")
    socket.send(hello)
    assert socket.close_code() == 4401


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}])
def test_a_wrong_key_in_a_header_closes_the_socket(running, clients, headers):
    """The header is believed or refused; there is no second chance by hello."""
    assert clients.socket(running().url + "/v1/ingest", additional_headers=headers).close_code() == 4401


def test_the_key_may_come_in_either_header_or_in_the_hello(running, clients):
    """All three ways lead to `ready`."""
    service = running()
    for headers in ({"Authorization": f"Bearer {service.key}"}, {"X-API-Key": service.key}):
        socket = clients.socket(service.url + "/v1/ingest", additional_headers=headers)
        assert socket.next() == {"type": "ready", "role": "producer"}
    socket = clients.socket(service.url + "/v1/ingest")
    socket.send({"type": "hello", "token": service.key})
    assert socket.next() == {"type": "ready", "role": "producer"}


def test_an_expired_token_closes_the_socket(running, clients):
    """A sidebar that comes too late is closed with 4401."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    token = service.token("a1", ttl_s=60)
    now[0] += 61
    socket = clients.socket(service.url + "/v1/agents/a1/stream")
    socket.send({"type": "hello", "token": token})
    assert socket.close_code() == 4401


@pytest.mark.parametrize(
    ("role", "path"),
    [("agent", "/v1/agents/a2/stream"), ("agent", "/v1/ingest"), ("supervisor", "/v1/agents/a1/stream")],
)
def test_a_token_opens_its_own_door_only(running, clients, role, path):
    """Another agent's stream, or the other side's socket, is closed with 4403."""
    service = running()
    socket = clients.socket(service.url + path)
    socket.send({"type": "hello", "token": service.token("a1", role=role)})
    assert socket.close_code() == 4403


def test_a_foreign_origin_is_refused_before_the_socket_opens(running, clients):
    """The browser sees HTTP 403, and a listed origin gets in."""
    service = running(origins="https://crm.example")
    with pytest.raises(InvalidStatus) as refused:
        clients.socket(service.url + "/v1/ingest", origin="https://evil.example")
    assert refused.value.response.status_code == 403
    socket = clients.socket(service.url + "/v1/ingest", origin="https://crm.example")
    socket.send({"type": "hello", "token": service.key})
    assert socket.next()["type"] == "ready"


def test_the_subprotocol_is_echoed_when_offered(running, clients):
    """A browser that offers coach.v1 is answered with it; one that offers something else is not refused."""
    service = running()
    assert (
        clients.socket(service.url + "/v1/ingest", subprotocols=["x", "coach.v1"]).raw.subprotocol
        == "coach.v1"
    )
    assert clients.socket(service.url + "/v1/ingest", subprotocols=["x"]).raw.subprotocol is None


def test_sockets_beyond_the_limit_are_asked_to_come_later(running, clients):
    """One socket too many is closed with 1013, and there is room again when one leaves."""
    service = running(max_connections=1)
    first = clients.producer(service)
    headers = {"Authorization": f"Bearer {service.key}"}
    assert clients.socket(service.url + "/v1/ingest", additional_headers=headers).close_code() == 1013
    first.close()
    for _ in range(50):
        if service.http("GET", "/healthz").json()["connections"] == 0:
            break
    clients.producer(service)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/v1/ingest", "producer"),
        ("/v1/agents/a1/stream", "agent"),
        ("/v1/teams/t1/stream", "admin"),
    ],
)
def test_an_open_socket_ends_with_its_token(running, clients, path, role):
    """Whatever it is for, it is closed with 4401 once the token it was opened with has expired."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    socket = clients.socket(service.url + path)
    socket.send({"type": "hello", "token": service.token("a1", role=role, ttl_s=60)})
    assert socket.next()["type"] == "ready"
    now[0] += 59
    service.within(service.service.lobby.dismiss)
    socket.send({"type": "ping"})
    # Still served: a producer is told that it has nothing to ping.
    socket.until("error" if role == "producer" else "pong")
    now[0] += 1
    assert socket.close_code() == 4401


def test_the_progress_of_a_review_ends_with_its_token(running, clients, monkeypatch):
    """The fourth kind of socket is no exception."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    # A review that does not end by itself meanwhile.
    monkeypatch.setattr(service.tenant.reviews, "get", lambda *_: None)

    async def never(_):
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(service.tenant.reviews, "watch", never)
    socket = clients.socket(service.url + "/v1/reviews/r1/progress")
    socket.send({"type": "hello", "token": service.token("r", role="reviewer", ttl_s=60)})
    assert socket.next()["type"] == "ready"
    now[0] += 60
    assert socket.close_code() == 4401


def test_a_revoked_key_closes_its_sockets_and_no_others(running, clients, wire):
    """What a producer says after that is not heard; another key of the tenant goes on."""
    service = running()
    made = service.within(lambda: service.service.keys.create("crm"))
    revoked, kept = clients.producer(service, key=made), clients.producer(service)
    revoked.send(wire.started("c1"))
    revoked.acked("c1", 1)
    service.within(lambda: service.service.keys.revoke("crm"))
    assert revoked.close_code() == 4401
    kept.send(wire.started("c2"))
    kept.acked("c2", 1)


def test_a_rotated_key_keeps_its_sockets_for_its_grace(running, clients, wire):
    """The sockets of the old key go when its time is up."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    made = service.within(lambda: service.service.keys.create("crm"))
    socket = clients.producer(service, key=made)
    service.within(lambda: service.service.keys.rotate("crm", grace_h=1))
    now[0] += 3599
    service.within(service.service.lobby.dismiss)
    socket.send(wire.started("c1"))
    socket.acked("c1", 1)
    now[0] += 1
    assert socket.close_code() == 4401


def test_a_socket_that_was_told_to_go_is_not_heard():
    """What a peer sent before it took note of its goodbye changes nothing."""

    async def run():
        frames = iter([{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "{}"}])

        async def next_frame():
            return next(frames)

        async def take(_):
            pass

        socket = WebSocket({"type": "websocket"}, next_frame, take)
        await socket.accept()
        await socket.close(4401)
        await receive(socket)

    with pytest.raises(WebSocketDisconnect):
        asyncio.run(run())
