"""Who has a call in memory: every worker that may be alive is waited for, and whoever is not heard of is told."""

from __future__ import annotations

import os
import signal

import pytest
from cluster import Cluster
from test_ownership import TIMEOUT_S, Told, Worker, shared_valkey, two  # noqa: F401 - fixtures

from coach.service import channel
from coach.service.audit import SERVICE, Audit
from coach.service.erasure import Erasure
from coach.service.retention import Retention
from coach.service.signing import Secrets
from coach.service.snapshots import agent_topic


def test_a_worker_that_answers_late_is_waited_for(two, wire, monkeypatch):  # noqa: F811
    """Ten times as long as a question used to be given, and longer."""
    monkeypatch.setattr(channel, "_ASK_AGAIN_S", 0.05)

    async def main(one, other):
        await one.take(Told(), wire.started())
        await one.calls.settle("c1")
        asked = []

        def answer_the_tenth(question):
            asked.append(question)
            if len(asked) == 10:
                one.calls.ownership._say_held(question)

        one.channel.on("held", answer_the_tenth)
        found = await other.calls.ownership.ask_held(["c1"], within_s=TIMEOUT_S)
        assert (found.calls, found.sure, len(asked)) == ({"c1"}, True, 10)

    two(main)


def test_nobody_is_waited_for_who_has_answered(two, wire):  # noqa: F811
    """All have, though none has the call: the answer comes without a pause."""

    async def main(one, other):
        found = await other.calls.ownership.ask_held(["c1"], within_s=10 * TIMEOUT_S)
        assert (found.calls, found.sure) == (frozenset(), True)

    two(main)


def test_a_worker_that_never_answers_makes_it_unsure(two, wire):  # noqa: F811
    """How many did not is told."""

    async def main(one, other):
        one.channel.on("held", lambda _: None)
        found = await other.calls.ownership.ask_held(["c1"], within_s=0.05)
        assert (found.calls, found.sure, found.silent) == (frozenset(), False, 1)

    two(main)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_nothing_is_sure_while_the_bus_is_away(two, wire, when):  # noqa: F811
    """Whoever cannot be asked may have it."""

    async def main(one, other):
        def break_and_answer(asked):
            other.bus.generation += 1
            one.channel.answer(asked, call_ids=[])

        if when == "before":
            other.bus.up = False
        else:
            one.channel.on("held", break_and_answer)
        assert not (await other.calls.ownership.ask_held(["c1"], within_s=TIMEOUT_S)).sure

    two(main)


def test_a_worker_that_left_is_not_waited_for(two, wire, shared_valkey, tmp_path, ruleset, book):  # noqa: F811
    """It says good-bye; one that comes is known at once by what was told before it came."""

    async def main(one, other):
        third = Worker(shared_valkey.url, tmp_path / "coach.sqlite3", ruleset, book, now=one.now)
        async with third.bus.running():
            assert third.bus.alive() == {one.bus.worker, other.bus.worker}
            await one.until(lambda: third.bus.worker in one.bus.alive())
        await third.database.close()
        await one.until(lambda: third.bus.worker not in one.bus.alive())
        assert (await one.calls.ownership.ask_held(["c1"], within_s=TIMEOUT_S)).sure

    two(main)


def test_a_worker_without_the_tenant_answers_that_it_has_nothing(two, wire):  # noqa: F811
    """Tenants are added machine by machine."""

    async def main(one, other):
        new = other.bus.channel("new")
        survey = await new.survey("held", call_ids=["c1"], within_s=TIMEOUT_S)
        assert survey.whole
        assert [answer["from"] for answer in survey.answers] == [one.bus.worker]

    two(main)


def test_a_call_that_is_over_and_on_disk_is_held_by_nobody(two, wire):  # noqa: F811
    """It leaves memory with the next tick; what is not on disk yet holds it."""

    async def main(one, other):
        await one.take(Told(), wire.started(), wire.ended(seq=2))
        await one.calls.settle("c1")
        assert "c1" in one.calls
        assert await other.held("c1") == set()

    two(main)


def retention_of(worker, tmp_path):
    """The deletions of a worker's tenant."""

    async def held(call_ids):
        return await worker.calls.ownership.ask_held(call_ids, within_s=0.05)

    return Retention(
        Erasure(worker.database, clock=lambda: worker.now[0]),
        audit=Audit(worker.database, clock=lambda: worker.now[0]),
        secrets=Secrets(()),
        reviews_dir=tmp_path / "reviews",
        days=1,
        clock=lambda: worker.now[0],
        held=held,
        forget=lambda agent: worker.hub.erase(agent_topic(agent)),
    )


def test_what_a_silent_worker_may_have_is_not_deleted(two, wire, tmp_path):  # noqa: F811
    """It is named; when the worker answers again it goes, with what the bus has of it."""

    async def main(one, other):
        await one.take(Told(), wire.started(), wire.said("这个我不知道", seq=2), wire.ended(seq=3))
        await one.calls.settle("c1")
        one.channel.on("held", lambda _: None)
        other.now[0] += 10 * 86_400
        retention = retention_of(other, tmp_path)
        done = await retention.delete_before(other.now[0], actor=SERVICE)
        assert (done.erased.calls, done.unconfirmed) == (0, ("c1",))
        assert await other.store.load_call("c1") is not None
        one.channel.on("held", one.calls.ownership._say_held)
        again = await retention.delete_before(other.now[0], actor=SERVICE)
        assert (again.erased.calls, again.unconfirmed) == (1, ())
        assert await other.store.load_call("c1") is None
        await other.bus.drain()
        look = await other.channel.look(other.channel.key("agent:a1"), "0-0")
        assert not look.after

    two(main)


@pytest.mark.slow
def test_a_stopped_process_keeps_a_deletion_waiting(book, tmp_path, shared_valkey):  # noqa: F811
    """Real workers: while one does not answer nothing is deleted and the answer says so; then all of it goes."""
    shared_valkey.say(b"FLUSHALL\r\n")
    cluster = Cluster(book, tmp_path / "state", redis_url=shared_valkey.url)
    stopped = 0
    try:
        events = [
            {"type": "call.started", "seq": 1, "agent_id": "a1"},
            {
                "type": "utterance",
                "seq": 2,
                "utterance_id": "u1",
                "revision": 1,
                "speaker": "agent",
                "text": "这个我不知道",
                "final": True,
                "start_ms": 0,
                "end_ms": 900,
            },
            {"type": "call.ended", "seq": 3, "at_ms": 1000},
        ]
        cluster.until(
            lambda: cluster.http("POST", "/v1/calls/c1/events", json={"events": events}).json()["acked"] == 3
        )
        assert "不知道".encode() in shared_valkey.say(b"XRANGE coach:default:agent:a1 - +\r\n")
        stopped = cluster.workers[0]
        os.kill(stopped, signal.SIGSTOP)
        refused = cluster.http("DELETE", "/v1/calls/c1")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert cluster.http("GET", "/v1/calls/c1").status_code == 200
        os.kill(stopped, signal.SIGCONT)

        def delete():
            # Until the one that goes on has had a turn to answer.
            answer = cluster.http("DELETE", "/v1/calls/c1")
            return None if answer.status_code == 503 else answer

        done = cluster.until(delete)
        assert (done.status_code, done.json()["deleted"]["calls"]) == (200, 1)
        assert cluster.http("GET", "/v1/calls/c1").status_code == 404
        cluster.until(
            lambda: "不知道".encode() not in shared_valkey.say(b"XRANGE coach:default:agent:a1 - +\r\n")
        )
    finally:
        if stopped:
            os.kill(stopped, signal.SIGCONT)
        cluster.stop()
