"""The calls that were stored last, read beside the store: the writer never waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import select

from coach.coaching.review_call import RecordedTurn
from coach.service import schema
from coach.service.sight import EVERYTHING

if TYPE_CHECKING:
    from pathlib import Path

    from coach.coaching.events import Speaker
    from coach.service.database import Database
    from coach.service.sight import Sight

RecordedCall = tuple[str, list[RecordedTurn]]
# Some 200 long calls; more would not be read and takes seconds.
_MAX_TURNS: Final = 20_000


async def recent_calls(
    database: Database, *, limit: int, agents: str = "", sight: Sight = EVERYTHING
) -> list[RecordedCall]:
    """Read the calls that began last, youngest first, with what was said in them.

    Args:
        limit: at most so many calls.
        agents: only calls of agents whose id begins like this.
        sight: only calls that it covers.

    Raises:
        DatabaseAwayError: it cannot be asked now.
    """
    calls, said = schema.calls.c, schema.utterances.c
    youngest = (
        select(calls.call_id)
        .where(calls.agent_id.startswith(agents, autoescape=True), sight.of_calls())
        .order_by(calls.started_at.desc(), calls.call_id.desc())
        .limit(limit)
    )
    async with database.reading() as connection:
        ids = list((await connection.execute(youngest)).scalars())
        rows = await connection.execute(
            select(said.call_id, said.speaker, said.text, said.start_ms, said.end_ms)
            .where(said.call_id.in_(ids))
            .order_by(said.call_id, said.seq, said.utterance_id)
            .limit(_MAX_TURNS)
        )
        turns: dict[str, list[RecordedTurn]] = {call_id: [] for call_id in ids}
        for row in rows:
            turns[row.call_id].append(RecordedTurn(row.speaker, row.text, row.start_ms, row.end_ms))
    return [(call_id, heard) for call_id, heard in turns.items() if heard]


def sample_calls(folder: Path) -> list[RecordedCall]:
    """Read the sample calls of the demo, for a server that has stored none yet; [] when there are none.

    Args:
        folder: holds index.json and a file for each call.
    """
    index = folder / "index.json"
    if not index.is_file():
        return []
    calls: list[RecordedCall] = []
    for entry in orjson.loads(index.read_bytes()):
        call = orjson.loads((folder / f"{entry['id']}.json").read_bytes())
        calls.append((str(call["title"]), [_turn(turn) for turn in call["turns"]]))
    return calls


def _turn(turn: dict[str, str | int]) -> RecordedTurn:
    speaker: Speaker = "customer" if turn["speaker"] == "customer" else "agent"
    return RecordedTurn(speaker, str(turn["text"]), int(turn["start_ms"]), int(turn["end_ms"]))
