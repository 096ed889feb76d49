"""A team's stream against a real service: who may listen, what is shown, watching, whispering."""

from __future__ import annotations

import pytest

TEAM = "t1"


def supervisor(clients, service, *, team=TEAM, after=None, ready=True, token=None):
    """Open a team's stream, with the API key unless told otherwise."""
    socket = clients.socket(f"{service.url}/v1/teams/{team}/stream")
    hello = {"type": "hello", "token": token or service.key}
    socket.send(hello if after is None else {**hello, "after": after})
    if ready:
        assert socket.next() == {"type": "ready", "role": "supervisor"}
    return socket


def call_of_team(clients, service, wire, *, call_id="c1", team=TEAM, agent_id="a1", text="我不知道"):
    """Start a call of a team with one card; return the producer."""
    producer = clients.producer(service)
    producer.send(
        wire.started(call_id, agent_id=agent_id, team=team, agent_name="小林"),
        wire.said(text, seq=2, call_id=call_id),
    )
    producer.acked(call_id, 2)
    return producer


def test_a_supervisor_starts_from_the_calls_of_his_team(running, clients, wire):
    """With their cards, risk and alerts; another team's call is not among them."""
    service = running()
    call_of_team(clients, service, wire)
    call_of_team(clients, service, wire, call_id="c2", team="t2", agent_id="a2")
    message = supervisor(clients, service).until("team.calls")
    (call,) = message["calls"]
    assert (call["call_id"], call["agent_id"], call["agent_name"]) == ("c1", "a1", "小林")
    assert call["counts"] == {"notice": 0, "warning": 1, "violation": 0}
    assert call["last_card"]["quote"] == "我不知道"
    assert (call["mood"], call["risk"], call["escalated"]) == ("calm", {"score": 0, "reasons": []}, False)
    assert [(alert["call_id"], alert["severity"]) for alert in message["alerts"]] == [("c1", "warning")]


def test_a_call_and_its_alerts_are_told_as_they_happen(running, clients, wire):
    """The alert at once, the call soon after, its end last."""
    service = running()
    socket = supervisor(clients, service)
    producer = call_of_team(clients, service, wire)
    alert = socket.until("alert")
    assert (alert["rule"], alert["quote"], alert["escalated"]) == (
        "ignorance/bare-dont-know",
        "我不知道",
        False,
    )
    assert socket.until("team.call", call_id="c1")["counts"]["warning"] == 1
    producer.send(wire.ended(seq=3))
    assert socket.until("team.call_gone")["reason"] == "ended"


def test_three_unheeded_cards_escalate_the_call(running, clients, wire):
    """The fault again and again: the alert comes again, escalated, with a reason in words."""
    service = running()
    socket = supervisor(clients, service)
    producer = call_of_team(clients, service, wire)
    for seq in range(3, 6):
        producer.send(wire.said("我不知道", seq=seq, at=30_000 * seq))
    assert socket.until("alert", escalated=True)["call_id"] == "c1"
    call = socket.until("team.call", escalated=True)
    assert (call["unheeded"], call["risk"]["reasons"][0]["words"]) == (3, "3 条提醒未采纳")


def test_words_to_a_supervisor_are_masked(running, clients, wire):
    """A number in the quote of an alert, and in a watched transcript."""
    service = running()
    call_of_team(clients, service, wire, text="13912345678这个号码我不知道")
    socket = supervisor(clients, service)
    socket.until("team.calls")
    socket.send({"type": "watch", "call_id": "c1"})
    event = socket.until("watched")["event"]
    words = "".join(segment["text"] for segment in event["call"]["transcript"][0]["segments"])
    assert "12345678" not in words
    assert words.endswith("这个号码我不知道")


def test_a_watched_call_begins_with_a_snapshot_and_goes_on_with_what_is_said(running, clients, wire):
    """Partial words too, as the agent's own sidebar gets them; after unwatch no more."""
    service = running()
    producer = call_of_team(clients, service, wire)
    socket = supervisor(clients, service)
    socket.send({"type": "watch", "call_id": "c1"})
    first = socket.until("watched")
    assert (first["call_id"], first["event"]["type"]) == ("c1", "snapshot")
    assert first["event"]["call"]["advice"][0]["quote"] == "我不知道"
    producer.send(wire.said("请您", seq=3, final=False))
    event = socket.until("watched")["event"]
    assert (event["type"], event["utterance_id"], event["final"]) == ("transcript", "u3", False)
    socket.send({"type": "unwatch", "call_id": "c1"})
    socket.until("noted", call_id="c1")
    producer.send(wire.said("请您稍等", seq=4, utterance_id="u3", revision=2), wire.ended(seq=5))
    while (message := socket.next())["type"] != "team.call_gone":
        assert message["type"] != "watched"


