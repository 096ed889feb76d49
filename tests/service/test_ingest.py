"""The producer's socket against a real service."""

from __future__ import annotations

import asyncio
import json

import pytest

from coach.service.auth import Principal
from coach.service.ingest import take_batch


def test_a_bare_dont_know_becomes_a_card(running, clients, wire):
    """A final with a forbidden phrase reaches the sidebar as marked transcript and advice."""
    service = running()
    sidebar, producer = clients.sidebar(service), clients.producer(service)
    assert sidebar.next()["call"] is None
    producer.send(wire.started(), wire.said("这个我不知道", seq=2))
    assert sidebar.until("call.started")["call_id"] == "c1"
    transcript = sidebar.until("transcript", final=True)
    assert "".join(each["text"] for each in transcript["segments"]) == "这个我不知道"
    assert transcript["segments"][1]["text"] == "我不知道"
    advice = sidebar.until("advice")
    assert advice["id"] == transcript["segments"][1]["advice_id"]
    assert advice["suggestions"] == [{"phrase": "ignorance/check-now", "text": "我马上帮您查一下，请您稍等"}]


def test_a_final_is_acked(running, clients, wire):
    """Started, final and ended events are acked, each once it is stored."""
    producer = clients.producer(running())
    producer.send(wire.started())
    producer.acked("c1", 1)
    producer.send(wire.said("您好", seq=2))
    producer.acked("c1", 2)
    producer.send(wire.ended(seq=3))
    producer.acked("c1", 3)


def test_a_partial_is_covered_by_the_next_ack(running, clients, wire):
    """A partial has no ack of its own."""
    producer = clients.producer(running())
    producer.send(wire.started())
    producer.acked("c1", 1)
    producer.send(wire.said("您", seq=2, utterance_id="u", final=False))
    producer.send(wire.said("您好", seq=3, utterance_id="u", revision=2))
    assert producer.next() == {"type": "ack", "call_id": "c1", "seq": 3}


def test_many_calls_on_one_connection(running, clients, wire):
    """Calls on one connection are acked apart."""
    producer = clients.producer(running())
    producer.send(wire.started("c1"), wire.started("c2", agent_id="a2"), wire.said("好", seq=2, call_id="c2"))
    seen = {}
    while seen != {"c1": 1, "c2": 2}:
        ack = producer.next()
        seen[ack["call_id"]] = ack["seq"]


def test_resent_events_change_nothing_and_are_acked_again(running, clients, wire):
    """A whole call sent twice, on another connection, leads to the same transcript and one card."""
    service = running()
    events = [wire.started(), wire.said("我不知道", seq=2), wire.said("好的", seq=3)]
    first = clients.producer(service)
    first.send(*events)
    first.acked("c1", 3)
    first.close()
    sidebar, second = clients.sidebar(service), clients.producer(service)
    second.send(*events)
    second.acked("c1", 3)
    second.send(wire.said("再见", seq=4))
    assert len(sidebar.next()["call"]["advice"]) == 1
    assert sidebar.next()["segments"] == [{"text": "再见"}]


def test_an_early_event_waits_for_the_gap_to_fill(running, clients, wire):
    """Events ahead of their turn are held, the gap is named once, and all is acked when it is filled."""
    producer = clients.producer(running())
    producer.send(wire.started())
    producer.acked("c1", 1)
    producer.send(wire.said("三", seq=3), wire.said("四", seq=4))
    error = producer.next()
    assert (error["code"], error["expected"], error["field"]) == ("gap", 2, "seq")
    producer.send(wire.said("二", seq=2))
    producer.acked("c1", 4)


def test_an_event_too_far_ahead_is_asked_for_again(running, clients, wire):
    """Sixty-four events are held; the next is answered with the seq to resend from, every time."""
    producer = clients.producer(running())
    producer.send(wire.started())
    producer.acked("c1", 1)
    producer.send(*(wire.said("早", seq=seq) for seq in range(3, 67)))
    assert producer.next()["expected"] == 2
    for _ in range(2):
        producer.send(wire.said("更早", seq=67))
        assert producer.next()["expected"] == 2
    producer.send(wire.said("补", seq=2), wire.said("更早", seq=67))
    producer.acked("c1", 67)


