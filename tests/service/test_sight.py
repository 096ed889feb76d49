"""What a supervisor's token shows: calls of its teams and nothing of any other, by whatever route it is asked for."""

from __future__ import annotations

import json

import httpx
import pytest
from test_decisions import decide
from test_isolation import World, neutral
from test_reviews import card, finished  # noqa: F401 - a fixture
from test_roles import TABLE

from coach.service.auth import Principal
from coach.service.sight import Sight

RULE = "ignorance/bare-dont-know"
# What only team south knows, besides ids.
SECRETS = ("南组机密", "south-said", "south-customer-words")
DRAFT = """\
version: 1
rules:
  - id: ignorance/secrets
    title: 机密
    severity: warning
    status: stable
    match: [机密]
    suggest: [ignorance/check-now]
    explain: 客户听不懂这个词
    source: 测试
    hits: [这是【机密】]
    misses: [这是公开的]
"""


@pytest.fixture
def two_teams(running, clients, wire):
    """A service with a call and a decision of each of the teams north and south."""
    return TwoTeams(running(), clients, wire)


@pytest.fixture
def reviewed(two_teams):
    """The same with a review of each, and a decision about it."""
    for team in two_teams.of:
        two_teams.judge(team)
    return two_teams


class TwoTeams:
    """The service, and by team the ids of what it has."""

    def __init__(self, service, clients, wire) -> None:
        self.service = service
        self.of = {
            team: self._made(clients, wire, team, f"{word}机密我不知道")
            for team, word in (("north", "北组"), ("south", "南组"))
        }

    def _made(self, clients, wire, team: str, text: str) -> dict[str, str]:
        call_id = f"call-of-{team}"
        producer = clients.producer(self.service)
        producer.send(
            wire.started(call_id, agent_id=f"{team}-agent", team=team),
            wire.said(f"{team}-customer-words", seq=2, call_id=call_id, speaker="customer"),
            wire.said(text, seq=3, call_id=call_id),
        )
        producer.acked(call_id, 3)
        place = {"call": call_id, "utterance": "u3", "rule": RULE, "start": 4, "end": 8}
        decision = decide(self.service, place, "right").json()
        return {
            "call_id": call_id, "call": call_id, "agent_id": f"{team}-agent", "team": team,
            "decision_id": decision["id"],
        }  # fmt: skip

    def judge(self, team: str) -> None:
        """Review a recorded call of a team, and decide about its hit."""
        review = self.reviewed(f"{team}.jsonl", recorded(team, f"{team}-said 我不知道"))
        hit = self.service.http("GET", f"/v1/reviews/{review}/hits").json()["hits"][0]
        place = {"review": review, "call": hit["call_id"], "turn": hit["turn"], "rule": hit["rule"]}
        judged = decide(self.service, {**place, "start": hit["start"], "end": hit["end"]}, "wrong").json()
        self.of[team] |= {"review_id": review, "review": review, "judged_id": judged["id"]}

    def reviewed(self, name: str, *lines: str) -> str:
        """Review recorded calls; return the id."""
        return finished(self.service, {name: "".join(lines)})["id"]

    def token(self, *teams: str) -> str:
        """Mint a supervisor's token."""
        return self.service.service.tokens.mint(role="supervisor", subject="s-1", teams=teams, ttl_s=60)[0]

    def ask(self, method: str, path: str, *teams: str, **options):
        """Ask as a supervisor of some teams."""
        return self.service.http(method, path, key=self.token(*teams), **options)


def recorded(team: str, text: str) -> str:
    """A recorded call as a line of JSON."""
    turns = [{"speaker": "agent", "text": text, "start_ms": 0, "end_ms": 900}]
    call = {"id": f"recorded-of-{team}", "agent_id": f"{team}-agent", "team": team, "turns": turns}
    return json.dumps(call, ensure_ascii=False) + "\n"


@pytest.mark.databases
def test_a_list_of_calls_has_those_of_the_teams(two_teams):
    """Of one, of both, of none; a key of a supervisor sees all of the tenant."""

    def listed(answer):
        return {call["call_id"] for call in answer.json()["calls"]}

    north, south = {"call-of-north"}, {"call-of-south"}
    assert listed(two_teams.ask("GET", "/v1/calls", "north")) == north
    assert listed(two_teams.ask("GET", "/v1/calls?agent_id=south-agent", "north")) == set()
    assert listed(two_teams.ask("GET", "/v1/calls", "north", "south")) == north | south
    assert listed(two_teams.ask("GET", "/v1/calls")) == set()
    key = two_teams.service.new_key(role="supervisor")
    assert listed(two_teams.service.http("GET", "/v1/calls", key=key)) == north | south


def test_pages_of_calls_are_full_though_others_lie_between(two_teams):
    """The page is cut after the teams are chosen; `next` leads on."""
    first = two_teams.ask("GET", "/v1/calls?limit=1", "north").json()
    assert ([call["call_id"] for call in first["calls"]], first["next"]) == (["call-of-north"], None)


def test_a_call_of_another_team_or_of_none_is_answered_as_unknown(two_teams, clients, wire):
    """The same bytes as for an id that nobody has."""
    producer = clients.producer(two_teams.service)
    producer.send(wire.started("no-team"))
    producer.acked("no-team", 1)
    nobodys = two_teams.ask("GET", "/v1/calls/nobodys", "north")
    assert nobodys.status_code == 404
    for call_id in ("call-of-south", "no-team"):
        answer = two_teams.ask("GET", f"/v1/calls/{call_id}", "north")
        assert (answer.status_code, answer.content) == (404, nobodys.content)
    assert two_teams.ask("GET", "/v1/calls/call-of-north", "north").json()["team"] == "north"


