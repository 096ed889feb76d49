"""The bus over a real Valkey: one order for all workers, resuming anywhere, snapshots in their place."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time

import pytest
from valkey_server import Valkey

from coach.service.hub import Hub
from coach.service.meter import Meter

pytest.importorskip("redis", reason="needs coach[cluster]")

from coach.service.bus import Bus, pause_after

TIMEOUT_S = 30


@pytest.fixture(scope="module")
def shared_valkey(tmp_path_factory):
    """One server for the tests of this module that do not kill it."""
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


@pytest.fixture
def valkey(shared_valkey):
    """The server, empty."""
    shared_valkey.say(b"FLUSHALL\r\n")
    return shared_valkey


class Snapshots:
    """Makes recognisable snapshots; `mine` says which topics this worker has a call of."""

    def __init__(self) -> None:
        self.mine: dict[str, object] = {}
        self.on_disk: dict[str, object] = {}

    def here(self, topic):
        """Return the snapshot of a call that is here."""
        return {"type": "snapshot", "call": self.mine[topic]} if topic in self.mine else None

    async def stored(self, topic):
        """Return the snapshot by what is on disk."""
        return {"type": "snapshot", "call": self.on_disk.get(topic)}

    def empty(self, topic):
        """Return the snapshot of nothing."""
        return {"type": "snapshot", "call": None}


class Worker:
    """One worker's bus and hub."""

    def __init__(self, url, *, keep=64, tenant="default") -> None:
        self.bus = Bus(url, keep=keep)
        self.meter = Meter()
        self.hub = Hub(keep=keep, meter=self.meter, channel=self.bus.channel(tenant))
        self.snapshots = Snapshots()
        self.hub.serve("agent", self.snapshots)

    async def join(self, topic, after=None, *, limit=1000):
        """Join a topic; return what reads it."""
        feed = self.hub.feed(topic)
        reader = feed.reader(limit=limit)
        await feed.join(reader, after)
        return Listener(feed, reader)


class Listener:
    """Reads what one reader is sent."""

    def __init__(self, feed, reader) -> None:
        self.feed, self.reader = feed, reader

    async def next(self) -> dict:
        """Return the next message."""
        async with asyncio.timeout(TIMEOUT_S):
            return json.loads(await self.reader.next())

    async def several(self, count) -> list[dict]:
        """Return the next messages."""
        return [await self.next() for _ in range(count)]