REFUSED = [
    ("not json", "invalid_json", None),
    (b"\xff\xfe\x00", "invalid_json", None),
    ("[1, 2]", "invalid_json", None),
    ({}, "unknown_type", "type"),
    ({"type": "call.paused"}, "unknown_type", "type"),
    ({"type": "call.started", "call_id": "x", "seq": 1}, "invalid_field", "agent_id"),
    ({"type": "call.started", "call_id": "x", "seq": "two", "agent_id": "a"}, "invalid_field", "seq"),
    ({"type": "call.started", "call_id": "x", "seq": 0, "agent_id": "a"}, "invalid_field", "seq"),
    ({"type": "call.started", "call_id": "x", "seq": True, "agent_id": "a"}, "invalid_field", "seq"),
    ({"type": "call.started", "call_id": "x", "seq": 2, "agent_id": "a"}, "invalid_field", "seq"),
    ({"type": "call.started", "call_id": "x", "seq": 1, "agentid": "a"}, "invalid_field", "agentid"),
    ({"type": "call.started", "call_id": "a b", "seq": 1, "agent_id": "a"}, "invalid_field", "call_id"),
    (
        {"type": "call.started", "call_id": "x", "seq": 1, "agent_id": "a", "slots": {"org": "长" * 41}},
        "invalid_field",
        "slots.org",
    ),
    ({"type": "call.ended", "call_id": "nobody", "seq": 9, "at_ms": 1}, "unknown_call", "call_id"),
    ({"type": "call.ended", "call_id": "x", "seq": 9, "at_ms": -1}, "invalid_field", "at_ms"),
    ("x" * 70_000, "too_large", None),
]


@pytest.mark.parametrize(("frame", "code", "field"), REFUSED)
def test_a_wrong_frame_is_answered_and_the_connection_kept(running, clients, wire, frame, code, field):
    """Every wrong frame is answered with its code and field, in Chinese, and the next good one still works."""
    producer = clients.producer(running())
    producer.send(frame)
    error = producer.next()
    assert (error["type"], error["code"], error["field"]) == ("error", code, field)
    assert any("\u4e00" <= character <= "\u9fff" for character in error["message"])
    producer.send(wire.started())
    producer.acked("c1", 1)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"text": "长" * 2001}, "too_large", "text"),
        ({"text": None}, "invalid_field", "text"),
        ({"speaker": "boss"}, "invalid_field", "speaker"),
        ({"final": "yes"}, "invalid_field", "final"),
        ({"revision": -1}, "invalid_field", "revision"),
        ({"start_ms": 1.5}, "invalid_field", "start_ms"),
        ({"start_ms": 99, "end_ms": 98}, "invalid_field", "end_ms"),
    ],
)
def test_a_refused_utterance_names_its_field_and_the_call_goes_on(
    running, clients, wire, change, code, field
):
    """A refused event takes up its place: the one after it is no gap, and the sidebar learns that words are missing."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    producer.send({**wire.said("好", seq=2), **change})
    error = producer.next()
    assert (error["code"], error["field"], error["call_id"], error["seq"]) == (code, field, "c1", 2)
    assert sidebar.until("blind")["reason"] == "rejected-frames"
    producer.send(wire.said("好", seq=3))
    producer.acked("c1", 3)
    assert sidebar.until("blind", active=False)["reason"] == "rejected-frames"


def test_a_corrected_frame_is_not_taken_for_a_duplicate(running, clients, wire):
    """A refused final sent again under its old seq, now right, is heard and stored."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), {**wire.said("我不知道", seq=2), "speaker": "boss"})
    producer.until("error")
    producer.send(wire.said("好的", seq=3))
    producer.acked("c1", 3)
    producer.send(wire.said("我不知道", seq=2))
    producer.acked("c1", 3)
    stored = service.http("GET", "/v1/calls/c1").json()
    assert sorted(each["text"] for each in stored["utterances"]) == ["好的", "我不知道"]


