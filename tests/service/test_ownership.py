"""Two workers in one loop over one store: whose a call is, and what happens when one has not heard of it yet."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from valkey_server import Valkey

from coach.service import abandoned
from coach.service.auth import Principal
from coach.service.board import Board
from coach.service.calls import Calls
from coach.service.channel import Survey
from coach.service.database import Database
from coach.service.hub import Hub
from coach.service.messages import read_producer_event
from coach.service.ruleset import RuleSource
from coach.service.store import Store

pytest.importorskip("redis", reason="needs coach[cluster]")

from coach.service.bus import Bus

TIMEOUT_S = 30
EVERYBODY = Principal("admin", by_key=True)


@pytest.fixture(scope="module")
def shared_valkey(tmp_path_factory):
    """One server for the tests of this module."""
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


class Told:
    """A producer that remembers what it was told."""

    def __init__(self, *, resends=True) -> None:
        self.resends = resends
        self.acked = 0
        self.errors = []

    def ack(self, call_id, seq):
        """Note an ack."""
        self.acked = max(self.acked, seq)

    def refuse(self, error, *, call_id, seq):
        """Note a refusal."""
        self.errors.append(error.code)


class Worker:
    """The calls of one worker; `deaf` lets it miss what the others claim."""

    def __init__(self, url, file, ruleset, book, *, now) -> None:
        self.now = now
        self.bus = Bus(url, keep=64)
        self.channel = self.bus.channel("default")
        self.database = Database(file)
        self.store = Store(self.database, max_waiting=100)
        rules = RuleSource(rules_dir=book / "rules", phrasebook_dir=book / "phrasebook")
        rules.load(ruleset)
        self.hub = Hub(keep=64, channel=self.channel)
        self.board = Board(self.hub, clock=lambda: self.now[0])
        self.calls = Calls(
            store=self.store,
            hub=self.hub,
            rules=rules,
            max_calls=100,
            idle_s=7200,
            timeout_s=60,
            board=self.board,
            clock=lambda: self.now[0],
        )

    def deaf(self):
        """Hear no claims from now on."""
        self.channel.on("claim", lambda _: None)

    async def take(self, producer, *events):
        """Take in events."""
        for event in events:
            await self.calls.accept(read_producer_event(event), producer=producer, principal=EVERYBODY)

    async def begin(self, wire, *, producer=None, **fields):
        """Take in the first words of c1 and wait until they are on disk; return its producer."""
        producer = producer or Told()
        await self.take(producer, wire.started(**fields), wire.said("您好", seq=2))
        assert await self.calls.settle("c1") == 2
        return producer

    async def held(self, *call_ids):
        """Ask who has these calls until everybody has answered."""
        found = await self.calls.ownership.ask_held(call_ids, within_s=TIMEOUT_S)
        assert found.sure
        return found.calls

    async def until(self, found):
        """Wait for something that has to come."""
        async with asyncio.timeout(TIMEOUT_S):
            while not found():  # noqa: ASYNC110 - what happens elsewhere sets no event
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def workers(urls, folder, ruleset, book):
    """Run a worker for each address of Redis over one store; their clock is one list of one number."""
    now = [1_800_000_000.0]
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for url in urls:
            each = Worker(url, folder / "coach.sqlite3", ruleset, book, now=now)
            await stack.enter_async_context(each.bus.running())
            stack.push_async_callback(each.database.close)
            await each.store.open()
            stack.push_async_callback(each.store.close)
            stack.push_async_callback(each.calls.ownership.close)
            found.append(each)
        yield found


@pytest.fixture
def two(shared_valkey, tmp_path, ruleset, book):
    """Run a coroutine with two workers."""
    shared_valkey.say(b"FLUSHALL\r\n")

    def run(main):
        async def work():
            async with workers([shared_valkey.url] * 2, tmp_path, ruleset, book) as found:
                await main(*found)

        asyncio.run(work())

    return run


def test_whoever_takes_a_call_has_it_alone(two, wire):
    """The other one drops it at once and lets no time pass in it."""

    async def main(one, other):
        await one.begin(wire)
        await other.take(Told(), wire.said("我不知道", seq=3))
        await one.until(lambda: "c1" not in one.calls)
        assert "c1" in other.calls
        assert await one.held("c1", "c2") == {"c1"}
        assert await other.calls.settle("c1") == 3

    two(main)


def test_a_call_is_on_the_board_of_its_owner_only(two, wire):
    """Whoever had it before tells supervisors nothing of it any more."""

    async def main(one, other):
        await one.begin(wire, team="t1")
        assert [call["call_id"] for call in one.board.snapshot("t1")["calls"]] == ["c1"]
        await other.take(Told(), wire.said("我不知道", seq=3))
        await one.until(lambda: "c1" not in one.calls)
        assert one.board.snapshot("t1")["calls"] == []
        assert [call["call_id"] for call in other.board.snapshot("t1")["calls"]] == ["c1"]

    two(main)


def test_a_stale_write_is_looked_up_before_the_producer_hears_of_it(two, wire):
    """What the other worker stored already is acked; what it did not is written after all."""

    async def main(one, other):
        producer = await one.begin(wire)
        one.deaf()
        await other.take(Told(), wire.said("第三句", seq=3))
        await other.calls.settle("c1")
        assert "c1" in one.calls
        await one.take(producer, wire.said("第三句", seq=3), wire.said("第四句", seq=4))
        assert await one.calls.settle("c1") == 4
        assert producer.errors == []
        assert producer.acked == 4
        stored = await one.store.load_call("c1")
        assert [each.text for _, each in stored.heard] == ["您好", "第三句", "第四句"]

    two(main)


def test_a_stale_write_without_a_producer_takes_a_call_from_nobody(two, wire):
    """Whose producer went elsewhere, and who missed that, drops the call when the disk says so."""

    async def main(one, other):
        producer = await one.begin(wire)
        one.now[0] += 25
        await one.take(producer, wire.said("第", seq=3, utterance_id="u3", final=False))
        one.calls.forget_producer(producer, {"c1"})
        one.deaf()
        await other.take(Told(), wire.said("第三句", seq=3))
        await other.calls.settle("c1")
        one.calls.tick()
        await one.until(lambda: "c1" not in one.calls)
        assert await one.held("c1") == {"c1"}
        assert "c1" in other.calls

    two(main)


def test_a_gap_is_looked_up_before_the_producer_hears_of_it(two, wire):
    """Events that went to another worker are no gap."""

    async def main(one, other):
        producer = await one.begin(wire)
        one.deaf()
        await other.take(Told(), wire.said("第三句", seq=3), wire.said("第四句", seq=4))
        await other.calls.settle("c1")
        await one.take(producer, wire.said("第五句", seq=5))
        assert await one.calls.settle("c1") == 5
        assert producer.errors == []
        stored = await one.store.load_call("c1")
        assert len(stored.heard) == 4

    two(main)


def test_of_partial_words_the_last_are_heard_again(two, wire):
    """What another worker stored of a long breath is not asked for again, and the words go on where they were."""

    async def main(one, other):
        producer = await one.begin(wire)
        one.deaf()
        breath = [
            wire.said("嗯" * seq, seq=seq, utterance_id="u", revision=seq, final=False)
            for seq in range(3, 1003)
        ]
        await other.take(Told(), *breath[:10])
        assert await other.calls.settle("c1") == 12
        await one.take(producer, *breath)
        assert len(one.calls.find("c1").pending) == 1
        await one.take(producer, wire.said("好的", seq=1003))
        assert await one.calls.settle("c1") == 1003
        assert producer.errors == []
        heard = [each.utterance.text for each in one.calls.find("c1").call.transcript()]
        assert sorted(heard) == sorted(["您好", "嗯" * 1002, "好的"])

    two(main)


def test_a_call_that_was_read_again_meanwhile_is_not_read_a_third_time(two, wire):
    """Two events find the gap; whoever hears last that the disk is further goes on with what the first one read."""

    async def main(one, other):
        await one.begin(wire)
        one.deaf()
        await other.take(Told(), wire.said("第三句", seq=3), wire.said("第四句", seq=4))
        await other.calls.settle("c1")
        look, asked, go_on = one.calls.ownership.moved_on, asyncio.Event(), asyncio.Event()

        async def look_slowly(live):
            asked.set()
            await go_on.wait()
            return await look(live)

        one.calls.ownership.moved_on = look_slowly
        late = asyncio.create_task(one.take(Told(), wire.said("第六句", seq=6)))
        await asked.wait()
        one.calls.ownership.moved_on = look
        await one.take(Told(), wire.said("第五句", seq=5))
        renewed = one.calls.find("c1")
        go_on.set()
        await late
        assert one.calls.find("c1") is renewed
        assert await one.calls.settle("c1") == 6

    two(main)


def test_a_real_gap_is_told(two, wire):
    """What nobody has must be sent again."""

    async def main(one, other):
        from coach.errors import MessageError

        producer = Told()
        await one.take(producer, wire.started(), wire.said("您好", seq=2))
        with pytest.raises(MessageError) as refused:
            await one.take(producer, wire.said("第四句", seq=4))
        assert refused.value.code == "gap"
        await one.take(producer, wire.said("第三句", seq=3))
        assert await one.calls.settle("c1") == 4

    two(main)


def test_an_event_numbered_here_is_not_taken_for_another_workers(two, wire):
    """A vendor's event has its number from us: a stale write of it is refused, never acked as the other one."""

    async def main(one, other):
        vendor = await one.begin(wire, producer=Told(resends=False))
        one.deaf()
        await other.take(Told(resends=False), wire.said("别的话", seq=3))
        await other.calls.settle("c1")
        await one.take(vendor, wire.said("这句话", seq=3))
        await one.calls.settle("c1")
        assert vendor.errors == ["busy"]
        assert vendor.acked == 2

    two(main)