def test_a_call_that_is_not_the_agents_latest_can_be_watched_too(running, clients, wire):
    """The sidebar shows the latest; the supervisor the one he asked for."""
    service = running()
    call_of_team(clients, service, wire)
    call_of_team(clients, service, wire, call_id="c2")
    socket = supervisor(clients, service)
    socket.send({"type": "watch", "call_id": "c1"})
    assert socket.until("watched")["event"]["call"]["call_id"] == "c1"


@pytest.mark.parametrize("message", [{"type": "watch"}, {"type": "whisper", "id": "w1", "text": "请先致歉"}])
@pytest.mark.parametrize("call_id", ["c2", "c3", "none"])
def test_calls_of_other_teams_cannot_be_watched_or_whispered_to(running, clients, wire, message, call_id):
    """Nor those that have no team or do not exist; all are answered alike."""
    service = running()
    call_of_team(clients, service, wire)
    call_of_team(clients, service, wire, call_id="c2", team="t2", agent_id="a2")
    call_of_team(clients, service, wire, call_id="c3", team=None, agent_id="a3")
    sidebar = clients.sidebar(service, "a2")
    socket = supervisor(clients, service)
    socket.send({**message, "call_id": call_id})
    error = socket.until("error")
    assert (error["code"], error["message"]) == ("unknown_call", "本班组没有这通正在进行的电话")
    sidebar.send({"type": "ping"})
    assert sidebar.until("pong")


@pytest.mark.databases
def test_a_whisper_reaches_the_agent_and_its_reading_the_supervisor(running, clients, wire):
    """Stored with who sent it and when it was read."""
    service = running()
    call_of_team(clients, service, wire)
    sidebar = clients.sidebar(service)
    socket = supervisor(clients, service)
    socket.send({"type": "whisper", "call_id": "c1", "id": "w1", "text": " 先道歉，再查订单 "})
    socket.until("noted", call_id="c1", id="w1")
    whisper = sidebar.until("whisper")
    assert (whisper["call_id"], whisper["id"], whisper["text"]) == ("c1", "w1", "先道歉，再查订单")
    sidebar.send({"type": "whisper.read", "call_id": "c1", "id": "w1"})
    sidebar.until("noted", id="w1")
    read = socket.until("whisper.read")
    assert (read["call_id"], read["id"]) == ("c1", "w1")
    (kept,) = service.http("GET", "/v1/calls/c1").json()["whispers"]
    assert (kept["text"], kept["sender"], kept["read_at"]) == (
        "先道歉，再查订单",
        whisper["sender"],
        read["at"],
    )


def test_a_sidebar_that_joins_later_is_shown_what_was_not_read(running, clients, wire):
    """And not what was."""
    service = running()
    call_of_team(clients, service, wire)
    socket = supervisor(clients, service)
    for name in ("w1", "w2"):
        socket.send({"type": "whisper", "call_id": "c1", "id": name, "text": "请先致歉"})
        socket.until("noted", id=name)
    first = clients.sidebar(service)
    first.send({"type": "whisper.read", "call_id": "c1", "id": "w1"})
    first.until("noted", id="w1")
    assert [each["id"] for each in clients.sidebar(service).next()["call"]["whispers"]] == ["w2"]


def test_a_whisper_sent_again_is_told_once(running, clients, wire):
    """After a lost answer the supervisor's page sends it again; another text under its id is a mistake."""
    service = running()
    call_of_team(clients, service, wire)
    sidebar = clients.sidebar(service)
    socket = supervisor(clients, service)
    whisper = {"type": "whisper", "call_id": "c1", "id": "w1", "text": "请先致歉"}
    for _ in range(2):
        socket.send(whisper)
        socket.until("noted", id="w1")
    socket.send({**whisper, "text": "别的话"})
    assert socket.until("error")["code"] == "conflict"
    sidebar.until("whisper")
    sidebar.send({"type": "ping"})
    assert sidebar.next()["type"] == "pong"


@pytest.mark.databases
def test_six_whispers_a_minute_and_the_seventh_is_refused(running, clients, wire):
    """By the service's clock; a minute later there is room again."""
    now = [1_800_000_000.0]
    service = running(clock=lambda: now[0])
    call_of_team(clients, service, wire)
    socket = supervisor(clients, service)
    for number in range(6):
        socket.send({"type": "whisper", "call_id": "c1", "id": f"w{number}", "text": "请先致歉"})
        socket.until("noted", id=f"w{number}")
    socket.send({"type": "whisper", "call_id": "c1", "id": "w6", "text": "请先致歉"})
    error = socket.until("error")
    assert (error["code"], error["message"]) == ("busy", "每通电话每分钟最多 6 条提醒，请稍后再发")
    now[0] += 60
    socket.send({"type": "whisper", "call_id": "c1", "id": "w7", "text": "请先致歉"})
    socket.until("noted", id="w7")


