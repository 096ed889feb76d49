"""What breaks on the way to Redis: the last batch of a broken link, and keys that hold no stream."""

from __future__ import annotations

import asyncio

import pytest
from test_bus import TIMEOUT_S, event, run, shared_valkey, valkey, workers  # noqa: F401 - fixtures
from test_ownership_outage import Cable

from coach.service import bus_link

KEY = b"coach:default:agent:a"
SPOIL, MEND = b"SET %b x\r\n" % KEY, b"DEL %b\r\n" % KEY


@pytest.fixture
def quick(monkeypatch):
    """Workers look again, and greet each other, every few milliseconds."""
    monkeypatch.setattr(bus_link, "BEAT_S", 0.02)


async def until(found):
    """Wait for something that has to come."""
    async with asyncio.timeout(TIMEOUT_S):
        while not found():  # noqa: ASYNC110 - what happens elsewhere sets no event
            await asyncio.sleep(0.005)


def test_what_a_broken_link_lost_is_made_up_for_when_it_is_back(valkey):  # noqa: F811
    """No next event is needed: the reader of another worker gets a snapshot, though nobody reads here."""

    async def main():
        cable = Cable(valkey.port)
        await cable.plug()
        async with workers(cable.url, 1) as (one,), workers(valkey.url, 1) as (two,):
            one.snapshots.mine["agent:a"] = "before"
            one.hub.feed("agent:a")
            reader = await two.join("agent:a")
            assert (await reader.next())["call"] == "before"
            one.hub.feed("agent:a").publish(event(1))
            assert (await reader.next())["n"] == 1
            generation = one.bus.generation
            one.snapshots.mine["agent:a"] = "after"
            one.hub.feed("agent:a").publish(event(2))
            # Before the loop turns: it goes out into a link that is cut already, which nobody has noticed.
            assert one.bus.waiting
            await cable.cut()
            await until(lambda: not one.bus.up)
            # Of a topic without readers nothing is left here either.
            one.hub.forget_idle(busy=())
            one.hub.feed("agent:a")
            await cable.plug()
            await until(lambda: one.bus.generation > generation)
            assert (await reader.next())["call"] == "after"
        await cable.cut()

    run(main)


def test_words_that_were_to_be_erased_while_redis_was_away_go_when_it_is_back(valkey):  # noqa: F811
    """They do not wait for the stream to expire."""

    async def main():
        cable = Cable(valkey.port)
        await cable.plug()
        async with workers(cable.url, 1) as (one,):
            one.hub.feed("agent:a").publish(event(1))
            await one.bus.drain()
            await cable.cut()
            await until(lambda: not one.bus.up)
            one.hub.erase("agent:a")
            assert valkey.say(b"XLEN %b\r\n" % KEY) == b":1\r\n"
            await cable.plug()
            await until(lambda: valkey.say(b"XLEN %b\r\n" % KEY) == b":0\r\n")
        await cable.cut()

    run(main)


def test_a_key_that_is_no_stream_costs_no_other_topic_its_link(valkey, caplog, quick):  # noqa: F811
    """It is told once; readers here get its events from memory and are told, the other topics go on."""

    async def main():
        async with workers(valkey.url) as (one, two):
            for each in (one, two):
                each.snapshots.mine["agent:a"] = each.snapshots.mine["agent:b"] = "call"
            mine, other = await one.join("agent:a"), await two.join("agent:b")
            assert [(await each.next())["type"] for each in (mine, other)] == ["snapshot"] * 2
            up = one.bus.generation, two.bus.generation
            valkey.say(SPOIL)
            for number in range(5):
                one.hub.feed("agent:a").publish(event(number))
                one.hub.feed("agent:b").publish(event(number))
                await one.bus.drain()
            assert [each["n"] for each in await other.several(5)] == list(range(5))
            assert (one.bus.generation, two.bus.generation) == up
            await until(lambda: KEY in one.bus.spoiled)
            told = [await mine.next()]
            while told[-1].get("type") != "snapshot":
                told.append(await mine.next())
            assert {"type": "degraded", "active": True, "reason": "bus"} in told
            one.hub.feed("agent:a").publish(event(7))
            while told[-1].get("n") != 7:
                told.append(await mine.next())
            assert len(one.bus.spoiled) == 1
            assert caplog.text.count("不是流") == len([each for each in (one, two) if each.bus.spoiled])

    run(main)


def test_a_key_that_is_a_stream_again_is_taken_up(valkey, quick):  # noqa: F811
    """Readers everywhere get a snapshot and what comes after it."""

    async def main():
        async with workers(valkey.url) as (one, two):
            one.snapshots.mine["agent:a"] = "call"
            valkey.say(SPOIL)
            one.hub.feed("agent:a").publish(event(1))
            await until(lambda: KEY in one.bus.spoiled)
            reader = await two.join("agent:a")
            await until(lambda: KEY in two.bus.spoiled)
            valkey.say(MEND)
            await until(lambda: not one.bus.spoiled and not two.bus.spoiled)
            told = await reader.next()
            while (told.get("type"), told.get("call")) != ("snapshot", "call"):
                told = await reader.next()
            one.hub.feed("agent:a").publish(event(2))
            while told.get("n") != 2:
                told = await reader.next()

    run(main)


def test_a_spoiled_key_among_many_that_are_read_leaves_the_others(valkey, quick):  # noqa: F811
    """Spoiled while it is read: the connection goes on with all but this one."""

    async def main():
        async with workers(valkey.url, 1) as (one,):
            one.snapshots.mine |= {f"agent:{each}": "call" for each in "abcdef"}
            readers = [await one.join(f"agent:{each}") for each in "abcdef"]
            assert [(await each.next())["type"] for each in readers] == ["snapshot"] * 6
            up = one.bus.generation
            one.hub.feed("agent:a").publish(event(0))
            assert (await readers[0].next())["n"] == 0
            valkey.say(MEND)
            valkey.say(SPOIL)
            one.hub.feed("agent:b").publish(event(1))
            await until(lambda: KEY in one.bus.spoiled)
            one.hub.feed("agent:f").publish(event(2))
            assert (await readers[1].next())["n"] == 1
            assert (await readers[5].next())["n"] == 2
            assert one.bus.generation == up

    run(main)