def test_a_call_that_ended_elsewhere_is_over_here_too(two, wire):
    """The producer is acked what is stored, and told that the rest is not taken."""

    async def main(one, other):
        producer = await one.begin(wire)
        one.deaf()
        await other.take(Told(), wire.ended(seq=3))
        await other.calls.settle("c1")
        await one.take(producer, wire.said("第三句", seq=3), wire.said("第四句", seq=4))
        await one.calls.settle("c1")
        await one.until(lambda: producer.errors)
        assert producer.errors == ["call_ended"]
        assert producer.acked == 3
        assert "c1" not in one.calls

    two(main)


def test_a_silent_call_is_ended_by_its_owner_only(two, wire):
    """Whoever sweeps leaves alone what is in another worker's memory."""

    async def main(one, other):
        await one.begin(wire)
        one.now[0] += 50
        await one.take(Told(), wire.said("还在", seq=3, final=False))
        one.now[0] += 20
        async with asyncio.timeout(TIMEOUT_S):
            await other.calls.abandoned.end()
        assert "c1" in one.calls
        assert (await other.store.load_call("c1")).ended_ms is None
        one.now[0] += 60
        one.calls.tick()
        await one.store.settle()
        assert (await other.store.load_call("c1")).ended_ms is not None

    two(main)


