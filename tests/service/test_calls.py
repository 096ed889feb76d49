"""The calls of one worker without a bus, in the test's own loop: what happens between two awaits."""

from __future__ import annotations

import asyncio

import pytest

from coach.service.auth import Principal
from coach.service.calls import Calls
from coach.service.database import Database
from coach.service.hub import Hub
from coach.service.messages import read_producer_event
from coach.service.ruleset import RuleSource
from coach.service.store import Store

EVERYBODY = Principal("admin", by_key=True)


class Told:
    """A producer that remembers what it was told."""

    resends = True

    def __init__(self) -> None:
        self.acked = {}
        self.errors = []

    def ack(self, call_id, seq):
        """Note an ack."""
        self.acked[call_id] = max(seq, self.acked.get(call_id, 0))

    def refuse(self, error, *, call_id, seq):
        """Note a refusal."""
        self.errors.append(error.code)


@pytest.fixture
def alone(tmp_path, ruleset, book):
    """Run a coroutine with the calls of a worker that is alone."""

    def run(main):
        async def work():
            database = Database(tmp_path / "coach.sqlite3")
            store = Store(database, max_waiting=100)
            rules = RuleSource(rules_dir=book / "rules", phrasebook_dir=book / "phrasebook")
            rules.load(ruleset)
            await store.open()
            try:
                await main(Calls(store=store, hub=Hub(keep=64), rules=rules, max_calls=100, idle_s=7200))
            finally:
                await store.close()
                await database.close()

        asyncio.run(work())

    return run


async def take(calls, producer, *events):
    """Take in events one after the other."""
    for event in events:
        await calls.accept(read_producer_event(event), producer=producer, principal=EVERYBODY)


def test_a_call_started_on_two_connections_at_once_is_built_once(alone, wire):
    """Both wait for the same look at the disk: whoever comes second joins, and nothing acked is asked for again."""

    async def main(calls):
        first, second = Told(), Told()
        await asyncio.gather(
            take(calls, first, wire.started(), wire.said("二", seq=2), wire.said("三", seq=3)),
            take(calls, second, wire.started()),
        )
        assert await calls.settle("c1") == 3
        await take(calls, second, wire.said("四", seq=4))
        assert await calls.settle("c1") == 4
        assert second.acked == {"c1": 4}

    alone(main)


def test_alone_nothing_is_kept_to_be_heard_again(alone, wire):
    """Nobody else can move a call on, so however long somebody speaks without a final, nothing piles up."""

    async def main(calls):
        await take(calls, Told(), wire.started())
        for seq in range(2, 1000):
            await take(calls, Told(), wire.said("嗯", seq=seq, utterance_id="u", revision=seq, final=False))
        assert calls.find("c1").pending is None

    alone(main)


def test_a_partial_costs_no_write(alone, wire):
    """Nothing waits for the disk because of one."""

    async def main(calls):
        await take(calls, Told(), wire.started())
        await calls.settle("c1")
        for seq in range(2, 100):
            await take(
                calls, Told(), wire.said("嗯" * seq, seq=seq, utterance_id="u", revision=seq, final=False)
            )
        calls.tick()
        assert calls.find("c1").unwritten == 0
        assert calls.find("c1").committed == 1

    alone(main)
