"""Malformed and malicious frames on the sockets that listen: an agent's stream, a team's, a review's progress.

A second agent's call must neither be seen nor be changed. The socket that takes calls in is in test_fuzz.
"""

from __future__ import annotations

import json
import random
import string

import pytest
from websockets.exceptions import ConnectionClosed

SEED = 20260102
FRAMES = 3000
SECRET = "暗号是蓝色大象"
VALUES = [
    None, True, -1, 0, 2**31, 2**63, 1e308, "", "agent", "长" * 3000, [], {}, [[[]]], {"a": {"b": {}}}, "\u0000", "\ud800",
    "😀", "../../etc", "' OR 1=1 --", "useful", "default", "${x}",
]  # fmt: skip
TYPES = [
    "feedback", "feedback.undo", "snooze", "snooze.undo", "used", "dismiss", "hello", "call.ended", "watch", "unwatch",
    "whisper", "whisper.read"
]  # fmt: skip
FIELDS = [
    "type", "advice_id", "call_id", "rule", "verdict", "phrase", "agent_id", "token", "after", "tenant", "id", "text"
]  # fmt: skip


def frame(dice: random.Random, *, known: list[str]) -> str | bytes:
    """One frame that is wrong in one of many ways, or right but about somebody else's call."""
    kind = dice.randrange(8)
    if kind == 0:
        return "".join(dice.choices(string.printable, k=dice.randrange(200)))
    if kind == 1:
        return dice.randbytes(dice.randrange(200))
    if kind == 2:
        return "[" * dice.randrange(1, 60_000) if dice.random() < 0.9 else "巨" * 30_000
    message = {"type": dice.choice(TYPES)}
    for name in dice.sample(FIELDS[1:], k=dice.randrange(1, 4)):
        message[name] = dice.choice(known) if dice.random() < 0.7 else dice.choice(VALUES)
    if kind == 3:
        message["type"] = dice.choice(VALUES)
    text = json.dumps(message, ensure_ascii=True)
    if kind == 4:
        return text[: dice.randrange(len(text))]
    return text


@pytest.fixture
def victim(running, clients, wire):
    """A service with a running call of agent `victim`, its producer, and what an attacker may have learned."""
    service = running()
    producer = clients.producer(service)
    producer.send(
        wire.started("victim-call", agent_id="victim", team="t1", agent_name="小林"),
        wire.said(f"这个我不知道，{SECRET}", seq=2, call_id="victim-call"),
    )
    producer.acked("victim-call", 2)
    stored = service.http("GET", "/v1/calls/victim-call").json()
    known = [
        stored["advice"][0]["id"],
        "victim-call",
        "victim",
        "ignorance/bare-dont-know",
        "ignorance/check-now",
    ]
    return service, producer, known


def unharmed(service, producer, clients, wire) -> None:
    """The victim's call goes on, its rule is not muted, nobody judged its card, and the service is well."""
    stream = clients.sidebar(service, "victim")
    assert stream.next()["call"]["snoozed"] == []
    producer.send(wire.said("明天应该会到", seq=3, call_id="victim-call", at=120_000))
    producer.acked("victim-call", 3)
    assert stream.until("advice")["call_id"] == "victim-call"
    stored = service.http("GET", "/v1/calls/victim-call").json()
    assert {str(each["feedback"]) for each in stored["advice"]} == {"{}"}
    assert service.http("GET", "/readyz").status_code == 200


def attack(socket, dice, *, known, frames=FRAMES) -> str:
    """Send rubbish, reading what comes; return all that was answered."""
    answers: list[str] = []
    for number in range(frames):
        try:
            socket.send(frame(dice, known=known))
            if number % 50 == 0:
                socket.send({"type": "ping"})
                while json.loads(answers.append(text := str(socket.raw.recv(10))) or text)["type"] != "pong":
                    pass
        except ConnectionClosed as closed:
            raise AssertionError(f"closed after {number} frames: {closed}") from closed
    return "\n".join(answers)


def until_closed(socket) -> tuple[list[dict], int]:
    """Return all that is told until the other side closes, and its code."""
    told = []
    try:
        while True:
            told.append(json.loads(socket.raw.recv(10)))
    except ConnectionClosed as closed:
        return told, closed.rcvd.code if closed.rcvd else 1006


@pytest.mark.slow
def test_a_sidebar_that_sends_rubbish_learns_and_changes_nothing(victim, clients, wire):
    """Thousands of frames on an agent's own stream, most naming another agent's call and card."""
    service, producer, known = victim
    answers = attack(clients.sidebar(service, "attacker"), random.Random(SEED), known=known)
    assert '"error"' in answers
    assert SECRET not in answers
    assert "noted" not in answers
    unharmed(service, producer, clients, wire)


@pytest.mark.slow
def test_a_supervisor_of_another_team_learns_and_changes_nothing(victim, clients, wire):
    """Thousands of frames on a team's stream, most trying to watch or whisper into another team's call."""
    service, producer, known = victim
    token = service.service.tokens.mint(role="supervisor", subject="s2", ttl_s=60, teams=("t2",))[0]
    socket = clients.socket(f"{service.url}/v1/teams/t2/stream")
    socket.send({"type": "hello", "token": token})
    assert socket.next()["type"] == "ready"
    agent = clients.sidebar(service, "victim")
    agent.next()
    answers = attack(socket, random.Random(SEED), known=known)
    assert '"error"' in answers
    for word in (SECRET, "watched", "小林"):
        assert word not in answers
    agent.send({"type": "ping"})
    assert agent.next()["type"] == "pong", "something was whispered to the agent"
    unharmed(service, producer, clients, wire)


def test_a_socket_that_only_tells_takes_no_orders(victim, clients, wire):
    """Whatever is sent to the progress of a review is passed over."""
    service, producer, known = victim
    files = [("files", ("a.txt", "客服：您好\n客户：你好\n"))]
    review = service.http("POST", "/v1/reviews", files=files, data={"start": "false"}).json()["id"]
    socket = clients.socket(
        f"{service.url}/v1/reviews/{review}/progress",
        additional_headers={"Authorization": f"Bearer {service.key}"},
    )
    assert socket.next()["type"] == "ready"
    dice = random.Random(SEED)
    for _ in range(300):
        socket.send(frame(dice, known=known))
    service.http("DELETE", f"/v1/reviews/{review}")
    told, code = until_closed(socket)
    assert code == 1000
    assert {each["type"] for each in told} <= {"review"}
    unharmed(service, producer, clients, wire)


@pytest.mark.parametrize(
    "path",
    ["/v1/ingest", "/v1/agents/victim/stream", "/v1/teams/t1/stream", "/v1/reviews/r000000000000/progress"],
)
def test_nobody_gets_in_by_a_strange_hello(victim, clients, wire, path):
    """Every first frame that proves nothing closes the socket with 4401, and nothing is told before."""
    service, producer, known = victim
    dice = random.Random(SEED)
    for _ in range(60):
        socket = clients.socket(service.url + path)
        socket.send(frame(dice, known=known))
        told, code = until_closed(socket)
        assert code == 4401
        assert {each["type"] for each in told} <= {"error"}
        assert SECRET not in str(told)
    unharmed(service, producer, clients, wire)
