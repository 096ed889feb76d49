"""The agent's stream against a real service."""

from __future__ import annotations

import pytest


def dont_know(clients, service, wire, *, call_id="c1"):
    """Start a call with one card; return the producer."""
    producer = clients.producer(service)
    producer.send(wire.started(call_id), wire.said("我不知道", seq=2, call_id=call_id))
    producer.acked(call_id, 2)
    return producer


def test_the_snapshot_holds_the_running_call(running, clients, wire):
    """A sidebar that joins late sees transcript, cards and start of the call."""
    service = running()
    dont_know(clients, service, wire)
    snapshot = clients.sidebar(service).next()
    call = snapshot["call"]
    assert (snapshot["type"], snapshot["agent_id"], call["call_id"]) == ("snapshot", "a1", "c1")
    assert call["transcript"][0]["segments"][0]["advice_id"] == call["advice"][0]["id"]
    assert (call["resolved"], call["snoozed"], call["blind"]) == ([], [], [])
    assert call["started_at"].endswith("Z")


def test_a_sidebar_resumes_after_the_last_offset(running, clients, wire):
    """With `after` a sidebar gets just what it missed, once, and then what is new."""
    service = running()
    producer = dont_know(clients, service, wire)
    first = clients.sidebar(service)
    offset = first.next()["offset"]
    first.close()
    producer.send(wire.said("好的", seq=3), wire.said("稍等", seq=4))
    producer.acked("c1", 4)
    second = clients.sidebar(service, after=offset)
    assert [second.next()["utterance_id"] for _ in range(2)] == ["u3", "u4"]
    producer.send(wire.said("再见", seq=5))
    assert second.next()["utterance_id"] == "u5"


@pytest.mark.parametrize("after", ["", "nonsense", "0000-1", "k3f9-²", "k3f9-99999999999999999999"])
def test_an_unknown_offset_leads_to_a_snapshot(running, clients, wire, after):
    """An offset of another epoch, or none at all, is answered with the whole state."""
    service = running()
    dont_know(clients, service, wire)
    assert clients.sidebar(service, after=after).next()["type"] == "snapshot"


def test_an_offset_from_the_future_leads_to_a_snapshot(running, clients, wire):
    """A number this epoch has not reached is not believed."""
    service = running()
    dont_know(clients, service, wire)
    sidebar = clients.sidebar(service)
    epoch = sidebar.next()["offset"].split("-")[0]
    assert clients.sidebar(service, after=f"{epoch}-999").next()["type"] == "snapshot"


def test_an_offset_too_old_leads_to_a_snapshot(running, clients, wire):
    """When more was missed than is kept, the state is sent instead."""
    service = running(resume_events=2)
    sidebar = clients.sidebar(service)
    offset = sidebar.next()["offset"]
    dont_know(clients, service, wire)
    assert clients.sidebar(service, after=offset).next()["type"] == "snapshot"


def test_offsets_rise_by_one_on_a_stream(running, clients, wire):
    """Every event has an offset, in order, and no event comes twice."""
    service = running()
    sidebar = clients.sidebar(service)
    at = int(sidebar.next()["offset"].split("-")[1])
    producer = dont_know(clients, service, wire)
    producer.send(wire.ended(seq=3))
    kinds = []
    while "call.ended" not in kinds:
        message = sidebar.next()
        kinds.append(message["type"])
        at += 1
        assert int(message["offset"].split("-")[1]) == at
    told = [kind for kind in kinds if kind not in {"moment", "stage", "must_say"}]
    assert told == ["call.started", "transcript", "advice", "call.ended"]


def test_a_card_is_withdrawn_when_the_recogniser_takes_the_words_back(running, clients, wire):
    """The same id that was shown is withdrawn, and nothing of it stays on disk."""
    service = running()
    sidebar, producer = clients.sidebar(service), clients.producer(service)
    producer.send(wire.started())
    producer.send(wire.said("我不知道这个事情怎么办", seq=2, utterance_id="u", final=False))
    advice = sidebar.until("advice")
    producer.send(wire.said("我知道这个事情怎么办", seq=3, utterance_id="u", revision=2))
    assert sidebar.until("advice.withdrawn")["id"] == advice["id"]
    producer.acked("c1", 3)
    assert service.http("GET", "/v1/calls/c1").json()["advice"] == []


def test_feedback_is_noted_once_it_is_stored(running, clients, wire):
    """Verdict, use and dismissal are stored with the advice; the last verdict counts."""
    service = running()
    dont_know(clients, service, wire)
    sidebar = clients.sidebar(service)
    advice = sidebar.next()["call"]["advice"][0]["id"]
    for message in (
        {"type": "feedback", "advice_id": advice, "verdict": "false-alarm"},
        {"type": "feedback", "advice_id": advice, "verdict": "useful"},
        {"type": "used", "advice_id": advice, "phrase": "ignorance/check-now"},
        {"type": "dismiss", "advice_id": advice},
    ):
        sidebar.send(message)
        assert sidebar.next() == {"type": "noted", "advice_id": advice}
    stored = service.http("GET", "/v1/calls/c1").json()["advice"][0]
    assert stored["feedback"] == {"verdict": "useful", "used": "ignorance/check-now", "dismissed": ""}