@pytest.mark.parametrize(
    ("text", "code"), [("", "invalid_field"), ("   ", "invalid_field"), ("长" * 61, "too_large")]
)
def test_a_whisper_without_words_or_too_long_is_explained(running, clients, wire, text, code):
    """What came and what was expected."""
    service = running()
    call_of_team(clients, service, wire)
    socket = supervisor(clients, service)
    socket.send({"type": "whisper", "call_id": "c1", "id": "w1", "text": text})
    error = socket.until("error")
    assert (error["code"], error["field"]) == (code, "text")
    assert "1 到 60 个字符" in error["message"]


def test_another_agent_cannot_read_a_whisper(running, clients, wire):
    """He is told that there is none."""
    service = running()
    call_of_team(clients, service, wire)
    socket = supervisor(clients, service)
    socket.send({"type": "whisper", "call_id": "c1", "id": "w1", "text": "请先致歉"})
    socket.until("noted", id="w1")
    other = clients.sidebar(service, "a2")
    other.send({"type": "whisper.read", "call_id": "c1", "id": "w1"})
    assert other.until("error")["code"] == "invalid_field"
    (kept,) = service.http("GET", "/v1/calls/c1").json()["whispers"]
    assert kept["read_at"] is None


def test_a_fifth_call_cannot_be_watched_at_once(running, clients, wire):
    """Nobody follows five; the answer says what to do."""
    service = running()
    for number in range(5):
        call_of_team(clients, service, wire, call_id=f"c{number}", agent_id=f"a{number}")
    socket = supervisor(clients, service)
    for number in range(5):
        socket.send({"type": "watch", "call_id": f"c{number}"})
    assert "unwatch" in socket.until("error")["message"]


@pytest.mark.databases
def test_the_rates_of_the_day_count_the_team_alone(running, clients, wire):
    """Calls, agent utterances, alerts, adoption and false alarms, from the store."""
    service = running()
    producer = call_of_team(clients, service, wire)
    producer.send(wire.said("我马上帮您查一下，请您稍等", seq=3), wire.said("明天应该会到", seq=4))
    producer.acked("c1", 4)
    call_of_team(clients, service, wire, call_id="c2", team="t2", agent_id="a2")
    sidebar = clients.sidebar(service)
    card = next(each for each in sidebar.next()["call"]["advice"] if each["rule"] == "hedging/should-be")
    sidebar.send({"type": "feedback", "advice_id": card["id"], "verdict": "false-alarm"})
    sidebar.until("noted")
    rates = supervisor(clients, service).until("rates")
    assert {name: rates[name] for name in ("calls", "agent_utterances", "alerts", "cards", "adopted")} == {
        "calls": 1,
        "agent_utterances": 3,
        "alerts": 2,
        "cards": 2,
        "adopted": 1,
    }
    assert (rates["alerts_per_100"], rates["adoption"], rates["false_alarms"]) == (66.7, 50.0, 1)


def test_a_running_call_stands_as_before_after_a_restart(running, clients, wire, settings_for, ruleset):
    """Team, name and counts are on disk; nobody is told an alert again."""
    service = running()
    call_of_team(clients, service, wire)
    before = supervisor(clients, service).until("team.calls")
    service.stop()
    again = running()
    after = supervisor(clients, again).until("team.calls")
    assert (after["calls"], after["alerts"]) == (before["calls"], before["alerts"])


@pytest.mark.parametrize("team", ["", "a b", "x" * 129, 7])
def test_a_team_that_is_no_name_is_refused(running, clients, wire, team):
    """With what was expected."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(team=team))
    error = producer.until("error")
    assert (error["code"], error["field"]) == ("invalid_field", "team")


def test_a_supervisor_listens_to_his_own_teams_only(running, clients, wire):
    """4403 for another, as for another agent's stream; what he whispers bears his name."""
    service = running()
    call_of_team(clients, service, wire)
    mine = service.service.tokens.mint(role="supervisor", subject="班长-3", teams=(TEAM,), ttl_s=60)[0]
    socket = supervisor(clients, service, token=mine)
    socket.send({"type": "whisper", "call_id": "c1", "id": "w1", "text": "请先致歉"})
    socket.until("noted", id="w1")
    (kept,) = service.http("GET", "/v1/calls/c1").json()["whispers"]
    assert kept["sender"] == "班长-3"
    assert supervisor(clients, service, team="t2", token=mine, ready=False).close_code() == 4403


@pytest.mark.parametrize("role", ["agent", "producer", "reviewer"])
def test_other_roles_open_no_teams_stream(running, clients, role):
    """4403."""
    service = running()
    token = service.service.tokens.mint(role=role, subject="a1", ttl_s=60)[0]
    assert supervisor(clients, service, token=token, ready=False).close_code() == 4403
