"""The outbox on both databases: who delivers what, in which order, and what a dead worker leaves behind."""

from __future__ import annotations

import asyncio

import pytest

from coach.service.batch import Batch, Write, started_row
from coach.service.commit import advance_calls, write_rows
from coach.service.database import Database
from coach.service.migrate import open_database
from coach.service.webhooks.endpoints import Endpoints
from coach.service.webhooks.events import EventWriter
from coach.service.webhooks.outbox import Done, Outbox

pytestmark = pytest.mark.databases

NOW = 1_000_000.0


class Office:
    """A database with one endpoint that wants to know when calls end."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.endpoints = Endpoints(database, private=True, clock=lambda: NOW)
        self.writer = EventWriter("default", clock=lambda: NOW)
        self.id = ""

    def worker(self, owner: str, *, lease_s: float = 60.0) -> Outbox:
        """A worker of that name."""
        return Outbox(self.database, owner=owner, lease_s=lease_s)

    async def claim(self, worker: Outbox, *, limit: int = 10, now: float = NOW) -> list[str]:
        """What a worker is given, as `call type`."""
        return [f"{due.call_id} {due.type}" for due in await worker.turn([], {self.id: limit}, now=now)]

    async def scored(self, worker: Outbox) -> Outbox:
        """Make every score there is to make, and return the worker."""
        for due in await worker.unmade([self.id], limit=10, now=NOW):
            await worker.made(due.id, "{}")
        return worker

    async def commit(self, *writes: Write, fail: bool = False) -> None:
        """Write as the store does; `fail` undoes it at the end."""
        batch = Batch.of(writes)
        touched = {write.call_id for write in writes}
        async with self.database.transaction() as connection:
            await connection.run_sync(advance_calls, batch, touched=touched, writer="test")
            await connection.run_sync(write_rows, batch)
            await connection.run_sync(self.writer.write, batch)
            if fail:
                raise InterruptedError

    async def call(self, call_id: str, **options) -> None:
        """A call that starts and ends."""
        row = started_row(call_id=call_id, agent_id="a1", started_at=NOW, slots={})
        await self.commit(Write(call_id, advance=(0, 1), started=row, ended_ms=1000), **options)


@pytest.fixture
def office(tmp_path, database_url):
    """Run a coroutine function with an `Office` whose endpoint wants the given events."""

    def run(work, *, events=("call.ended",)):
        async def within():
            database = Database(database_url or tmp_path / "coach.sqlite3", pool=10)
            try:
                await open_database(database)
                office = Office(database)
                office.id = (await office.endpoints.add("http://127.0.0.1:9/", events)).id
                await work(office)
            finally:
                await database.close()

        asyncio.run(within())

    return run


def test_an_event_is_there_with_its_commit_and_not_without(office):
    """What is undone was never to be told."""

    async def work(office: Office):
        await office.call("c1")
        with pytest.raises(InterruptedError):
            await office.call("c2", fail=True)
        assert await office.claim(office.worker("w1")) == ["c1 call.ended"]

    office(work)


def test_a_commit_that_is_made_again_tells_nothing_twice(office):
    """Its answer was lost, so the store did it again."""

    async def work(office: Office):
        await office.call("c1")
        await office.call("c1")
        assert (await office.worker("w1").depth()).waiting == 1

    office(work)


def test_no_row_is_given_to_two_workers(office):
    """Several workers that ask at the same moment share what is there."""

    async def work(office: Office):
        for number in range(40):
            await office.call(f"c{number}")
        workers = [office.worker(f"w{number}") for number in range(8)]
        rounds = [
            await asyncio.gather(*(office.claim(worker, limit=3) for worker in workers)) for _ in range(2)
        ]
        given = [call for each in rounds for calls in each for call in calls]
        assert len(given) == len(set(given)) == 40

    office(work)


def test_a_worker_that_died_gives_its_rows_back(office):
    """When its lease runs out, not before; what it says afterwards counts no more."""

    async def work(office: Office):
        await office.call("c1")
        dead, heir = office.worker("w1"), office.worker("w2")
        (due,) = await dead.turn([], {office.id: 10}, now=NOW)
        assert await office.claim(heir, now=NOW + 59) == []
        assert await office.claim(heir, now=NOW + 61) == ["c1 call.ended"]
        await dead.turn([Done(due.n, 1, delivered=True)], {}, now=NOW + 62)
        assert (await heir.depth()).waiting == 1
        await heir.turn([Done(due.n, 1, delivered=True)], {}, now=NOW + 62)
        assert (await heir.depth()).waiting == 0

    office(work)


def test_a_service_that_is_alone_takes_back_everything_at_once(office):
    """Nobody else can have it after a crash."""

    async def work(office: Office):
        await office.call("c1")
        await office.claim(office.worker("w1"))
        heir = office.worker("w2")
        await heir.give_back(everybody=True)
        assert await office.claim(heir) == ["c1 call.ended"]

    office(work)


def test_what_is_under_way_holds_back_the_rest_of_its_call_only(office):
    """Of a call and endpoint one event at a time, of other calls as many as are free."""

    async def work(office: Office):
        await office.call("c1")
        await office.call("c2")
        worker = await office.scored(office.worker("w1"))
        assert await office.claim(worker) == ["c1 call.ended", "c2 call.ended"]
        assert await office.claim(worker) == []
        await worker.turn([Done(1, 1, delivered=True)], {}, now=NOW)
        assert await office.claim(worker) == ["c1 call.score"]

    office(work, events=("call.ended", "call.score"))


def test_after_three_failures_the_rest_of_the_call_passes(office):
    """Twice it holds them back, the third time not."""

    async def work(office: Office):
        await office.call("c1")
        worker = await office.scored(office.worker("w1"))
        seen = []
        for tries in (1, 2, 3):
            (due,) = await worker.turn([], {office.id: 10}, now=NOW)
            seen.append(due.type)
            assert await office.claim(worker) == []
            await worker.turn([Done(due.n, tries, next_at=NOW)], {}, now=NOW)
        assert seen == ["call.ended"] * 3
        assert await office.claim(worker) == ["c1 call.ended", "c1 call.score"]

    office(work, events=("call.ended", "call.score"))


def test_a_row_is_not_tried_before_its_time(office):
    """What failed waits, and nothing is due meanwhile."""

    async def work(office: Office):
        await office.call("c1")
        worker = office.worker("w1")
        (due,) = await worker.turn([], {office.id: 10}, now=NOW)
        failed = Done(due.n, 1, next_at=NOW + 5, status=500, says="HTTP 500")
        await worker.turn([failed], {}, now=NOW)
        assert await worker.next_at() == NOW + 5
        assert await office.claim(worker, now=NOW + 4) == []
        (again,) = await worker.turn([], {office.id: 10}, now=NOW + 5)
        assert (again.body, again.tries) == (due.body, 1)

    office(work)


def test_a_score_is_made_once_for_all_who_are_told(office):
    """It is no delivery before it is made; two makers never make the same one."""

    async def work(office: Office):
        other = (await office.endpoints.add("http://127.0.0.1:10/", ["call.score"])).id
        await office.call("c1")
        worker, heir = office.worker("w1"), office.worker("w2")
        assert await worker.turn([], {office.id: 10, other: 10}, now=NOW) == []
        (first, second) = await worker.unmade([office.id, other], limit=10, now=NOW)
        assert await heir.unmade([office.id, other], limit=10, now=NOW) == []
        assert (first.id, first.body) == (second.id, None)
        await worker.made(first.id, '{"made": 1}')
        told = await heir.turn([], {office.id: 10, other: 10}, now=NOW)
        assert [(each.type, each.body) for each in told] == [("call.score", '{"made": 1}')] * 2

    office(work, events=("call.score",))


def test_dead_letters_are_kept_and_tried_anew(office):
    """One of them or all; counted apart from what waits."""

    async def work(office: Office):
        await office.call("c1")
        await office.call("c2")
        worker = office.worker("w1")
        due = await worker.turn([], {office.id: 10}, now=NOW)
        await worker.turn([Done(each.n, 8, status=500, says="HTTP 500") for each in due], {}, now=NOW)
        depth = await worker.depth()
        assert (depth.waiting, depth.dead, depth.oldest_at) == (0, 2, None)
        letters = await worker.dead()
        assert [(each.call_id, each.says) for each in letters] == [("c1", "HTTP 500"), ("c2", "HTTP 500")]
        assert [each.call_id for each in await worker.dead(after=letters[0].n)] == ["c2"]
        assert await worker.retry(letters[1].id, now=NOW) == 1
        assert await office.claim(worker) == ["c2 call.ended"]
        assert await worker.retry(None, now=NOW) == 1
        assert await office.claim(worker) == ["c1 call.ended"]

    office(work)


def test_an_endpoint_takes_with_it_what_waited_for_it(office):
    """Removed; disabled, it leaves dead letters instead."""

    async def work(office: Office):
        await office.call("c1")
        worker = office.worker("w1")
        assert await worker.give_up(office.id, reason="停用") == 1
        assert [each.says for each in await worker.dead()] == ["停用"]
        await office.endpoints.remove(office.id)
        assert (await worker.depth()).dead == 0

    office(work)


def test_a_disabled_endpoint_is_noted_nothing_for(office):
    """What happens meanwhile is gone for it, as documented."""

    async def work(office: Office):
        await office.endpoints.change(office.id, state="disabled")
        await office.call("c1")
        assert (await office.worker("w1").depth()).waiting == 0

    office(work)