def test_an_utterance_after_the_end_is_refused(running, clients, wire):
    """After `call.ended` nothing more is taken, before and after the call has left memory."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.ended(seq=2))
    producer.acked("c1", 2)
    producer.send(wire.said("还有", seq=3))
    assert producer.next()["code"] == "call_ended"
    service.within(service.tenant.calls.tick)
    producer.send(wire.said("还有", seq=4))
    assert producer.next()["code"] == "call_ended"
    producer.send(wire.ended(seq=2))
    producer.acked("c1", 2)


def test_a_call_id_cannot_change_agents(running, clients, wire):
    """The same call id with another agent is refused."""
    producer = clients.producer(running())
    producer.send(wire.started())
    producer.acked("c1", 1)
    producer.send(wire.started(agent_id="a2"))
    assert producer.next()["code"] == "not_allowed"


def test_a_producer_token_covers_its_own_agent_only(running, clients, wire):
    """A token can neither start nor touch another agent's call."""
    service = running()
    owner = clients.producer(service)
    owner.send(wire.started("c1", agent_id="a1"))
    owner.acked("c1", 1)
    guest = clients.producer(service, key=service.token("a2", role="producer"))
    guest.send(wire.started("c9", agent_id="a1"))
    assert guest.next()["code"] == "not_allowed"
    guest.send(wire.said("偷听", seq=2, call_id="c1"))
    assert guest.next()["code"] == "not_allowed"
    guest.send({**wire.said("偷听", seq=2, call_id="c1"), "speaker": 1})
    assert guest.next()["code"] == "invalid_field"
    guest.send(wire.started("c2", agent_id="a2"))
    guest.acked("c2", 1)
    owner.send(wire.said("好", seq=2))
    owner.acked("c1", 2)


def test_a_connection_carries_no_more_calls_than_allowed(running, clients, wire):
    """One call more is told `busy`; the others go on."""
    producer = clients.producer(running(max_calls_per_connection=1))
    producer.send(wire.started("c1"))
    producer.acked("c1", 1)
    producer.send(wire.started("c2"))
    assert producer.next()["code"] == "busy"
    producer.send(wire.said("好", seq=2))
    producer.acked("c1", 2)


def test_a_call_that_is_over_makes_room_on_its_connection(running, clients, wire):
    """A connection that lasts for days carries any number of calls, one after the other."""
    service = running(max_calls_per_connection=2)
    producer = clients.producer(service)
    for call_id in ("c1", "c2"):
        producer.send(wire.started(call_id), wire.ended(call_id, seq=2))
        producer.acked(call_id, 2)
    service.within(service.tenant.calls.tick)
    for call_id in ("c3", "c4"):
        producer.send(wire.started(call_id))
        producer.acked(call_id, 1)
    producer.send(wire.started("c5"))
    assert producer.next()["code"] == "busy"


def test_calls_that_never_were_take_no_room_on_a_connection(running, clients, wire):
    """Wrong ids do not fill it up."""
    producer = clients.producer(running(max_calls_per_connection=2))
    for call_id in ("x1", "x2"):
        producer.send(wire.said("好", seq=2, call_id=call_id))
        assert producer.next()["code"] == "unknown_call"
    producer.send(wire.started("c1"))
    producer.acked("c1", 1)


def test_refused_calls_take_no_room_on_a_connection(running, clients, wire):
    """Neither one that cannot begin so nor one of another agent, however many come at once."""
    service = running(max_calls_per_connection=2)
    owner = clients.producer(service)
    owner.send(*(wire.started(f"o{number}", agent_id="a1") for number in range(2)))
    owner.acked("o1", 1)
    guest = clients.producer(service, key=service.token("a2", role="producer"))
    guest.send(wire.started("c1", agent_id="a2"))
    guest.acked("c1", 1)
    refused = [
        *(wire.started(f"x{number}", agent_id="a1") for number in range(5)),
        *(wire.said("好", seq=2, call_id=f"o{number}") for number in range(2)),
    ]
    guest.send(*refused)
    assert [guest.until("error")["code"] for _ in refused] == ["not_allowed"] * len(refused)
    guest.send(wire.started("c2", agent_id="a2"))
    guest.acked("c2", 1)
    guest.send(wire.started("c3", agent_id="a2"))
    assert guest.next()["code"] == "busy"