@contextlib.asynccontextmanager
async def workers(url, count=2, **options):
    """Run some workers until the end of the block."""
    found = [Worker(url, **options) for _ in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        for each in found:
            await stack.enter_async_context(each.bus.running())
        yield found


def event(number, **fields):
    """An event that says which one it is."""
    return {"type": "advice", "n": number, **fields}


def run(main):
    """Run a test's coroutine."""
    asyncio.run(main())


def test_readers_of_every_worker_see_one_order(valkey):
    """Two workers publish at once; all readers get every event once, in the same order."""

    async def main():
        async with workers(valkey.url, 3, keep=1000) as (one, two, three):
            readers = [await each.join("agent:a") for each in (one, two, three)]
            assert [(await each.next())["type"] for each in readers] == ["snapshot"] * 3
            for number in range(0, 200, 2):
                one.hub.feed("agent:a").publish(event(number))
                two.hub.feed("agent:a").publish(event(number + 1))
                if number % 20 == 0:
                    await asyncio.sleep(0)
            seen = [await each.several(200) for each in readers]
            assert seen[0] == seen[1] == seen[2]
            assert sorted(each["n"] for each in seen[0]) == list(range(200))

    run(main)


@pytest.mark.parametrize("missed", [0, 1, 40])
def test_a_reader_resumes_at_another_worker(valkey, missed):
    """What came after its offset comes once, then what happens next."""

    async def main():
        async with workers(valkey.url) as (one, two):
            first = await one.join("agent:a")
            await first.next()
            one.hub.feed("agent:a").publish(event(0))
            offset = (await first.next())["offset"]
            first.feed.leave(first.reader)
            for number in range(1, missed + 1):
                one.hub.feed("agent:a").publish(event(number))
            await one.bus.drain()
            second = await two.join("agent:a", offset)
            one.hub.feed("agent:a").publish(event(missed + 1))
            assert [each["n"] for each in await second.several(missed + 1)] == list(range(1, missed + 2))

    run(main)


def test_resuming_under_load_misses_and_repeats_nothing(valkey):
    """Readers that come and go between a thousand events see each once."""

    async def main():
        async with workers(valkey.url) as (one, two):
            staying = await two.join("agent:a")
            coming = await two.join("agent:a")
            await staying.next()
            await coming.next()
            got, numbers = [], iter(range(1000))

            async def publish():
                for number in numbers:
                    one.hub.feed("agent:a").publish(event(number))
                    await asyncio.sleep(0.0005)

            publishing = asyncio.create_task(publish())
            while len(got) < 1000:
                for message in await coming.several(min(7, 1000 - len(got))):
                    assert message["type"] == "advice", message
                    got.append(message["n"])
                coming.feed.leave(coming.reader)
                coming = await two.join("agent:a", message["offset"])
            await publishing
            assert got == list(range(1000))
            assert [each["n"] for each in await staying.several(1000)] == list(range(1000))

    run(main)


def test_of_an_utterance_the_last_missed_revision_is_told(valkey):
    """Resuming does not tell what a later revision replaced."""

    async def main():
        async with workers(valkey.url) as (one, two):
            first = await one.join("agent:a")
            await first.next()
            one.hub.feed("agent:a").publish(event(0))
            offset = (await first.next())["offset"]
            for revision in range(5):
                one.hub.feed("agent:a").publish(
                    {"type": "transcript", "call_id": "c", "utterance_id": "u", "revision": revision}
                )
                await asyncio.sleep(0)
            one.hub.feed("agent:a").publish(event(1))
            await first.several(6)
            resumed = await two.join("agent:a", offset)
            assert [each.get("revision", each.get("n")) for each in await resumed.several(2)] == [4, 1]

    run(main)


def test_an_offset_that_is_gone_leads_to_a_snapshot(valkey):
    """Whoever was away for longer than the stream reaches back starts anew."""

    async def main():
        async with workers(valkey.url) as (one, two):
            first = await one.join("agent:a")
            await first.next()
            one.hub.feed("agent:a").publish(event(0))
            offset = (await first.next())["offset"]
            for number in range(500):
                one.hub.feed("agent:a").publish(event(number, words="字" * 200))
            await one.bus.drain()
            again = await two.join("agent:a", offset)
            assert (await again.next())["type"] == "snapshot"

    run(main)


def test_a_reader_resumes_from_before_the_first_event(valkey):
    """A sidebar that was there before anything happened, and was cut off before it heard of it, misses nothing."""

    async def main():
        async with workers(valkey.url) as (one, two):
            first = await one.join("agent:a")
            offset = (await first.next())["offset"]
            first.feed.leave(first.reader)
            one.hub.feed("agent:a").publish(event(1))
            await one.bus.drain()
            again = await two.join("agent:a", offset)
            assert (await again.next())["n"] == 1

    run(main)


@pytest.mark.parametrize("offset", ["k3f9-1", "12345678-9", "9999999999999-0", "x", "1-1-1", "1"])
def test_a_foreign_offset_leads_to_a_snapshot(valkey, offset):
    """Offsets of a memory that is gone, of another stream or of nobody are told apart from ours."""

    async def main():
        async with workers(valkey.url, 1) as (one,):
            one.hub.feed("agent:a").publish(event(0))
            reader = await one.join("agent:a", offset)
            assert (await reader.next())["type"] == "snapshot"

    run(main)


@pytest.mark.usefixtures("patient")
def test_a_snapshot_of_another_workers_call_has_its_place_in_the_order(valkey):
    """The owner publishes it between two events; what was before it is not told again."""

    async def main():
        async with workers(valkey.url) as (owner, other):
            feed = owner.hub.feed("agent:a")
            owner.snapshots.mine["agent:a"] = "before"
            feed.publish(event(1))
            await owner.bus.drain()
            reader = await other.join("agent:a")
            snapshot = await reader.next()
            assert (snapshot["type"], snapshot["call"]) == ("snapshot", "before")
            feed.publish(event(2))
            assert (await reader.next())["n"] == 2

    run(main)


@pytest.mark.usefixtures("patient")
def test_a_snapshot_is_for_those_who_wait_for_one(valkey):
    """A second sidebar joins; the first does not start over."""

    async def main():
        async with workers(valkey.url) as (owner, other):
            owner.snapshots.mine["agent:a"] = "call"
            feed = owner.hub.feed("agent:a")
            first = await owner.join("agent:a")
            assert (await first.next())["type"] == "snapshot"
            second = await other.join("agent:a")
            assert (await second.next())["type"] == "snapshot"
            feed.publish(event(1))
            assert (await first.next())["type"] == "advice"
            assert (await second.next())["type"] == "advice"

    run(main)


def test_a_call_that_nobody_has_is_read_from_disk(valkey):
    """No owner answers: the snapshot is made of what is stored, and events go on after it."""

    async def main():
        async with workers(valkey.url) as (one, two):
            two.snapshots.on_disk["agent:a"] = "stored"
            reader = await two.join("agent:a")
            waiting = asyncio.create_task(reader.next())
            await asyncio.sleep(0.05)
            one.hub.feed("agent:a").publish(event(1))
            assert (await waiting)["call"] == "stored"
            assert (await reader.next())["n"] == 1

    run(main)


def test_a_resync_puts_every_reader_on_a_new_footing(valkey):
    """A call taken over by another worker begins with a snapshot for all who watch it."""

    async def main():
        async with workers(valkey.url) as (one, two):
            readers = [await one.join("agent:a"), await two.join("agent:a")]
            for each in readers:
                await each.next()
            one.hub.feed("agent:a").publish_snapshot({"type": "snapshot", "call": "taken"})
            one.hub.feed("agent:a").publish(event(1))
            for each in readers:
                assert [m["type"] for m in await each.several(2)] == ["snapshot", "advice"]

    run(main)


@pytest.mark.usefixtures("patient")
def test_a_reader_that_falls_behind_is_given_a_snapshot_by_the_owner(valkey):
    """The queue overflows at a worker that does not have the call."""

    async def main():
        async with workers(valkey.url) as (owner, other):
            feed = owner.hub.feed("agent:a")
            owner.snapshots.mine["agent:a"] = "before"
            slow = await other.join("agent:a", limit=8)
            await slow.next()
            last = await other.join("agent:a")
            await last.next()
            owner.snapshots.mine["agent:a"] = "now"
            for number in range(30):
                feed.publish(event(number))
            await last.several(30)
            assert (await slow.next())["call"] == "now"
            feed.publish(event(30))
            assert (await slow.next())["n"] == 30

    run(main)


def test_hundreds_of_topics_are_followed_over_a_few_connections(valkey):
    """Each reader gets the events of its own topic only."""

    async def main():
        async with workers(valkey.url) as (one, two):
            listeners = await asyncio.gather(*(two.join(f"agent:{index}") for index in range(300)))
            await asyncio.gather(*(each.next() for each in listeners))
            for index in range(300):
                one.hub.feed(f"agent:{index}").publish(event(index))
            got = await asyncio.gather(*(each.next() for each in listeners))
            assert [each["n"] for each in got] == list(range(300))
            clients = valkey.say(b"CLIENT LIST\r\n").count(b"cmd=xread")
            assert clients <= 300 // 64 + 1 + 2

    run(main)


def test_tenants_do_not_hear_each_other(valkey):
    """The same agent id of two tenants is two topics."""

    async def main():
        async with (
            workers(valkey.url, 1, tenant="one") as (one,),
            workers(valkey.url, 1, tenant="two") as (two,),
        ):
            one.snapshots.mine["agent:a"] = "secret"
            here, there = await one.join("agent:a"), await two.join("agent:a")
            await here.next()
            assert (await there.next())["call"] is None
            one.hub.feed("agent:a").publish(event(1))
            await here.next()
            two.hub.feed("agent:a").publish(event(2))
            assert (await there.next())["n"] == 2

    run(main)


def test_a_lease_has_one_holder(valkey):
    """The second worker gets it once the first no longer renews it."""

    async def main():
        async with workers(valkey.url) as (one, two):
            first, second = one.hub.channel, two.hub.channel
            assert await first.lease("sweep", ttl_s=60)
            assert await first.lease("sweep", ttl_s=60)
            assert not await second.lease("sweep", ttl_s=60)
            valkey.say(b"DEL coach:default:lease:sweep\r\n")
            assert await second.lease("sweep", ttl_s=60)
            assert not await first.lease("sweep", ttl_s=60)

    run(main)


def test_an_erased_topic_leaves_no_words_in_redis(valkey):
    """Its stream is empty; readers go on, and whoever comes back starts anew."""

    async def main():
        async with workers(valkey.url) as (one, two):
            reader = await two.join("agent:a")
            await reader.next()
            one.hub.feed("agent:a").publish(event(1))
            offset = (await reader.next())["offset"]
            one.hub.erase("agent:a")
            await one.bus.drain()
            assert valkey.say(b"XLEN coach:default:agent:a\r\n") == b":0\r\n"
            one.hub.feed("agent:a").publish(event(2))
            assert (await reader.next())["n"] == 2
            again = await one.join("agent:a", offset)
            assert (await again.next())["type"] == "snapshot"

    run(main)


def test_an_erased_topic_goes_on_behind_what_was_seen(valkey):
    """However quickly the next event comes, and if the clock of Redis was set back: readers get it."""

    async def main():
        async with workers(valkey.url, 1) as (one,):
            reader = await one.join("agent:a")
            await reader.next()
            later = b'XADD coach:default:agent:a 99999999999999-0 e "{\\"n\\":1}" m "event x.1 1 0 0"\r\n'
            valkey.say(later)
            assert (await reader.next())["n"] == 1
            one.hub.erase("agent:a")
            one.hub.feed("agent:a").publish(event(2))
            assert (await reader.next())["n"] == 2

    run(main)


@pytest.mark.usefixtures("patient")
def test_a_question_is_answered_by_whoever_knows(valkey):
    """The first answer counts."""

    async def main():
        async with workers(valkey.url) as (one, two):
            channel = two.hub.channel
            channel.on("add", lambda asked: channel.answer(asked, sum=asked["a"] + asked["b"]))
            assert (await one.hub.channel.ask("add", a=1, b=2))["sum"] == 3

    run(main)


def test_a_question_that_nobody_answers_is_given_up(valkey):
    """Whoever asked goes on with what he knows himself."""

    async def main():
        async with workers(valkey.url) as (one, _):
            assert await one.hub.channel.ask("unheard") is None

    run(main)


@pytest.mark.usefixtures("patient")
def test_redis_that_goes_away_leaves_the_local_events(tmp_path):
    """Readers get a notice and a snapshot, then this worker's events; when it is back, everybody's."""

    async def main():
        server = Valkey(tmp_path).start()
        try:
            async with workers(server.url) as (one, two):
                one.snapshots.mine["agent:a"] = "mine"
                here, there = await one.join("agent:a"), await two.join("agent:a")
                assert (await here.next())["type"] == (await there.next())["type"] == "snapshot"
                server.kill()
                assert await here.next() == {"type": "degraded", "active": True, "reason": "bus"}
                assert (await here.next())["call"] == "mine"
                assert (await there.next())["type"] == "degraded"
                assert (await there.next())["call"] is None
                one.hub.feed("agent:a").publish(event(1))
                assert (await here.next())["n"] == 1
                server.start()
                for each in (here, there):
                    assert await each.next() == {"type": "degraded", "active": False, "reason": "bus"}
                    assert (await each.next())["call"] == "mine"
                one.hub.feed("agent:a").publish(event(2))
                assert (await here.next())["n"] == (await there.next())["n"] == 2
        finally:
            server.kill()

    run(main)


def test_a_service_starts_while_redis_is_away(tmp_path):
    """The first connection fails: readers are told, and served from here."""

    async def main():
        server = Valkey(tmp_path)
        async with workers(server.url, 1) as (one,):
            assert not one.bus.up
            assert one.bus.error
            one.snapshots.mine["agent:a"] = "mine"
            reader = await one.join("agent:a")
            assert (await reader.next())["type"] == "degraded"
            assert (await reader.next())["call"] == "mine"

    run(main)


@pytest.mark.usefixtures("patient")
def test_redis_that_hangs_counts_as_away(tmp_path):
    """Events do not pile up behind a server that answers nothing."""

    async def main():
        server = Valkey(tmp_path).start()
        try:
            async with workers(server.url, 1) as (one,):
                one.snapshots.mine["agent:a"] = "mine"
                reader = await one.join("agent:a")
                await reader.next()
                import signal

                server.process.send_signal(signal.SIGSTOP)
                one.hub.feed("agent:a").publish(event(1))
                assert (await reader.next())["type"] == "degraded"
                assert (await reader.next())["type"] == "snapshot"
                one.hub.feed("agent:a").publish(event(2))
                assert (await reader.next())["n"] == 2
                server.process.send_signal(signal.SIGCONT)
                assert (await reader.next())["type"] == "degraded"
                assert (await reader.next())["type"] == "snapshot"
        finally:
            server.kill()

    run(main)


@pytest.mark.parametrize("entry", ["e {} m odd", 'e {} m "a b c d e"', "x y", 'e {} m "event w.1 x 0 0"'])
def test_an_entry_that_nobody_of_us_wrote_is_skipped(valkey, caplog, entry):
    """It is logged with its place; the events after it come, and Redis stays."""

    async def main():
        async with workers(valkey.url, 1) as (one,):
            reader = await one.join("agent:a")
            await reader.next()
            valkey.say(f"XADD coach:default:agent:a * {entry}\r\n".encode())
            one.hub.feed("agent:a").publish(event(1))
            assert (await reader.next())["n"] == 1
            assert one.bus.generation == 1

    run(main)
    assert "agent:a: 略过读不懂的事件" in caplog.text


@pytest.mark.parametrize("entry", ["e {} m odd", "x y"])
def test_resuming_goes_over_an_entry_that_nobody_of_us_wrote(valkey, entry):
    """Whoever missed it gets the events around it."""

    async def main():
        async with workers(valkey.url) as (one, two):
            reader = await one.join("agent:a")
            offset = (await reader.next())["offset"]
            valkey.say(f"XADD coach:default:agent:a * {entry}\r\n".encode())
            one.hub.feed("agent:a").publish(event(1))
            await reader.next()
            resumed = await two.join("agent:a", offset)
            assert (await resumed.next())["n"] == 1

    run(main)


def test_a_message_that_cannot_be_handled_costs_only_itself(valkey, caplog):
    """What a worker makes of it fails: the next message is heard over the same connection."""

    async def main():
        async with workers(valkey.url) as (one, two):
            heard = asyncio.Event()
            two.hub.channel.on("bad", lambda _: {}.popitem()[0].nothing)
            two.hub.channel.on("odd", lambda message: message["fields"].nothing)
            two.hub.channel.on("good", lambda _: heard.set())
            one.hub.channel.tell("bad")
            one.hub.channel.tell("odd", fields="")
            one.hub.channel.tell("good")
            async with asyncio.timeout(TIMEOUT_S):
                await heard.wait()
            assert two.bus.generation == 1

    run(main)
    assert caplog.text.count("无法处理") == 2


def test_the_bus_outlives_a_fault_of_its_own(valkey, caplog):
    """Whatever ends the connection is logged, readers are told, and it is made anew."""

    class Broken:
        key, position = b"coach:default:agent:a", "0-0"

        def take(self, entries):
            raise AttributeError("nothing")

    async def main():
        async with workers(valkey.url, 1) as (one,):
            reader = await one.join("agent:b")
            await reader.next()
            one.bus.follow(Broken())
            valkey.say(b"XADD coach:default:agent:a * e {} m odd\r\n")
            assert await reader.next() == {"type": "degraded", "active": True, "reason": "bus"}
            while (await reader.next()).get("active", True):
                pass
            assert one.bus.up

    run(main)
    assert "意外结束" in caplog.text


def test_whoever_fails_to_hear_that_redis_came_back_keeps_it_from_nobody(valkey, caplog):
    """The others are told; the bus goes on."""

    async def main():
        one = Worker(valkey.url)
        told = []
        one.bus.on_change(lambda: told[9])
        one.bus.on_change(lambda: told.append(one.bus.up))
        async with one.bus.running():
            assert told == [True]

    run(main)
    assert "IndexError" in caplog.text


class Mute:
    """Accepts connections on a port and never answers."""

    def __init__(self, port) -> None:
        self.port = port
        self.tried_again = asyncio.Event()
        self._writers = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def _accept(self, reader, writer):
        if self._writers:
            self.tried_again.set()
        self._writers.append(writer)

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()


def test_a_service_starts_while_redis_hangs(tmp_path, monkeypatch):
    """A server that accepts and never answers counts as away, and is tried again until it answers."""
    monkeypatch.setattr("coach.service.bus_link.CONNECT_S", 0.2)

    async def main():
        server = Valkey(tmp_path)
        one = Worker(server.url)
        came = asyncio.Event()
        one.bus.on_change(came.set)
        try:
            async with asyncio.timeout(TIMEOUT_S), contextlib.AsyncExitStack() as stack:
                async with Mute(server.port) as mute:
                    await stack.enter_async_context(one.bus.running())
                    assert not one.bus.up
                    assert one.bus.error == "Redis 0.2 秒没有应答"
                    await mute.tried_again.wait()
                await asyncio.to_thread(server.start)
                await came.wait()
                assert one.bus.up
        finally:
            server.kill()

    run(main)


_REFUSALS = {
    "NOREPLICAS": (b"CONFIG SET min-replicas-to-write 1\r\n", b"CONFIG SET min-replicas-to-write 0\r\n"),
    "OOM": (b"CONFIG SET maxmemory 1\r\n", b"CONFIG SET maxmemory 0\r\n"),
    "READONLY": (b"REPLICAOF 127.0.0.1 1\r\n", b"REPLICAOF NO ONE\r\n"),
}


@pytest.mark.parametrize("code", _REFUSALS)
def test_redis_that_refuses_what_is_written_is_away(tmp_path, code):
    """Readers are told once, not with every attempt, and again when it takes events."""
    refuse, allow = _REFUSALS[code]

    async def main():
        server = Valkey(tmp_path).start()
        try:
            async with workers(server.url, 1) as (one,):
                changes = []
                one.bus.on_change(lambda: changes.append(one.bus.up))
                reader = await one.join("agent:a")
                await reader.next()
                server.say(refuse)
                one.hub.feed("agent:a").publish(event(1))
                assert await reader.next() == {"type": "degraded", "active": True, "reason": "bus"}
                await asyncio.to_thread(_refused, server, code, 4)
                assert changes == [False]
                server.say(allow)
                while (await reader.next()).get("active", True):
                    pass
                assert changes == [False, True]
        finally:
            server.kill()

    run(main)


def _refused(server, code, times):
    """Wait until the server has refused so many commands."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        found = re.search(rb"errorstat_%b:count=(\d+)" % code.encode(), server.say(b"INFO errorstats\r\n"))
        if found and int(found[1]) >= times:
            return
        time.sleep(0.02)
    raise AssertionError(f"{code} was not met {times} times")


@pytest.mark.parametrize(
    ("pause", "lasted_s", "expected"),
    [
        (1.6, 60.0, 0.1),
        (0.1, 0.0, 0.2),
        (1.6, 0.0, 2.0),
        (2.0, 0.5, 4.0),
        (16.0, 0.5, 30.0),
        (30.0, 0.0, 2.0),
    ],
)
def test_whoever_never_stays_is_tried_ever_more_rarely(pause, lasted_s, expected):
    """A server that is away is tried every 2 s; one that comes and goes makes sidebars start over, so every 30 s."""
    assert pause_after(pause, lasted_s=lasted_s) == expected


@pytest.mark.usefixtures("patient")
def test_a_topic_starts_anew_for_every_reader(valkey):
    """Whoever let a call go that another worker has puts all readers on the owner's footing."""

    async def main():
        async with workers(valkey.url) as (one, two):
            one.snapshots.mine["agent:a"] = "outdated"
            readers = [await one.join("agent:a"), await two.join("agent:a")]
            assert [(await each.next())["call"] for each in readers] == ["outdated"] * 2
            one.hub.feed("agent:a").publish(event(1))
            offset, _ = [(await each.next())["offset"] for each in readers]
            del one.snapshots.mine["agent:a"]
            two.snapshots.mine["agent:a"] = "owned"
            one.hub.feed("agent:a").start_anew()
            assert [(await each.next())["call"] for each in readers] == ["owned"] * 2
            two.hub.feed("agent:a").publish(event(2))
            assert [(await each.next())["n"] for each in readers] == [2, 2]
            resumed = await one.join("agent:a", offset)
            assert (await resumed.next())["call"] == "owned"

    run(main)


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (b"ACL SETUSER default -xrevrange\r\n", b"ACL SETUSER default +xrevrange\r\n"),
    ],
)
def test_a_question_that_redis_refuses_is_asked_again(valkey, caplog, spoil, mend):
    """The reader waits, the log says why, and the rest goes on; once it is answered the snapshot comes."""

    async def main():
        async with workers(valkey.url, 1) as (one,):
            one.snapshots.mine["agent:a"] = "mine"
            valkey.say(spoil)
            try:
                reader = await one.join("agent:a")
                waiting = asyncio.create_task(reader.next())
                async with asyncio.timeout(TIMEOUT_S):
                    while "agent:a: 没能询问快照" not in caplog.text:  # noqa: ASYNC110 - the log sets no event
                        await asyncio.sleep(0.005)
            finally:
                valkey.say(mend)
            assert (await waiting)["call"] == "mine"
            assert one.bus.generation == 1

    run(main)


