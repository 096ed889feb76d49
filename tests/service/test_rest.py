"""The HTTP side against a real service."""

from __future__ import annotations

import json
import time

import pytest


def test_check_marks_one_text(running):
    """The hits of one text, with offsets in characters and what to say instead."""
    answer = running().http("POST", "/v1/check", json={"text": "😀这个我不知道"}).json()
    hit = answer["hits"][0]
    assert answer["categories"] == ["ignorance"]
    assert (hit["start"], hit["end"], hit["text"]) == (3, 7, "我不知道")
    assert hit["suggestions"] == ["我马上帮您查一下，请您稍等"]
    assert len(answer["digest"]) == 12


def test_check_answers_many_utterances_by_id(running):
    """Each with its own hits; a customer may say what he likes."""
    utterances = [{"id": "1", "text": "我不知道"}, {"id": "2", "text": "我不知道", "speaker": "customer"}]
    results = running().http("POST", "/v1/check", json={"utterances": utterances}).json()["results"]
    assert [(each["id"], each["categories"]) for each in results] == [("1", ["ignorance"]), ("2", [])]


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/v1/check", {}, 422, "invalid_field", "text"),
        ("/v1/check", {"text": "a", "utterances": []}, 422, "invalid_field", "utterances"),
        ("/v1/check", {"txt": "a"}, 422, "invalid_field", "txt"),
        ("/v1/check", {"text": "长" * 2001}, 413, "too_large", "text"),
        ("/v1/check", {"utterances": [{"text": 1}]}, 422, "invalid_field", "utterances.0.text"),
        ("/v1/check", "{", 400, "invalid_json", None),
        ("/v1/check", "x" * 9_000_000, 413, "too_large", None),
        ("/v1/tokens", {"agent_id": "a b"}, 422, "invalid_field", "agent_id"),
        ("/v1/tokens", {"agent_id": "a", "ttl_s": 1}, 422, "invalid_field", "ttl_s"),
        ("/v1/calls/c1/events", {"events": []}, 422, "invalid_field", "events"),
        ("/v1/advice/none/feedback", {"verdict": "useful"}, 422, "invalid_field", "advice_id"),
        ("/v1/advice/none/feedback", {"verdict": "great"}, 422, "invalid_field", "verdict"),
        ("/v1/nothing", {}, 404, "not_found", None),
    ],
)
def test_a_wrong_request_is_explained(running, path, body, status, code, field):
    """One shape of error, with code, field and a Chinese message."""
    content = body if isinstance(body, str) else json.dumps(body)
    answer = running().http("POST", path, content=content)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (status, code, field)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/check"),
        ("POST", "/v1/tokens"),
        ("POST", "/v1/calls/c1/events"),
        ("GET", "/v1/calls/c1"),
        ("POST", "/v1/advice/x/feedback"),
        ("GET", "/v1/rules"),
    ],
)
@pytest.mark.parametrize("key", [None, "wrong"])
def test_every_call_needs_a_key(running, method, path, key):
    """Without a key, or with a wrong one: 401."""
    answer = running().http(method, path, key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_sidebar_token_mints_no_tokens(running):
    """Only an API key mints; a sidebar token cannot send events either."""
    service = running()
    token = service.token("a1")
    for path in ("/v1/tokens", "/v1/calls/c1/events"):
        assert service.http("POST", path, key=token, json={}).status_code == 403


def test_a_minted_token_opens_the_stream_until_it_expires(running, clients):
    """The whole way of a sidebar, as an integrator goes it."""
    service = running()
    minted = service.http("POST", "/v1/tokens", json={"agent_id": "坐席17"}).json()
    assert minted["expires_at"].endswith("Z")
    socket = clients.socket(service.url + "/v1/agents/%E5%9D%90%E5%B8%AD17/stream")
    socket.send({"type": "hello", "token": minted["token"]})
    assert socket.next()["type"] == "ready"
    assert socket.next()["agent_id"] == "坐席17"


def test_a_call_is_shown_to_its_own_agent_only(running, clients, wire):
    """A sidebar token reads its agent's calls; another's call does not exist for it."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    assert service.http("GET", "/v1/calls/c1", key=service.token("a1")).status_code == 200
    assert service.http("GET", "/v1/calls/c1", key=service.token("a2")).status_code == 404
    assert service.http("GET", "/v1/calls/none").status_code == 404


def test_feedback_over_http_is_stored(running, clients, wire):
    """The verdict appears with the advice."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    advice = service.http("GET", "/v1/calls/c1").json()["advice"][0]
    answer = service.http("POST", f"/v1/advice/{advice['id']}/feedback", json={"verdict": "false-alarm"})
    assert answer.status_code == 200
    again = service.http("GET", "/v1/calls/c1").json()["advice"][0]
    assert again == {**advice, "feedback": {"verdict": "false-alarm"}}


def test_the_rules_in_force_are_listed(running):
    """With their digest, and no word about being stale."""
    answer = running().http("GET", "/v1/rules").json()
    assert [rule["id"] for rule in answer["rules"]] == ["hedging/should-be", "ignorance/bare-dont-know"]
    assert answer["stale"] is None


def test_pages_carry_the_security_headers(running):
    """No inline script, no framing but by listed origins, no sniffing, no referrer."""
    service = running(origins="https://crm.example")
    headers = service.http("GET", "/sidebar", key=None).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self' https://crm.example" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_a_missing_front_end_is_explained(running, tmp_path):
    """Pages that were never built say how to build them."""
    answer = running(web_dir=tmp_path / "none").http("GET", "/sidebar", key=None)
    assert answer.status_code == 503
    assert "npm" in answer.text


def test_built_code_may_be_loaded_by_other_pages(running, tmp_path):
    """/static is public code; hashed names are kept for good, the embed script for five minutes."""
    (tmp_path / "web" / "assets").mkdir(parents=True)
    (tmp_path / "web" / "coach-sidebar.js").write_text("1")
    (tmp_path / "web" / "assets" / "x-1a2b.js").write_text("1")
    service = running(web_dir=tmp_path / "web")
    embed = service.http("GET", "/static/coach-sidebar.js", key=None)
    assert embed.headers["access-control-allow-origin"] == "*"
    assert embed.headers["cache-control"] == "max-age=300"
    assert "immutable" in service.http("GET", "/static/assets/x-1a2b.js", key=None).headers["cache-control"]


def test_the_demo_gives_every_visitor_an_agent_of_his_own(running, clients, wire):
    """Two tokens for a fresh agent, good for that agent only."""
    service = running(demo=True)
    one, two = (service.http("POST", "/demo/session", key=None).json() for _ in range(2))
    assert one["agent_id"] != two["agent_id"]
    assert one["agent_id"].startswith("demo-")
    producer = clients.producer(service, key=one["producer_token"])
    producer.send(wire.started("c1", agent_id=one["agent_id"]))
    producer.acked("c1", 1)
    producer.send(wire.started("c2", agent_id=two["agent_id"]))
    assert producer.next()["code"] == "not_allowed"


def test_a_renewed_demo_ends_the_calls_of_the_agent_before(running, clients, wire):
    """The wallboard shows them no longer; the token may have expired, and ends nobody else's calls."""
    now = [time.time()]
    service = running(demo=True, clock=lambda: now[0], call_timeout_s=0, call_idle_s=2 * 86_400)
    one, two = (service.http("POST", "/demo/session", key=None).json() for _ in range(2))
    for call_id, session in (("c1", one), ("c2", two)):
        producer = clients.producer(service, key=session["producer_token"])
        producer.send(
            wire.started(call_id, agent_id=session["agent_id"], team="demo"),
            wire.said("好的", seq=2, call_id=call_id),
        )
        producer.acked(call_id, 2)
    now[0] += 13 * 3600
    board = clients.socket(f"{service.url}/v1/teams/demo/stream")
    looking = service.http("POST", "/demo/session", key=None).json()["supervisor_token"]
    board.send({"type": "hello", "token": looking})
    assert {call["call_id"] for call in board.until("team.calls")["calls"]} == {"c1", "c2"}
    former = {"Authorization": f"Bearer {one['producer_token']}"}
    assert service.http("GET", "/v1/calls/c1", key=None, headers=former).status_code == 401
    renewed = service.http("POST", "/demo/session", key=None, headers=former).json()
    assert renewed["agent_id"] not in {one["agent_id"], two["agent_id"]}
    assert board.until("team.call_gone")["call_id"] == "c1"
    told = [service.http("GET", f"/v1/calls/{call_id}").json()["ended_ms"] for call_id in ("c1", "c2")]
    assert told == [13 * 3_600_000, None]
    # Nobody's calls are ended by who cannot show that they were his.
    for token in (two["sidebar_token"], two["supervisor_token"], "demo", service.token("demo-x")):
        headers = {"Authorization": f"Bearer {token}"}
        assert service.http("POST", "/demo/session", key=None, headers=headers).status_code == 200
    assert service.http("GET", "/v1/calls/c2").json()["ended_ms"] is None


def test_the_demo_answers_its_own_pages_only(running):
    """A foreign origin or a foreign host name is refused; without --demo there is nothing there."""
    service = running(demo=True)
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        answer = service.http("POST", "/demo/session", key=None, headers=headers)
        assert answer.status_code == 403


def test_without_the_demo_there_is_no_demo(running):
    """The open door exists in demo mode only."""
    service = running()
    assert service.http("POST", "/demo/session", key=None).status_code == 404
    assert service.http("GET", "/demo", key=None).status_code == 404


def test_readiness_follows_the_store(running):
    """A store that cannot write makes the service not ready, with the reason in /healthz."""
    service = running()
    assert service.http("GET", "/readyz").status_code == 200
    service.tenant.store.error = "disk full"
    assert service.http("GET", "/readyz").status_code == 503
    assert service.http("GET", "/healthz").json()["store"]["problem"] == "disk full"


def test_any_page_may_ask_whether_the_service_lives(running):
    """A browser gives a page of another origin no answer at all unless told that it may."""
    answer = running().http("GET", "/healthz", key=None, headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