@pytest.mark.databases
def test_decisions_are_those_about_calls_of_the_teams(reviewed):
    """Live and recorded; another team's cannot be appealed against."""
    north, south = reviewed.of["north"], reviewed.of["south"]
    listed = reviewed.ask("GET", "/v1/decisions", "north").json()["decisions"]
    assert {each["id"] for each in listed} == {north["decision_id"], north["judged_id"]}
    # What was judged wrong there is nothing to appeal against.
    for decision_id, status in (
        (north["decision_id"], 200),
        (north["judged_id"], 409),
        (south["decision_id"], 404),
        (south["judged_id"], 404),
    ):
        path = f"/v1/decisions/{decision_id}/appeal"
        assert reviewed.ask("POST", path, "north", json={"text": "不对"}).status_code == status


def test_a_review_is_seen_by_who_may_see_all_of_its_calls(reviewed):
    """Of two teams it takes both; what has calls of no team, or that could not be read, is for nobody's team."""
    lines = {team: recorded(team, "我不知道") for team in ("north", "south")}
    mixed = reviewed.reviewed("mixed.jsonl", *lines.values())
    nobodys = reviewed.reviewed("nobodys.jsonl", lines["north"], recorded("", "我不知道"))
    broken = reviewed.reviewed("broken.jsonl", lines["north"], '{"id": broken\n')

    def listed(*teams):
        told = reviewed.ask("GET", "/v1/reviews", *teams).json()["reviews"]
        return {each["id"] for each in told}

    north, south = reviewed.of["north"]["review"], reviewed.of["south"]["review"]
    assert listed("north") == {north}
    assert listed("north", "south") == {north, south, mixed}
    assert listed() == set()
    everybody = {each["id"] for each in reviewed.service.http("GET", "/v1/reviews").json()["reviews"]}
    assert everybody == {north, south, mixed, nobodys, broken}


@pytest.mark.databases
def test_the_health_of_rules_counts_what_the_teams_have(reviewed):
    """Hits live and recorded, decisions: one of each team's."""

    def counted(*teams):
        rules = reviewed.ask("GET", "/v1/rules/health", *teams).json()["rules"]
        (rule,) = [each for each in rules if each["rule"] == RULE]
        return rule["live"], rule["reviewed"], rule["confirmed"], rule["false"]

    assert counted("north") == (1, 1, 1, 1)
    assert counted("north", "south") == (2, 2, 2, 2)
    assert counted() == (0, 0, 0, 0)


def test_a_draft_is_tried_over_calls_of_the_teams(two_teams):
    """The playground quotes what it finds."""
    body = {"yaml": DRAFT}
    found = two_teams.ask("POST", "/v1/playground/effect", "north", json=body).json()
    assert (found["usable"], found["source"], found["calls"]) == (True, "stored", 1)
    assert [row["call_id"] for row in found["appeared"]["rows"]] == ["call-of-north"]


def test_nothing_that_a_supervisor_may_ask_tells_of_another_team(reviewed):
    """Every route of the table, with the ids of team south: the answers are those for ids that nobody has."""
    world = object.__new__(World)
    world.service, world.a = reviewed.service, reviewed.token("north")
    south = reviewed.of["south"]
    nobodys = {name: value[:-1] + ("0" if value[-1] != "0" else "1") for name, value in south.items()}
    leaks, differences = [], []
    with httpx.Client(base_url=reviewed.service.url, trust_env=False, verify=False, timeout=10) as world.http:
        asked = [each for each in world.operations("GET", "POST") if TABLE[each[:2]]["supervisor"] != "no"]
        assert len(asked) > 15
        for method, path, operation in asked:
            theirs, others = (world.ask(method, path, operation, ids) for ids in (south, nobodys))
            sent = str(theirs.request.url) + theirs.request.content.decode()
            known = (*SECRETS, *south.values())
            leaks += [(path, told) for told in known if told in theirs.text and told not in sent]
            one, other = (
                (theirs.status_code, neutral(theirs, south)),
                (others.status_code, neutral(others, nobodys)),
            )
            if one != other:
                differences.append((method, path, one, other))
    assert (leaks, differences) == ([], [])


@pytest.mark.parametrize("team", ["south", "north"])
def test_the_progress_of_a_review_is_for_those_who_may_see_it(reviewed, clients, team):
    """Another team's socket is closed with 4403 and told nothing."""
    path = f"/v1/reviews/{reviewed.of['south']['review']}/progress"
    headers = {"Authorization": f"Bearer {reviewed.token(team)}"}
    socket = clients.socket(reviewed.service.url + path, additional_headers=headers)
    assert socket.next()["type"] == "ready"
    if team == "south":
        assert socket.next()["state"] == "finished"
    else:
        assert socket.close_code() == 4403


@pytest.mark.parametrize(
    ("principal", "sight"),
    [
        (Principal("supervisor", teams=("a", "b")), Sight(teams=("a", "b"))),
        (Principal("supervisor"), Sight(teams=())),
        (Principal("supervisor", by_key=True), Sight()),
        (Principal("admin", teams=("a",)), Sight()),
        (Principal("reviewer", teams=("a",)), Sight()),
        (Principal("agent", "a1"), Sight(agent_id="a1")),
    ],
)
def test_who_sees_what(principal, sight):
    """The one rule, by role and by whether it is a key or a token."""
    assert principal.sight == sight
