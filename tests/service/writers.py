"""A process of its own that writes to a store, as one worker of several does; see test_writers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import orjson

from coach.coaching.events import Utterance
from coach.service.batch import Write, started_row, utterance_row
from coach.service.database import Database
from coach.service.meter import Meter
from coach.service.store import StaleCallError, Store


async def write(place: str | Path, *, name: str, calls: list[str], goal: int, others: list[str]) -> dict:
    """Move every call on until its seq is `goal`; say which steps were ours and how often a commit failed.

    Between the steps it answers for advice of `others`, in an order of its own, without moving them.
    """
    database, meter = Database(place), Meter()
    store = Store(database, max_waiting=10_000, meter=meter)
    await store.open()
    won: list[list[object]] = []

    async def talk(call_id: str) -> None:
        stored = await store.load_call(call_id)
        seq = stored.seq if stored else 0
        while seq < goal:
            text = f"{name} {call_id} {seq + 1}"
            spoken = Utterance(call_id, f"u{seq + 1}", 1, "agent", text, True, seq, seq + 1)
            begun = started_row(call_id=call_id, agent_id=name, started_at=1.0, slots={}) if not seq else None
            try:
                await store.put(
                    Write(
                        call_id,
                        advance=(seq, seq + 1),
                        started=begun,
                        utterance=utterance_row(spoken, seq=seq + 1),
                    )
                )
            except StaleCallError:
                stored = await store.load_call(call_id)
                seq = stored.seq
            else:
                seq += 1
                won.append([call_id, seq, text])

    async def answer() -> None:
        for turn in range(goal):
            for each in others:
                row = {"advice_id": f"{each}-a", "kind": "verdict", "value": name, "at": float(turn)}
                store.put(Write(each, feedback=row))
                await store.put(Write(each, undone=(f"{each}-b", "verdict")))

    await asyncio.gather(*map(talk, calls), answer())
    await store.close()
    await database.close()
    return {"won": won, "failed": meter.failed_commits}


if __name__ == "__main__":
    asked = orjson.loads(sys.argv[1])
    where = asked.pop("place")
    told = asyncio.run(write(where if "://" in where else Path(where), **asked))
    sys.stdout.buffer.write(orjson.dumps(told))
