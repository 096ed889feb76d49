"""Several processes write to one database: nothing is lost, and of two that move a call on, one wins."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest
import writers

from coach.errors import CoachError, MessageError
from coach.service.batch import Batch, Write, started_row
from coach.service.commit import advance_calls, write_rows
from coach.service.database import Database
from coach.service.decisions import Decisions, HitPlace
from coach.service.migrate import upgrade
from coach.service.store import Store

pytestmark = pytest.mark.databases

PROGRAM = Path(writers.__file__)
PLACE = HitPlace("", "c1", "u1", "ignorance/bare-dont-know", 0, 4)
HIT = {"agent_id": "a1", "text": "我不知道", "digest": "d"}


@pytest.fixture
def place(database_url, tmp_path):
    """A database with the tables."""
    if database_url:
        return database_url
    file = tmp_path / "state" / "coach.sqlite3"
    file.parent.mkdir()

    async def work():
        database = Database(file)
        await upgrade(database)
        await database.close()

    asyncio.run(work())
    return file


def together(place, *asked):
    """Run a writer for each of `asked`, all at once; return what they tell."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), orjson.dumps({"place": str(place), **each}).decode()],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for each in asked
    ]
    outputs = [each.communicate(timeout=60)[0] for each in processes]
    assert [each.returncode for each in processes] == [0] * len(processes)
    return [orjson.loads(each) for each in outputs]


def test_writers_of_different_calls_do_not_disturb_each_other(place, disk):
    """Every step of each is stored, and no commit failed, also where they answer for the other's calls."""
    mine, yours = ([f"{name}{number}" for number in range(8)] for name in "xy")
    told = together(
        place,
        {"name": "x", "calls": mine, "goal": 12, "others": yours},
        {"name": "y", "calls": yours, "goal": 12, "others": mine[::-1]},
    )
    assert [each["failed"] for each in told] == [0, 0]
    assert [len(each["won"]) for each in told] == [96, 96]
    assert sorted(disk("SELECT call_id, seq FROM calls")) == [(each, 12) for each in mine + yours]
    assert disk("SELECT count(*) FROM utterances") == [(192,)]


def test_of_writers_of_the_same_calls_one_wins_each_step(place, disk):
    """Each step was told to one writer as done, and what is stored of it are that writer's words."""
    calls = [f"c{number}" for number in range(6)]
    asked = {"calls": calls, "goal": 15, "others": calls}
    told = together(place, {"name": "x", **asked}, {**asked, "name": "y", "others": calls[::-1]})
    won = [tuple(step) for each in told for step in each["won"]]
    assert [each["failed"] for each in told] == [0, 0]
    assert Counter((call_id, seq) for call_id, seq, _ in won) == {
        (call_id, seq): 1 for call_id in calls for seq in range(1, 16)
    }
    assert sorted(disk("SELECT call_id, seq, text FROM utterances")) == sorted(won)


def test_a_commit_whose_answer_was_lost_is_not_taken_for_another_writer(place):
    """Repeated, alone or with more, it counts; the same step of another writer does not."""
    row = started_row(call_id="c1", agent_id="a", started_at=1.0, slots={})
    first = Batch.of([Write("c1", advance=(0, 1), started=row)])
    more = Batch.of([Write("c1", advance=(0, 1), started=row), Write("c1", advance=(1, 2))])

    async def work():
        database = Database(place)
        found = []
        for batch, writer in (
            (first, "x"),
            (first, "y"),
            (first, "x"),
            (more, "x"),
            (first, "x"),
            (more, "y"),
        ):
            async with database.transaction() as connection:
                found.append(await connection.run_sync(advance_calls, batch, touched=["c1"], writer=writer))
                await connection.run_sync(write_rows, batch)
        await database.close()
        return found

    assert asyncio.run(work()) == [set(), {"c1"}, set(), set(), {"c1"}, {"c1"}]


