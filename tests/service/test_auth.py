"""Who is let in, and how the others are turned away."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from coach.service.auth import Gate


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
