"""One tenant tries everything with the ids of another: it gets nothing, changes nothing and learns nothing."""

from __future__ import annotations

import json
import re
import sqlite3
import time

import httpx
import pytest
from sqlalchemy import event

from coach.service.app import create_app
from tests.conftest import write_scorecard

WAIT_S = 60
# What only tenant b knows. Its ids come beside.
SECRETS = ("机密产品", "judge-of-b", "slot-of-b", "title-of-b")
# Told differently each time, whoever asks.
VOLATILE = re.compile(r"eyJ[\w.-]+|\d{4}-\d\d-\d\dT[\d:.]+Z|whsec_[\w+/=]+|\b[0-9a-f]{12,}\b|we_\w+")
# Not about one tenant.
FREE = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture
def world(running, clients, wire, tmp_path, book):
    """A service with the tenants a and b; b has a bit of everything."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "tenants.toml").write_text("[a]\n[b]\n", "utf-8")
    write_scorecard(book / "rules")
    made = World(running(), clients, wire)
    yield made
    made.http.close()


class World:
    """Two tenants, their keys, and the ids of what b has."""

    def __init__(self, service, clients, wire) -> None:
        self.service, self.clients, self.wire = service, clients, wire
        self.a, self.b = (service.new_key(role="admin", tenant=name) for name in "ab")
        self.http = httpx.Client(base_url=service.url, trust_env=False, verify=False, timeout=10)
        self.producer = clients.producer(service, key=self.b)
        self.producer.send(
            wire.started("call-of-b", agent_id="agent-of-b", team="team-of-b", slots={"org": "slot-of-b"},
                         customer_id="customer-of-b"),
            wire.said("机密产品我不知道", seq=2, call_id="call-of-b"),
        )  # fmt: skip
        self.producer.acked("call-of-b", 2)
        (card,) = self.as_b("GET", "/v1/calls/call-of-b").json()["advice"]
        place = {"call": "call-of-b", "rule": card["rule"], "start": card["start"], "end": card["end"]}
        decided = {**place, "utterance": card["utterance_id"], "verdict": "right", "reviewer": "judge-of-b"}
        decision = self.as_b("POST", "/v1/decisions", json=decided).json()
        review = self._reviewed()
        events = {"events": [wire.said("机密产品", seq=3, call_id="call-of-b")]}
        address, header = "/v1/calls/call-of-b/events", {"Idempotency-Key": "batch-of-b"}
        assert self.as_b("POST", address, json=events, headers=header).json() == {"acked": 3, "errors": []}
        hook = {"url": "https://hooks.example/of-b", "events": ["call.ended"]}
        made = self.as_b("POST", "/v1/webhooks", json=hook)
        self.theirs = {
            "call_id": "call-of-b", "call": "call-of-b", "agent_id": "agent-of-b", "team": "team-of-b",
            "customer_id": "customer-of-b", "who": "judge-of-b", "target": "call:call-of-b",
            "advice_id": card["id"], "decision_id": decision["id"], "review_id": review, "review": review,
            "webhook_id": made.json()["id"], "url": hook["url"], "Idempotency-Key": "batch-of-b", "rule": card["rule"],
        }  # fmt: skip
        # As long and of the same letters, but nobody's.
        self.nobodys = {name: _other(value) for name, value in self.theirs.items()}
        self.nobodys |= {"rule": card["rule"], "url": "https://hooks.example/of-z"}

    def as_b(self, method: str, path: str, **options) -> httpx.Response:
        """Ask as b's administrator."""
        return self.service.http(method, path, key=self.b, **options)

    def _reviewed(self) -> str:
        turns = [{"speaker": "agent", "text": "机密产品我不知道", "start_ms": 0, "end_ms": 900}]
        line = json.dumps({"id": "call-of-b", "agent_id": "agent-of-b", "turns": turns})
        files = [("files", ("of-b.jsonl", line, "application/octet-stream"))]
        made = self.as_b("POST", "/v1/reviews", files=files, data={"title": "title-of-b"}).json()
        deadline = time.monotonic() + WAIT_S
        while self.as_b("GET", f"/v1/reviews/{made['id']}").json()["state"] != "finished":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return made["id"]

    def operations(self, *methods: str) -> list[tuple[str, str, dict]]:
        """Return (method, path, operation) of everything the document has, by these methods."""
        document = create_app(self.service.service).openapi()
        return [
            (method.upper(), path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if path not in FREE and method.upper() in methods
        ]

    def ask(self, method: str, path: str, operation: dict, ids: dict[str, str]) -> httpx.Response:
        """Ask as a, with these ids wherever an id can be: address, query, header and body."""
        named = {
            **ids,
            "vendor": "funasr",
            "category": "ignorance",
            "name": "bare-dont-know",
            "file": "report.html",
        }
        wanted = {each["name"]: each["in"] for each in operation.get("parameters", ())}
        query = {name: ids[name] for name, place in wanted.items() if place == "query" and name in ids}
        headers = {name: ids[name] for name, place in wanted.items() if place == "header" and name in ids}
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        body = _filled(_example(media), ids) if media else None
        return self.http.request(
            method,
            path.format(**named),
            params=query,
            headers={"Authorization": f"Bearer {self.a}", **headers},
            **({} if body is None else {"json": body}),
        )


def _other(value: str) -> str:
    return "".join({"b": "z", "1": "2", "a": "e"}.get(letter, letter) for letter in value[:-1]) + "q"


def _example(media: dict) -> object:
    examples = media.get("examples")
    return media["example"] if "example" in media else next(iter(examples.values()))["value"]


def _filled(value: object, ids: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {name: ids.get(name) or _filled(each, ids) for name, each in value.items()}
    return [_filled(each, ids) for each in value] if isinstance(value, list) else value


def neutral(answer: httpx.Response, ids: dict[str, str]) -> str:
    """Return a body without what differs each time, and without the ids that were asked for."""
    text = answer.text
    for name, value in sorted(ids.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(value, f"<{name}>")
    return VOLATILE.sub("…", text)


def rows_of(folder) -> list[str]:
    """Return every row of a tenant's database."""
    with sqlite3.connect(folder / "coach.sqlite3") as connection:
        return list(connection.iterdump())


def test_no_route_tells_or_changes_anything_of_another_tenant(world, tmp_path):
    """Every route of the document, with b's ids: what a gets is what it gets for ids that nobody has."""
    folder = tmp_path / "state" / "tenants" / "b"
    before = rows_of(folder)
    asked_of_b = listened(world.service.service.tenants["b"])
    leaks, differences = [], []
    # What reads comes first: then nothing of these names was made by a itself.
    for methods in (("GET",), ("POST", "PATCH", "PUT"), ("DELETE",)):
        for method, path, operation in world.operations(*methods):
            theirs = world.ask(method, path, operation, world.theirs)
            nobodys = world.ask(method, path, operation, world.nobodys)
            assert theirs.status_code < 500, (method, path, theirs.text)
            leaks += [(method, path, told) for told in told_by(theirs, world.theirs, reading=method == "GET")]
            one = (theirs.status_code, neutral(theirs, world.theirs))
            other = (nobodys.status_code, neutral(nobodys, world.nobodys))
            # The log of what a itself did is longer each time.
            if one != other and path != "/v1/audit":
                differences.append((method, path, one, other))
    assert leaks == []
    assert differences == []
    # No route looked for what a asked for in b's database, so the time taken tells nothing either.
    sought = {value for name, value in world.nobodys.items() if name not in {"rule", "who"}}
    assert [each for each in asked_of_b if any(value in each for value in sought)] == []
    assert rows_of(folder) == before
    assert world.as_b("GET", f"/v1/reviews/{world.theirs['review_id']}/report.html").status_code == 200


def listened(tenant) -> list[str]:
    """Return a list that fills with the parameters of every statement a tenant's database is given."""
    heard: list[str] = []

    def note(_connection, _cursor, _statement, parameters, _context, _many) -> None:
        heard.append(repr(parameters))

    event.listen(tenant.database._engine.sync_engine, "before_cursor_execute", note)
    return heard


def told_by(answer: httpx.Response, ids: dict[str, str], *, reading: bool) -> list[str]:
    """Return what an answer tells of b that was not in the request."""
    asked = str(answer.request.url) + answer.request.content.decode()
    known = [*SECRETS, *(value for name, value in ids.items() if name != "rule")] if reading else SECRETS
    return [each for each in known if each in answer.text and each not in asked]


def test_an_agent_and_a_supervisor_of_another_tenant_get_nothing(world):
    """Tokens of the same names as b's people, in tenant a."""
    service = world.service.service
    for role, subject in (("agent", "agent-of-b"), ("supervisor", "s"), ("reviewer", "judge-of-b")):
        token = service.tokens.mint(role=role, subject=subject, tenant="a", teams=("team-of-b",), ttl_s=60)[0]
        listed = world.service.http("GET", "/v1/calls", key=token).json()
        assert listed["calls"] == []
        assert world.service.http("GET", "/v1/calls/call-of-b", key=token).status_code == 404
        if role != "supervisor":
            found = world.service.http("GET", "/v1/decisions", key=token)
            assert found.json()["decisions"] == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/agents/agent-of-b/stream", "snapshot"), ("/v1/teams/team-of-b/stream", "team.calls")],
)
def test_no_stream_tells_anything_of_another_tenant(world, path, kind):
    """A stream of the same name is another one: it begins empty, and b's words do not come."""
    headers = {"Authorization": f"Bearer {world.a}"}
    socket = world.clients.socket(world.service.url + path, additional_headers=headers)
    first = socket.until(kind)
    assert not first.get("call")
    assert not first.get("calls")
    world.producer.send(world.wire.said("机密产品我不知道", seq=4, call_id="call-of-b"))
    world.producer.acked("call-of-b", 4)
    socket.send({"type": "ping"})
    told = [socket.next()]
    while told[-1]["type"] not in {"pong", "error"}:
        told.append(socket.next())
    assert [
        secret for secret in (*SECRETS, "call-of-b") if secret in json.dumps(told, ensure_ascii=False)
    ] == []


def test_no_producer_reaches_a_call_of_another_tenant(world):
    """Its call is unknown, in the words for any unknown call."""
    socket = world.clients.producer(world.service, key=world.a)
    answers = []
    for call_id in ("call-of-b", "call-of-z"):
        socket.send(world.wire.said("您好", seq=4, call_id=call_id))
        answers.append({**socket.until("error", call_id=call_id), "call_id": ""})
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "unknown_call"


def test_nobody_watches_the_review_of_another_tenant(world):
    """Closed as for a review that is not there."""
    codes = []
    for review in (world.theirs["review_id"], world.nobodys["review_id"]):
        headers = {"Authorization": f"Bearer {world.a}"}
        address = f"{world.service.url}/v1/reviews/{review}/progress"
        codes.append(world.clients.socket(address, additional_headers=headers).close_code())
    assert codes[0] == codes[1] == 4403


def test_a_link_opens_the_file_of_its_own_tenant_only(world):
    """What b's link opens, a's does not: a ticket is for one tenant's file."""
    path = f"/v1/reviews/{world.theirs['review_id']}"
    url = world.as_b("POST", f"{path}/links", json={"file": "report.html"}).json()["url"]
    assert world.service.http("GET", url, key=None).status_code == 200
    assert (
        world.service.http("POST", f"{path}/links", key=world.a, json={"file": "report.html"}).status_code
        == 404
    )