def commit(place, *asked):
    """Commit writes one after the other, each by the writer named with it; return who was told that his is stale."""

    async def work():
        database = Database(place)
        late = []
        for write, writer in asked:
            async with database.transaction() as connection:
                batch = Batch.of([write])
                stale = await connection.run_sync(advance_calls, batch, touched=["c1"], writer=writer)
                if stale:
                    late.append(writer)
                else:
                    await connection.run_sync(write_rows, batch)
        await database.close()
        return late

    return asyncio.run(work())


def test_nobody_moves_a_call_that_another_writer_ended(place, disk):
    """Its end by time-out has no seq of its own, and still comes once."""
    row = started_row(call_id="c1", agent_id="a", started_at=1.0, slots={})
    late = commit(
        place,
        (Write("c1", advance=(0, 1), started=row), "x"),
        (Write("c1", advance=(1, 1), ended_ms=10), "y"),
        (Write("c1", advance=(1, 1), ended_ms=99), "x"),
        (Write("c1", advance=(1, 2)), "z"),
        (Write("c1", advance=(1, 1), ended_ms=10), "y"),
    )
    assert late == ["x", "z"]
    assert disk("SELECT seq, ended_ms FROM calls") == [(1, 10)]


def test_when_a_call_moved_last_does_not_go_back(place, disk):
    """A writer that is behind does not make it look more silent than it is."""
    row = started_row(call_id="c1", agent_id="a", started_at=1.0, slots={})
    late = commit(
        place,
        (Write("c1", advance=(0, 1), moved_at=1.0, started=row), "x"),
        (Write("c1", advance=(1, 1), moved_at=30.0), "y"),
        (Write("c1", advance=(1, 1), moved_at=20.0), "x"),
        (Write("c1", advance=(1, 2)), "x"),
    )
    assert late == []
    assert disk("SELECT seq, moved_at FROM calls") == [(2, 30.0)]


def test_a_call_that_the_database_refuses_does_not_hold_up_the_others(place, disk):
    """Its writer is told; what came with it is stored."""

    async def work():
        database = Database(place)
        store = Store(database, max_waiting=10)
        await store.open()
        good = started_row(call_id="good", agent_id="a", started_at=1.0, slots={})
        wrong = {**started_row(call_id="wrong", agent_id="a", started_at=1.0, slots={}), "agent_id": None}
        results = await asyncio.gather(
            store.put(Write("wrong", advance=(0, 1), started=wrong)),
            store.put(Write("good", advance=(0, 1), started=good)),
            return_exceptions=True,
        )
        await store.close()
        await database.close()
        return results, store.error

    (refused, stored), error = asyncio.run(work())
    assert (type(refused), stored, error) == (CoachError, None, "")
    assert disk("SELECT call_id FROM calls") == [("good",)]


def test_of_reviewers_who_settle_an_appeal_at_once_one_is_first(place):
    """In processes of their own: the others are told that nothing is left to settle; the history has no gap."""

    async def work():
        databases = [Database(place) for _ in range(4)]
        desks = [Decisions(each, masking=True, clock=lambda: 1.0) for each in databases]
        try:
            await asyncio.gather(
                *(each.decide(PLACE, hit=HIT, verdict="right", reason="", reviewer="r") for each in desks)
            )
            key = PLACE.decision_id
            appeals = await asyncio.gather(
                *(each.appeal(key, text="x", who="a1") for each in desks), return_exceptions=True
            )
            settled = await asyncio.gather(
                *(each.settle(key, verdict="wrong", reason="y", reviewer="r") for each in desks),
                return_exceptions=True,
            )
            return appeals, settled, await desks[0].get(key)
        finally:
            for each in databases:
                await each.close()

    appeals, settled, decision = asyncio.run(work())
    for results in (appeals, settled):
        refused = [each for each in results if isinstance(each, MessageError)]
        assert [each.code for each in refused] == ["conflict"] * 3
    assert [step["kind"] for step in decision["history"]] == ["decided"] * 4 + ["appealed", "settled"]
