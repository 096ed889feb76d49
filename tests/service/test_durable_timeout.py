"""A call that nobody ends is ended by the service."""

from __future__ import annotations

import threading

import pytest

from coach.client import Producer, RefusedError

pytestmark = pytest.mark.databases


@pytest.fixture
def clock():
    """A clock of the tests' own: `clock.now`, in seconds since 1970."""

    class Clock:
        now = 1_700_000_000.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def serve(running, clock):
    """A factory of services for which ten minutes without a word are too many."""

    def start(**changes):
        return running(clock=clock, **{"call_timeout_s": 600, **changes})

    return start


@pytest.fixture
def begin(clients, wire):
    """Start the call c1 at a service and wait for its ack; returns the producer."""

    def start(service, *more):
        producer = clients.producer(service)
        producer.send(wire.started(), *more)
        producer.acked("c1", 1 + len(more))
        return producer

    return start


@pytest.fixture
def interrupted(serve, clients, wire):
    """A service that stopped in the middle of two calls: `old` never had a word, `talking` had one at `at` ms."""

    def make(*, at):
        service = serve()
        producer = clients.producer(service)
        producer.send(wire.started("old"), wire.started("talking", agent_id="a2"))
        producer.send(wire.said("您好", seq=2, call_id="talking", at=at))
        producer.acked("talking", 2)
        service.stop()

    return make


def swept(service, *call_ids):
    """Let a service end the abandoned calls on disk; return when each of these ended."""
    service.within(service.tenant.calls.abandoned.end)
    for call_id in call_ids:
        service.within(service.tenant.calls.settle, call_id)
    return {call_id: ended_ms(service, call_id) for call_id in call_ids}


def ended_ms(service, call_id="c1"):
    """Return when a call ended, in milliseconds since it began; None while it goes on."""
    return service.http("GET", f"/v1/calls/{call_id}").json()["ended_ms"]


def test_a_silent_call_is_ended_told_and_stored(serve, begin, clients, wire, clock):
    """At the time-out, not before: the sidebar hears why, the producer that it is over, the disk where."""
    service = serve()
    sidebar = clients.sidebar(service)
    producer = begin(service, wire.said("您好", seq=2))
    clock.now += 599
    service.within(service.tenant.calls.tick)
    assert ended_ms(service) is None
    clock.now += 1
    service.within(service.tenant.calls.tick)
    ended = sidebar.until("call.ended")
    assert (ended["call_id"], ended["at_ms"], ended["reason"]) == ("c1", 2900, "timeout")
    error = producer.until("error")
    assert (error["code"], error["call_id"], error["seq"]) == ("call_ended", "c1", None)
    service.within(service.tenant.calls.settle, "c1")
    assert ended_ms(service) == 2900


def test_any_frame_keeps_a_call_alive(serve, begin, wire, clock):
    """A partial counts, and so does a frame that is refused."""
    service = serve()
    producer = begin(service)
    clock.now += 500
    producer.send(wire.said("您", seq=2, final=False), wire.said("您好", seq=3))
    producer.acked("c1", 3)
    clock.now += 500
    producer.send({**wire.said("您好", seq=4), "speaker": "boss"})
    assert producer.next()["code"] == "invalid_field"
    clock.now += 500
    service.within(service.tenant.calls.tick)
    assert ended_ms(service) is None


def test_nobody_goes_on_with_a_call_that_timed_out(serve, begin, clients, wire, clock):
    """What was acked is acked again, all else is refused; in memory, on disk, and after a restart."""
    service = serve()
    producer = begin(service)
    clock.now += 600
    service.within(service.tenant.calls.tick)
    assert producer.until("error")["seq"] is None
    producer.send(wire.said("喂", seq=2))
    assert producer.until("error")["code"] == "call_ended"
    service.stop()
    producer = clients.producer(serve())
    producer.send(wire.started(), wire.said("喂", seq=2))
    producer.acked("c1", 1)
    assert producer.next()["code"] == "call_ended"


def test_a_call_interrupted_by_a_restart_has_its_whole_time_again(serve, begin, clients, clock):
    """The service was away, not the producer; but silence after the restart ends the call."""
    first = serve()
    begin(first)
    first.stop()
    clock.now += 3000
    second = serve()
    second.within(second.tenant.calls.tick)
    assert "c1" in second.tenant.calls
    clock.now += 600
    sidebar = clients.sidebar(second)
    second.within(second.tenant.calls.tick)
    assert sidebar.until("call.ended")["reason"] == "timeout"


def test_abandoned_calls_on_disk_are_ended_too(interrupted, serve, clock):
    """A call too old to be brought back at the start is found on disk; one with later words is left alone."""
    interrupted(at=7_900_000)
    clock.now += 8000
    second = serve(call_idle_s=60)
    assert len(second.tenant.calls) == 0
    assert swept(second, "old", "talking") == {"old": 0, "talking": None}


def test_a_call_without_stored_words_is_not_silent_while_it_moves(serve, wire, clock):
    """Where nothing that was said is kept, the disk knows when the call moved: it is ended there, and not before."""
    first = serve(store="nothing")
    first.http("POST", "/v1/calls/c1/events", json={"events": [wire.started()]})
    clock.now += 500
    first.http("POST", "/v1/calls/c1/events", json={"events": [wire.said("您好", seq=2)]})
    first.stop()
    second = serve(call_idle_s=60, store="nothing")
    for later_s, expected in ((500, None), (101, 500_000)):
        clock.now += later_s
        assert swept(second, "c1") == {"c1": expected}


def test_a_call_with_nothing_but_partials_is_not_silent(serve, begin, wire, clock):
    """A long breath is no silence: the disk hears of it, though not of each partial."""
    first = serve()
    producer = begin(first)
    for seq in range(2, 10):
        clock.now += 100
        producer.send(wire.said("嗯" * seq, seq=seq, utterance_id="u", revision=seq, final=False))
        # Read in turn with the frame before it.
        producer.send("{")
        producer.until("error")
        first.within(first.tenant.calls.tick)
    first.stop()
    second = serve(call_idle_s=60)
    assert "c1" not in second.tenant.calls
    assert swept(second, "c1") == {"c1": None}


def test_a_call_of_an_older_program_is_judged_by_its_words(interrupted, serve, clock, disk):
    """It does not say when it moved a call."""
    interrupted(at=1_900_000)
    disk("UPDATE calls SET moved_at = NULL")
    clock.now += 2000
    assert swept(serve(call_idle_s=60), "old", "talking") == {"old": 0, "talking": None}


def test_the_client_stops_a_call_that_timed_out(serve, clock):
    """The program learns it with its next utterance, and leaving does not wait for an ack that never comes."""
    service = serve()
    ended = threading.Event()

    def tell(message):
        if message["type"] == "error":
            ended.set()

    with Producer(service.url, service.key, tell=tell) as producer:
        producer.start_call("c1", agent_id="a1")
        producer.drain()
        clock.now += 600
        service.within(service.tenant.calls.tick)
        assert ended.wait(30)
        with pytest.raises(RefusedError) as refused:
            producer.utterance("c1", "u1", "喂", speaker="agent", start_ms=0, end_ms=1)
        assert refused.value.code == "call_ended"
        assert [each.code for each in producer.refusals][:1] == ["call_ended"]


def test_without_a_time_out_no_call_is_ended(serve, begin, clock):
    """0 turns it off: the call stays open, on disk."""
    service = serve(call_timeout_s=0, call_idle_s=60)
    begin(service)
    clock.now += 90_000
    service.within(service.tenant.calls.tick)
    service.within(service.tenant.calls.abandoned.end_forever)
    assert ended_ms(service) is None