def test_a_call_is_not_ended_because_its_owner_answers_late(two, wire, monkeypatch):
    """Whoever has no time to say that a call is his has said on disk that it goes on."""
    monkeypatch.setattr(abandoned, "_ASK_S", 0.05)

    async def main(one, other):
        one.channel.on("held", lambda _: None)
        await one.begin(wire)
        one.now[0] += 50
        await one.take(Told(), wire.said("还在", seq=3, final=False))
        one.calls.tick()
        await one.store.settle()
        one.now[0] += 59
        await other.calls.abandoned.end()
        assert "c1" not in other.calls
        await one.take(Told(), wire.said("还在的", seq=4))
        assert await one.calls.settle("c1") == 4

    two(main)


def test_a_call_that_moves_while_others_are_asked_is_not_ended(two, wire, monkeypatch):
    """What was silent before the question is looked at again after it."""
    monkeypatch.setattr(abandoned, "_ASK_S", 0.05)

    async def main(one, other):
        await one.begin(wire)
        one.now[0] += 70
        survey = other.channel.survey

        async def survey_slowly(kind, **fields):
            await one.take(Told(), wire.said("还在", seq=3))
            await one.calls.settle("c1")
            await survey(kind, **fields)
            return Survey()

        other.channel.survey = survey_slowly
        await other.calls.abandoned.end()
        assert "c1" not in other.calls
        assert (await one.store.load_call("c1")).ended_ms is None

    two(main)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_nothing_is_ended_while_nobody_can_be_asked(two, wire, monkeypatch, when):
    """No answer over a bus that is away does not mean that nobody has the call."""
    monkeypatch.setattr(abandoned, "_ASK_S", 0.05)

    async def main(one, other):
        await one.take(Told(), wire.started())
        await one.calls.settle("c1")
        one.now[0] += 70
        if when == "before":
            other.bus.up = False
        else:

            def break_and_answer(asked):
                other.bus.generation += 1
                one.channel.answer(asked, call_ids=[])

            one.channel.on("held", break_and_answer)
        await other.calls.abandoned.end()
        assert (await one.store.load_call("c1")).ended_ms is None
        assert "c1" not in other.calls

    two(main)


@pytest.mark.usefixtures("patient")
def test_the_latest_call_of_an_agent_is_shown_wherever_it_is(two, wire):
    """A call that began later at another worker takes the place of one that is here."""

    async def main(one, other):
        await one.take(Told(), wire.started("c1"))
        one.now[0] += 5
        await other.take(Told(), wire.started("c2"))
        await one.until(lambda: one.hub.feed("agent:a1").call_id == "c2")
        feed = one.hub.feed("agent:a1")
        reader = feed.reader(limit=100)
        await feed.join(reader)
        async with asyncio.timeout(TIMEOUT_S):
            frame = await reader.next()
        assert b'"call_id":"c2"' in frame

    two(main)


def test_taking_a_call_over_is_logged_once(two, wire, caplog):
    """The log says where a call went, not with every event."""

    async def main(one, other):
        await one.begin(wire)
        with caplog.at_level(logging.INFO):
            await other.take(Told(), wire.said("三", seq=3), wire.said("四", seq=4))
            await one.until(lambda: "c1" not in one.calls)
        assert caplog.text.count("另一个进程接手") == 1

    two(main)