def test_the_service_holds_no_more_calls_than_allowed(running, clients, wire):
    """A call beyond the limit is told `busy`, and is taken once another has ended."""
    service = running(max_calls=1)
    producer = clients.producer(service)
    producer.send(wire.started("c1"))
    producer.acked("c1", 1)
    producer.send(wire.started("c2"))
    assert producer.next()["code"] == "busy"
    producer.send(wire.ended(seq=2))
    producer.acked("c1", 2)
    service.within(service.tenant.calls.tick)
    producer.send(wire.started("c2"))
    producer.acked("c2", 1)


def test_nothing_is_acked_before_it_is_on_disk(running, clients, wire):
    """While the disk refuses, the card is pushed but the event is not acked; it is, once the disk is back."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    import sqlite3

    blocker = sqlite3.connect(service.service.settings.data_dir / "coach.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    producer.send(wire.said("我不知道", seq=2))
    assert sidebar.until("advice")["rule"] == "ignorance/bare-dont-know"
    with pytest.raises(TimeoutError):
        producer.next(timeout=0.3)
    blocker.execute("ROLLBACK")
    blocker.close()
    producer.acked("c1", 2)
    assert [each["text"] for each in service.http("GET", "/v1/calls/c1").json()["utterances"]] == ["我不知道"]


def test_a_full_queue_tells_producers_to_slow_down(running, clients, wire):
    """With too much waiting for the disk, durable events are told `busy` and can be sent again later."""
    service = running(max_waiting=1)
    producer = clients.producer(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    import sqlite3

    blocker = sqlite3.connect(service.service.settings.data_dir / "coach.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    producer.send(wire.said("一", seq=2), wire.said("二", seq=3))
    error = producer.next()
    assert (error["code"], error["seq"]) == ("busy", 3)
    blocker.execute("ROLLBACK")
    blocker.close()
    producer.acked("c1", 2)
    producer.send(wire.said("二", seq=3))
    producer.acked("c1", 3)


def test_a_batch_over_http_is_acked_after_the_commit(running, clients, wire):
    """The same events in one POST: the answer says how far they are stored, and what was wrong."""
    service = running()
    events = [
        wire.started(),
        wire.said("我不知道", seq=2),
        {**wire.said("好", seq=3), "speaker": "boss"},
        wire.ended(seq=4),
    ]
    for event in events:
        del event["call_id"]
    answer = service.http("POST", "/v1/calls/c1/events", json={"events": events}).json()
    assert answer["acked"] == 4
    assert [(each["code"], each["seq"]) for each in answer["errors"]] == [("invalid_field", 3)]
    stored = service.http("GET", "/v1/calls/c1").json()
    assert (stored["seq"], stored["ended_ms"]) == (4, 60_000)
    assert [each["rule"] for each in stored["advice"]] == ["ignorance/bare-dont-know"]


def test_a_large_batch_lets_others_have_their_turn(running, wire):
    """While its events are taken in, whoever else the loop serves is served."""
    service = running()
    events = [wire.started(), *(wire.said(f"这是第{seq}句，我不知道", seq=seq) for seq in range(2, 301))]
    principal = Principal("admin", by_key=True)
    expected = set()

    async def post_and_look():
        calls = service.tenant.calls
        task = asyncio.ensure_future(take_batch(events, call_id="c1", calls=calls, principal=principal))
        while not task.done():
            await asyncio.sleep(0)
            live = calls.find("c1")
            if live is not None:
                expected.add(live.sequencer.expected)
        return task.result()

    assert service.within(post_and_look) == {"acked": 300, "errors": []}
    assert any(2 < seq < 301 for seq in expected)


def test_a_batch_speaks_of_its_own_call_only(running, wire):
    """An event of another call in the body is refused."""
    events = [wire.started("c2")]
    answer = running().http("POST", "/v1/calls/c1/events", json={"events": events}).json()
    assert answer["acked"] == 0
    assert (answer["errors"][0]["code"], answer["errors"][0]["field"]) == ("invalid_field", "call_id")


def test_an_error_shows_only_the_beginning_of_what_came(running, clients):
    """A huge wrong value is quoted shortened."""
    producer = clients.producer(running())
    producer.send(json.dumps({"type": "call.started", "call_id": ["x" * 9000], "seq": 1, "agent_id": "a"}))
    assert len(producer.next()["message"]) < 200