def test_a_snapshot_that_fails_is_made_again(valkey, caplog, monkeypatch):
    """A fault in making it is logged and leaves nobody waiting for ever."""
    monkeypatch.setattr("coach.service.line._RETRY_S", 0.01)

    async def main():
        async with workers(valkey.url, 1) as (one,):
            stored, faults = one.snapshots.stored, iter([KeyError("call")])

            async def fail_once(topic):
                for fault in faults:
                    raise fault
                return await stored(topic)

            one.snapshots.stored = fail_once
            one.snapshots.on_disk["agent:a"] = "stored"
            reader = await one.join("agent:a")
            assert (await reader.next())["call"] == "stored"

    run(main)
    assert "KeyError" in caplog.text


def test_what_is_kept_is_bounded_with_a_bus(valkey):
    """A long day of transcripts leaves nothing behind in the memory that serves while the bus is away."""

    async def main():
        async with workers(valkey.url, 1, keep=8) as (one,):
            feed = one.hub.feed("agent:a")
            for number in range(100):
                feed.publish(
                    {"type": "transcript", "call_id": "c", "utterance_id": f"u{number}", "revision": 1}
                )
                feed.flush()
            assert len(feed._newest_transcript) == len(feed._events) == 0

    run(main)


def test_who_reads_a_stream_no_more_takes_it_from_nobody(valkey):
    """Another one that reads the same stream by now goes on."""

    class Reading:
        key, position = b"coach:default:agent:a", "0-0"

        def __init__(self):
            self.came = asyncio.Event()

        def take(self, entries):
            self.came.set()

    async def main():
        async with workers(valkey.url, 1) as (one,):
            first, second = Reading(), Reading()
            one.bus.follow(first)
            one.bus.follow(second)
            one.bus.unfollow(first)
            one.hub.feed("agent:a").publish(event(1))
            async with asyncio.timeout(TIMEOUT_S):
                await second.came.wait()

    run(main)
