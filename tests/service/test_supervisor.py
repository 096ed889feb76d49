"""A supervisor's connection at another worker than the call he watches: real stores over a real Valkey."""

from __future__ import annotations

import asyncio
import json

import pytest
from test_ownership import TIMEOUT_S, Told, shared_valkey, two  # noqa: F401 - fixtures

from coach.service.rates import TeamRates
from coach.service.supervision import Supervision
from coach.service.supervisor import SupervisorDesk
from coach.service.team_messages import Unwatch, Watch
from coach.service.whispers import Whispers


def desk_of(worker, *, note):
    """A supervisor of the team t1 at a worker."""
    supervision = Supervision(
        board=worker.board,
        rates=TeamRates(worker.database, clock=lambda: worker.now[0]),
        whispers=Whispers(worker.database, masking=True, clock=lambda: worker.now[0]),
        calls=worker.calls,
        hub=worker.hub,
    )
    return SupervisorDesk(supervision, team="t1", sender="主管", limit=100, note=note)


async def next_of(reader):
    """Return the next message of a reader."""
    async with asyncio.timeout(TIMEOUT_S):
        return json.loads(await reader.next())


@pytest.mark.usefixtures("patient")
def test_who_stops_watching_takes_the_call_from_nobody(two, wire):  # noqa: F811
    """Idle feeds are dropped while his look is written down; the agent's sidebar goes on all the same."""

    async def main(one, other):
        async def note(call_id):
            other.calls.tick()

        await one.begin(wire, team="t1")
        desk = desk_of(other, note=note)
        await desk._act(Watch(type="watch", call_id="c1"))
        assert (await next_of(desk._reader))["event"]["type"] == "snapshot"
        feed = other.hub.feed("agent:a1")
        sidebar = feed.reader(limit=100)
        await feed.join(sidebar)
        assert (await next_of(sidebar))["type"] == "snapshot"
        await desk._act(Unwatch(type="unwatch", call_id="c1"))
        assert (await next_of(desk._reader))["type"] == "noted"
        await one.take(Told(), wire.said("请您稍等", seq=3))
        assert (await next_of(sidebar))["utterance_id"] == "u3"

    two(main)
