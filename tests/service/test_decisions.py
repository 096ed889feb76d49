"""What reviewers decide, how agents appeal, and what becomes of it."""

from __future__ import annotations

import pytest
from test_reviews import AGENT, LINES, card, finished  # noqa: F401 - a fixture

pytestmark = pytest.mark.databases


@pytest.fixture
def live_hit(running, clients, wire):
    """A live call with one card; the service and the place of its hit."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("这个我不知道", seq=2))
    producer.acked("c1", 2)
    place = {"call": "c1", "utterance": "u2", "rule": "ignorance/bare-dont-know", "start": 2, "end": 6}
    return service, place


def decide(service, place, verdict, *, reason="", **options):
    """Decide about a hit; return the answer."""
    body = {**place, "verdict": verdict, "reason": reason, "reviewer": "李主管"}
    return service.http("POST", "/v1/decisions", json=body, **options)


def test_a_live_hit_is_decided_and_listed(live_hit):
    """The decision has the words, the agent and the reviewer; it is found by rule and by call."""
    service, place = live_hit
    made = decide(service, place, "right", reason="确实生硬").json()
    assert (made["verdict"], made["state"], made["agent_id"], made["text"]) == (
        "right",
        "decided",
        "a1",
        "我不知道",
    )
    assert [(step["kind"], step["reason"], step["who"]) for step in made["history"]] == [
        ("decided", "确实生硬", "李主管")
    ]
    for query in ("rule=ignorance/bare-dont-know", "call=c1", "state=decided"):
        assert service.http("GET", f"/v1/decisions?{query}").json()["decisions"] == [made]
    assert service.http("GET", "/v1/decisions?rule=hedging/should-be").json()["decisions"] == []


def test_deciding_again_changes_the_verdict_and_keeps_the_history(live_hit):
    """One decision a hit; both verdicts stay in its history."""
    service, place = live_hit
    first = decide(service, place, "right").json()
    second = decide(service, place, "wrong", reason="引用").json()
    assert (second["id"], second["verdict"]) == (first["id"], "wrong")
    assert [step["verdict"] for step in second["history"]] == ["right", "wrong"]


def test_the_agent_appeals_and_a_reviewer_settles(live_hit):
    """The whole way: decided, appealed by the agent's own token, settled the other way."""
    service, place = live_hit
    made = decide(service, place, "right").json()
    path = f"/v1/decisions/{made['id']}"
    appealed = service.http("POST", f"{path}/appeal", key=service.token("a1"), json={"text": "我马上就查了"})
    assert appealed.json()["state"] == "appealed"
    assert appealed.json()["history"][-1]["who"] == "a1"
    settled = service.http(
        "POST", f"{path}/settle", json={"verdict": "wrong", "reason": "有下文", "reviewer": "王经理"}
    ).json()
    assert (settled["state"], settled["verdict"]) == ("settled", "wrong")
    assert [step["kind"] for step in settled["history"]] == ["decided", "appealed", "settled"]


def test_what_is_out_of_turn_is_refused(live_hit):
    """Settling without an appeal, appealing twice or against a wrong hit, deciding during an appeal: 409."""
    service, place = live_hit
    made = decide(service, place, "wrong").json()
    path = f"/v1/decisions/{made['id']}"
    settle = {"verdict": "wrong", "reason": "x", "reviewer": "r"}
    assert service.http("POST", f"{path}/settle", json=settle).status_code == 409
    assert service.http("POST", f"{path}/appeal", json={"text": "x"}).status_code == 409
    decide(service, place, "right")
    assert service.http("POST", f"{path}/appeal", json={"text": "x"}).status_code == 200
    again = service.http("POST", f"{path}/appeal", json={"text": "x"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    assert decide(service, place, "wrong").status_code == 409


def test_agents_see_and_appeal_their_own_only(live_hit):
    """Another agent's token finds nothing; no agent decides or settles."""
    service, place = live_hit
    made = decide(service, place, "right").json()
    own, other = service.token("a1"), service.token("a2")
    path = f"/v1/decisions/{made['id']}"
    assert len(service.http("GET", "/v1/decisions", key=own).json()["decisions"]) == 1
    assert service.http("GET", "/v1/decisions", key=other).json()["decisions"] == []
    assert service.http("POST", f"{path}/appeal", key=other, json={"text": "x"}).status_code == 404
    assert decide(service, place, "wrong", key=own).status_code == 403
    settle = {"verdict": "wrong", "reason": "x", "reviewer": "r"}
    assert service.http("POST", f"{path}/settle", key=own, json=settle).status_code == 403
    assert service.http("GET", "/v1/rules/health", key=own).status_code == 403


def test_what_people_write_is_masked(live_hit):
    """A number in a reason is not stored."""
    service, place = live_hit
    made = decide(service, place, "right", reason="客户电话13812345678").json()
    assert made["history"][0]["reason"] == "客户电话138****5678"


def test_a_hit_of_a_review_is_decided(running):
    """Its place is the turn; the list of hits shows the decision, and the code of the agent, not his id."""
    service = running()
    told = finished(service, {"十月.jsonl": LINES, "对话.txt": AGENT})
    path = f"/v1/reviews/{told['id']}/hits"
    listed = service.http("GET", path).json()
    assert {(each["rule"], each["count"]) for each in listed["rules"]} == {
        ("hedging/should-be", 5), ("ignorance/bare-dont-know", 1)
    }  # fmt: skip
    hit = service.http("GET", f"{path}?rule=ignorance/bare-dont-know").json()["hits"][0]
    assert (hit["said"][hit["start"] : hit["end"]], hit["before"]) == ("我不知道", "怎么退订")
    place = {
        "review": told["id"],
        "call": hit["call_id"],
        **{k: hit[k] for k in ("turn", "rule", "start", "end")},
    }
    made = decide(service, place, "right").json()
    assert (made["turn"], made["agent_id"], made["digest"]) == (hit["turn"], "", hit["digest"])
    again = service.http("GET", f"{path}?rule=ignorance/bare-dont-know").json()["hits"][0]
    assert again["decision"] == made
    first = listed["hits"][0]
    assert (first["agent"], "agent_id" in first) == ("坐席 A01", False)


def test_hits_are_paged(running):
    """Each page begins after the last number of the one before."""
    service = running()
    told = finished(service, {"十月.jsonl": LINES})
    path = f"/v1/reviews/{told['id']}/hits"
    pages, after = [], 0
    while after is not None:
        page = service.http("GET", f"{path}?limit=2&after={after}").json()
        pages.append([hit["call_id"] for hit in page["hits"]])
        after = page["next"]
    assert pages == [["c-0", "c-1"], ["c-2", "c-3"], ["c-4"]]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"start": 3}, 404, "call"),
        ({"start": 2**31}, 422, "start"),
        ({"utterance": None}, 422, "review"),
        ({"verdict": "maybe"}, 422, "verdict"),
        ({"reviewer": ""}, 422, "reviewer"),
        ({"review": "r1", "utterance": None, "turn": 1}, 404, "id"),
    ],
)
def test_a_wrong_decision_is_explained(live_hit, change, status, field):
    """Nothing is stored about a hit that is not there."""
    service, place = live_hit
    answer = (
        decide(service, {**place, **change}, "right")
        if "verdict" not in change and "reviewer" not in change
        else (
            service.http(
                "POST", "/v1/decisions", json={**place, "verdict": "right", "reviewer": "r", **change}
            )
        )
    )
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert service.http("GET", "/v1/decisions").json()["decisions"] == []
