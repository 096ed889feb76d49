"""Two workers over one store whose bus was away while a call moved: afterwards one of them has it."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from test_ownership import TIMEOUT_S, Told, shared_valkey, workers  # noqa: F401 - a fixture


class Cable:
    """The way of one worker to Redis; it can be cut."""

    def __init__(self, port) -> None:
        self._to = port
        self._port = 0
        self._ends = set()
        self._tasks = set()

    @property
    def url(self):
        """The address of this end."""
        return f"redis://127.0.0.1:{self._port}/0"

    async def plug(self):
        """Let the worker reach Redis."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self):
        """Close every connection and take no new one."""
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, near, to_near):
        far, to_far = await asyncio.open_connection("127.0.0.1", self._to)
        ends = {to_near, to_far}
        self._ends |= ends
        for source, target in ((near, to_far), (far, to_near)):
            task = asyncio.create_task(self._copy(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, source, target):
        with contextlib.suppress(OSError):
            while found := await source.read(65536):
                target.write(found)
        target.close()
        self._ends.discard(target)


@pytest.fixture
def two(shared_valkey, tmp_path, ruleset, book):  # noqa: F811
    """Run a coroutine with two workers that can be cut off from Redis."""
    shared_valkey.say(b"FLUSHALL\r\n")

    def run(main):
        async def work():
            async with contextlib.AsyncExitStack() as stack:
                cables = [Cable(shared_valkey.port) for _ in range(2)]
                for each in cables:
                    await each.plug()
                    stack.push_async_callback(each.cut)
                urls = [each.url for each in cables]
                found = await stack.enter_async_context(workers(urls, tmp_path, ruleset, book))
                for worker, cable in zip(found, cables, strict=True):
                    worker.cable = cable
                await main(*found)

        asyncio.run(work())

    return run


@contextlib.asynccontextmanager
async def cut_off(*workers):
    """Keep some workers from Redis for the time of the block, and nobody else; it ends when all are back."""
    for each in workers:
        await each.cable.cut()
        await each.until(lambda each=each: not each.bus.up)
    yield
    for each in workers:
        await each.cable.plug()
    for each in workers:
        await each.until(lambda each=each: each.bus.up)


class Watching:
    """What the sidebars of an agent see at one worker."""

    def __init__(self, worker) -> None:
        self._feed = worker.hub.feed("agent:a1")
        self._reader = self._feed.reader(limit=100)
        self.shown = {}

    async def follow(self):
        """Join, and go on until cancelled."""
        await self._feed.join(self._reader)
        while (frame := await self._reader.next()) is not None:
            message = json.loads(frame)
            if message["type"] == "snapshot":
                call = message["call"] or {"transcript": []}
                self.shown = {each["utterance_id"]: each for each in call["transcript"]}
            elif message["type"] == "transcript":
                self.shown[message["utterance_id"]] = message


@contextlib.asynccontextmanager
async def watching(worker):
    """Watch an agent's calls at one worker."""
    found = Watching(worker)
    task = asyncio.create_task(found.follow())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def owners(*workers):
    """Return which workers have the call."""
    return [index for index, each in enumerate(workers) if "c1" in each.calls]


@pytest.mark.parametrize("away", ["the old owner", "the new owner", "both"])
def test_a_call_taken_over_while_the_bus_was_away_has_one_owner(two, wire, away):
    """Whoever is behind drops it when they hear of each other again; nobody sees what he knew of it."""

    async def main(one, other):
        cut = {"the old owner": [one], "the new owner": [other], "both": [one, other]}[away]
        async with watching(one) as here, watching(other) as there:
            await one.begin(wire)
            await one.until(lambda: len(here.shown) == len(there.shown) == 1)
            async with cut_off(*cut):
                await other.take(Told(), wire.said("第三句", seq=3))
                await other.calls.settle("c1")
                assert owners(one, other) == [0, 1]
            await one.until(lambda: owners(one, other) == [1])
            await one.until(lambda: len(here.shown) == len(there.shown) == 2)
            await other.take(Told(), wire.said("第四句", seq=4))
            await one.until(lambda: len(here.shown) == len(there.shown) == 3)
            assert owners(one, other) == [1]

    two(main)


def test_what_the_owner_told_while_he_was_cut_off_is_made_up_for(two, wire):
    """Sidebars at other workers, which never noticed, get a snapshot when he is back."""

    async def main(one, other):
        async with watching(other) as there:
            await one.take(Told(), wire.started(), wire.said("您好", seq=2))
            await one.until(lambda: len(there.shown) == 1)
            async with cut_off(one):
                await one.take(Told(), wire.said("第三句", seq=3))
            await one.until(lambda: len(there.shown) == 2)

    two(main)


@pytest.mark.parametrize("away", [0, 1])
@pytest.mark.parametrize("later", [0.0, 5.0])
def test_of_two_equal_owners_one_stays(two, wire, away, later):
    """The one that heard of the call last keeps it, at the same time the one whose name is greater."""

    async def main(*workers):
        one, other = workers
        await one.begin(wire)
        async with cut_off(workers[away]):
            one.now[0] += later
            assert await other.calls.next_seq("c1") == 3
            assert owners(one, other) == [0, 1]
        last = 1 if later else max((0, 1), key=lambda index: workers[index].bus.worker)
        await one.until(lambda: owners(one, other) == [last])

    two(main)


def test_a_call_that_went_on_here_stays_here(two, wire):
    """The bus comes back to whoever is further: the other one drops the call."""

    async def main(one, other):
        await one.begin(wire)
        async with cut_off(one):
            assert await other.calls.next_seq("c1") == 3
            other.now[0] += 5
            await one.take(Told(), wire.said("第三句", seq=3))
        await one.until(lambda: owners(one, other) == [0])

    two(main)


def test_a_call_that_ended_elsewhere_while_the_bus_was_away_is_dropped(two, wire):
    """Nobody has it any more who could say so: the disk does."""

    async def main(one, other):
        async with watching(one) as here:
            await one.begin(wire)
            await one.until(lambda: len(here.shown) == 1)
            async with cut_off(one):
                await other.take(Told(), wire.ended(seq=3))
                await other.calls.settle("c1")
                other.calls.tick()
                assert owners(one, other) == [0]
            await one.until(lambda: owners(one, other) == [])
            await one.until(lambda: not here.shown)

    two(main)


def test_the_call_shown_is_the_latest_of_all_workers_after_an_outage(two, wire):
    """A claim that reached nobody is made up for."""

    async def main(one, other):
        await one.take(Told(), wire.started("c1"))
        async with cut_off(other):
            one.now[0] += 5
            await other.take(Told(), wire.started("c2"))
        await one.until(lambda: one.hub.feed("agent:a1").call_id == "c2")

    two(main)


def test_thousands_of_calls_are_told_in_parts(two, wire, monkeypatch):
    """No message holds all calls of a worker, and none is left out."""
    monkeypatch.setattr("coach.service.ownership._TOLD_AT_ONCE", 2)

    async def main(one, other):
        calls = [f"c{number}" for number in range(5)]
        for call_id in calls:
            await one.take(Told(), wire.started(call_id))
            await one.calls.settle(call_id)
        async with cut_off(one):
            one.now[0] += 5
            for call_id in calls:
                await other.calls.next_seq(call_id)
        async with asyncio.timeout(TIMEOUT_S):
            await one.until(lambda: len(one.calls) == 0)
        assert len(other.calls) == 5

    two(main)
