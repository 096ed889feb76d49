"""Producers are told to wait while the disk is behind, and lose nothing by it."""

from __future__ import annotations

import asyncio

import pytest

from coach.client import AsyncProducer
from coach.service.pace import Pace

pytestmark = pytest.mark.databases


class Queue:
    """A store as far as the pace looks at it."""

    max_waiting = 8
    waiting = 0


class Told:
    """A connection that keeps what it was told."""

    def __init__(self):
        self.words = []

    def press(self, *, active, waiting):
        """Keep it."""
        self.words.append((active, waiting))


def test_pressure_begins_at_a_half_and_ends_at_a_quarter():
    """Once each, so that a queue around a limit does not make it flutter."""
    queue, told = Queue(), Told()
    pace = Pace(queue)
    pace.watch(told)
    for queue.waiting in (3, 4, 5, 3, 4, 3, 2, 3, 0):
        pace.check()
    assert told.words == [(True, 4), (False, 2)]


def test_a_connection_made_meanwhile_is_told_at_once():
    """And one that is gone hears nothing more."""
    queue, gone, late = Queue(), Told(), Told()
    pace = Pace(queue)
    pace.watch(gone)
    queue.waiting = 6
    pace.check()
    pace.watch(late)
    pace.forget(gone)
    queue.waiting = 0
    pace.check()
    assert (gone.words, late.words) == ([(True, 6)], [(True, 6), (False, 0)])


def test_the_socket_says_when_to_wait_and_when_to_go_on(running, clients, wire, disk):
    """Every connection is told, also one that sent nothing; then all that waited is acked."""
    service = running(max_waiting=20)
    producer, other = clients.producer(service), clients.producer(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    with disk.blocked():
        producer.send(*(wire.said("您好", seq=seq) for seq in range(2, 15)))
        assert producer.next() == {"type": "pressure", "active": True, "waiting": 10}
        assert other.next()["active"] is True
    assert other.until("pressure")["active"] is False
    producer.until("ack", seq=14)


def test_a_full_reorder_buffer_says_that_an_event_was_not_kept(running, clients, wire):
    """Each event beyond the 64 that are held is answered, and taken when it comes again."""
    producer = clients.producer(running())
    producer.send(wire.started(), *(wire.said("您好", seq=seq) for seq in range(3, 69)))
    assert "没有保留" not in producer.until("error", code="gap", seq=3)["message"]
    for seq in (67, 68):
        error = producer.until("error", code="gap", seq=seq)
        assert "没有保留" in error["message"]
        assert error["expected"] == 2
    producer.send(*(wire.said("您好", seq=seq) for seq in (2, 67, 68)))
    producer.until("ack", seq=68)


def test_the_client_waits_until_the_disk_has_caught_up(running, disk):
    """Under pressure its calls wait, nothing is refused as busy, and in the end all is stored."""
    service = running(max_waiting=20)
    told: list[dict] = []

    async def work():
        async with AsyncProducer(service.url, service.key, tell=told.append) as producer:
            await producer.start_call("c1", agent_id="a1")
            await producer.drain()

            async def talk():
                for turn in range(200):
                    await producer.utterance(
                        "c1", f"u{turn}", "您好", speaker="agent", start_ms=turn, end_ms=turn
                    )
                    # As a recogniser would: not all of it before the service can say anything.
                    await asyncio.sleep(0.002)

            with disk.blocked():
                talking = asyncio.create_task(talk())
                async with asyncio.timeout(30):
                    while not any(each["type"] == "pressure" for each in told):  # noqa: ASYNC110 - real events
                        await asyncio.sleep(0.01)
                sent = producer.unacked
                # Time enough to say all the rest, if it did not wait.
                await asyncio.wait({talking}, timeout=0.6)
                assert producer.unacked - sent <= 1
            await talking

    asyncio.run(work())
    assert [each["active"] for each in told if each["type"] == "pressure"][:2] == [True, False]
    assert [each for each in told if each["type"] == "error"] == []
    assert len(service.http("GET", "/v1/calls/c1").json()["utterances"]) == 200