def test_feedback_on_an_ended_call_is_stored(running, clients, wire):
    """A verdict given after the call, when it has left memory, still finds its advice."""
    service = running()
    producer = dont_know(clients, service, wire)
    sidebar = clients.sidebar(service)
    advice = sidebar.next()["call"]["advice"][0]["id"]
    producer.send(wire.ended(seq=3))
    producer.acked("c1", 3)
    service.within(service.tenant.calls.tick)
    sidebar.until("call.ended")
    sidebar.send({"type": "feedback", "advice_id": advice, "verdict": "useful"})
    assert sidebar.next() == {"type": "noted", "advice_id": advice}


def test_feedback_on_another_agents_advice_is_refused(running, clients, wire):
    """Who was not given the advice cannot judge it, and is not told that it exists."""
    service = running()
    dont_know(clients, service, wire)
    advice = clients.sidebar(service).next()["call"]["advice"][0]["id"]
    stranger = clients.sidebar(service, "a2")
    stranger.next()
    stranger.send({"type": "feedback", "advice_id": advice, "verdict": "useful"})
    error = stranger.next()
    assert (error["code"], error["field"]) == ("invalid_field", "advice_id")


def test_a_snoozed_rule_is_quiet_for_the_rest_of_the_call(running, clients, wire):
    """After a snooze the phrase gives no card; the snapshot says so."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started())
    sidebar.until("call.started")
    sidebar.send({"type": "snooze", "call_id": "c1", "rule": "ignorance/bare-dont-know"})
    assert sidebar.next() == {"type": "noted", "rule": "ignorance/bare-dont-know"}
    producer.send(wire.said("我不知道", seq=2))
    producer.acked("c1", 1)
    producer.acked("c1", 2)
    call = clients.sidebar(service).next()["call"]
    assert (call["advice"], call["snoozed"]) == ([], ["ignorance/bare-dont-know"])


def test_another_agents_call_cannot_be_snoozed(running, clients, wire):
    """A snooze reaches the agent's own running calls only."""
    service = running()
    dont_know(clients, service, wire)
    stranger = clients.sidebar(service, "a2")
    stranger.next()
    stranger.send({"type": "snooze", "call_id": "c1", "rule": "ignorance/bare-dont-know"})
    assert stranger.next()["code"] == "unknown_call"


def test_ping_is_answered_and_wrong_messages_are_explained(running, clients):
    """The sidebar's connection survives wrong messages too."""
    sidebar = clients.sidebar(running())
    sidebar.next()
    for message, code, field in (
        ("{", "invalid_json", None),
        ({"type": "pong"}, "unknown_type", "type"),
        ({"type": "feedback", "advice_id": "x", "verdict": "bad"}, "invalid_field", "verdict"),
        ({"type": "feedback", "advice_id": "x", "verdict": "useful"}, "invalid_field", "advice_id"),
        ({"type": "snooze", "call_id": "c1", "rule": "a/b"}, "unknown_call", "call_id"),
    ):
        sidebar.send(message)
        error = sidebar.next()
        assert (error["type"], error["code"], error["field"]) == ("error", code, field)
    sidebar.send({"type": "ping"})
    assert sidebar.next() == {"type": "pong"}


def test_silence_makes_the_sidebar_blind_and_words_end_it(running, clients, wire):
    """Without a transcript for a while the sidebar is told; the next words end it."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0])
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    now[0] += 16
    service.within(service.tenant.calls.tick)
    assert sidebar.until("blind", active=True)["reason"] == "no-transcript"
    producer.send(wire.said("您好", seq=2, at=16_000))
    assert sidebar.until("blind", active=False)["reason"] == "no-transcript"


def test_an_idle_call_leaves_memory_and_comes_back_with_its_next_event(running, clients, wire):
    """After the idle time the call is gone from memory and snapshot, and is rebuilt when it goes on."""
    now = [1_000_000.0]
    service = running(clock=lambda: now[0], call_idle_s=60)
    producer = dont_know(clients, service, wire)
    now[0] += 61
    service.within(service.tenant.calls.tick)
    assert service.http("GET", "/healthz").json()["calls"] == 0
    sidebar = clients.sidebar(service)
    assert sidebar.next()["call"] is None
    producer.send(wire.said("好的", seq=3))
    producer.acked("c1", 3)
    call = sidebar.until("snapshot")["call"]
    assert "我不知道" in call["transcript"][0]["segments"][0]["text"]


def test_two_sidebars_of_one_agent_see_the_same(running, clients, wire):
    """Every connection of an agent gets every event, with the same offset."""
    service = running()
    sidebars = [clients.sidebar(service) for _ in range(2)]
    dont_know(clients, service, wire)
    one, two = (sidebar.until("advice") for sidebar in sidebars)
    assert one == two


def test_markup_in_an_utterance_stays_text(running, clients, wire):
    """Nothing is escaped or dropped on the way; the page renders text nodes."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    text = "<img src=x onerror=alert(1)>😀我不知道"
    producer.send(wire.started(), wire.said(text, seq=2))
    segments = sidebar.until("transcript")["segments"]
    assert [each["text"] for each in segments] == ["<img src=x onerror=alert(1)>😀", "我不知道"]
