"""What each role may do: the table of docs/security.md, tried on a running service."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIWebSocketRoute

from coach.service.app import create_app
from coach.service.roles import ROLES

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
ROW = re.compile(r"\| `(\w+) (/\S+)` \|((?: (?:yes|own|no) \|){5})")
# Open, or let in by a setting.
FREE = {"/healthz", "/readyz", "/metrics"}


def table() -> dict[tuple[str, str], dict[str, str]]:
    """Read the table: (method, path) -> role -> yes, own or no."""
    rows = ROW.findall(DOCUMENT.read_text("utf-8"))
    return {
        (method, path): dict(zip(ROLES, (cell.strip() for cell in cells.split("|")), strict=False))
        for method, path, cells in rows
    }


TABLE = table()


def test_the_table_names_every_route(running):
    """No route and no socket is without a row, no row without a route."""
    app = create_app(running().service)
    routes = {("WS", route.path) for route in app.routes if isinstance(route, APIWebSocketRoute)}
    for path, methods in app.openapi()["paths"].items():
        routes |= {(method.upper(), path) for method in methods if path not in FREE}
    assert routes == set(TABLE)


@pytest.mark.parametrize("proof", ["token", "key"])
def test_each_role_may_do_what_the_table_says(running, clients, proof):
    """Every route and socket with every role, in the agent's own name and for another agent."""
    service = running()
    found, expected = {}, {}
    for role in ROLES:
        credential = token_of(service, role) if proof == "token" else service.new_key(role=role)
        for method, path in TABLE:
            told = TABLE[method, path][role]
            # A key is nobody's own: what is an agent's own is every agent's of the tenant.
            expected[role, method, path] = told != "no"
            if proof == "token" and path == "/v1/tokens":
                expected[role, method, path] = False
            found[role, method, path] = let_in(service, clients, credential, method, path)
    assert {place: may for place, may in found.items() if expected[place] is not may} == {}


@pytest.mark.parametrize(("teams", "may"), [(("north",), True), (("south",), False), ((), False)])
def test_a_supervisor_has_the_teams_that_the_token_names(running, clients, teams, may):
    """Of other teams the socket is closed with 4403; without teams that of any."""
    service = running()
    token = token_of(service, "supervisor", teams=teams)
    assert let_in(service, clients, token, "WS", "/v1/teams/north/stream") is may


@pytest.mark.parametrize(
    ("method", "path"), sorted(place for place in TABLE if TABLE[place]["agent"] == "own")
)
def test_an_agent_has_its_own_only(running, clients, wire, method, path):
    """Of another agent's calls, cards and decisions a token sees nothing."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started("c2", agent_id="a2"), wire.said("我不知道", seq=2, call_id="c2"))
    producer.acked("c2", 2)
    stored = service.http("GET", "/v1/calls/c2").json()
    (card,) = stored["advice"]
    hit = {"call": "c2", "utterance": card["utterance_id"], "rule": card["rule"], "start": card["start"]}
    decided = service.http(
        "POST", "/v1/decisions", json={**hit, "end": card["end"], "verdict": "right", "reviewer": "w"}
    ).json()
    token = service.token("a1")
    names = {"agent_id": "a2", "call_id": "c2", "advice_id": card["id"], "decision_id": decided["id"]}
    address = path.format(**names)
    if method == "WS":
        assert not let_in(service, clients, token, method, address)
        return
    body = {"verdict": "useful"} if "feedback" in path else {"text": "x"}
    answer = service.http(method, address, key=token, **({"json": body} if method == "POST" else {}))
    told = answer.json()
    if answer.status_code == 200:
        assert next(iter(told.values())) == []
    else:
        assert answer.status_code in {403, 404, 422}
        assert card["id"] not in answer.text.replace(address, "") or "没有" in answer.text
    assert service.http("GET", "/v1/calls/c2").json() == stored
    assert service.http("GET", "/v1/decisions").json()["decisions"] == [decided]


def token_of(service, role: str, *, teams: tuple[str, ...] = ("north",)) -> str:
    """Mint a token; a supervisor's is for the team north."""
    teams = teams if role == "supervisor" else ()
    return service.service.tokens.mint(role=role, subject="a1", ttl_s=60, teams=teams)[0]


def let_in(service, clients, credential: str, method: str, path: str) -> bool:
    """Tell whether a role is let in: whatever comes then, it is no refusal of the role."""
    named = {"{agent_id}": "a1", "{team}": "north", "{vendor}": "twilio"}
    address = re.sub(r"{\w+}", lambda found: named.get(found[0], "none"), path)
    if method == "WS":
        socket = clients.socket(
            service.url + address, additional_headers={"Authorization": f"Bearer {credential}"}
        )
        try:
            return socket.next()["type"] == "ready"
        except Exception:  # noqa: BLE001 - closed with 4403
            assert socket.close_code() == 4403
            return False
        finally:
            socket.close()
    # A body that no route takes: nothing is changed, and who may not is refused before it is read.
    headers = {"Authorization": f"Bearer {credential}"}
    with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
        answer = client.request(method, service.url + address, headers=headers, content=b"[]")
    return answer.status_code != 403
