"""A call as the disk knows it, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from coach.coaching.events import Utterance
from coach.service import schema

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import Row


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as the disk knows it.

    Attributes:
        heard: the finals in order, each with its seq.
        snoozes: in order: seq, rule, and whether it fell silent (True) or speaks again.
        moments: in the order of the call.
        moved_at: when it moved last, in seconds since 1970; None: an older program wrote it.
    """

    call_id: str
    agent_id: str
    started_at: float
    slots: dict[str, str]
    seq: int
    ended_ms: int | None
    heard: tuple[tuple[int, Utterance], ...]
    snoozes: tuple[tuple[int, str, bool], ...]
    moments: tuple[dict[str, Any], ...]
    team: str | None = None
    agent_name: str = ""
    moved_at: float | None = None


def read_call(connection: Connection, call_id: str) -> StoredCall | None:
    """Read a call with everything needed to hear it again; None when it was never started."""
    row = connection.execute(select(schema.calls).where(schema.calls.c.call_id == call_id)).first()
    if row is None:
        return None
    table = schema.utterances
    heard = connection.execute(
        select(table).where(table.c.call_id == call_id).order_by(table.c.seq, table.c.utterance_id)
    )
    table = schema.snoozes
    snoozes = connection.execute(
        select(table.c.seq, table.c.rule, table.c.quiet)
        .where(table.c.call_id == call_id)
        .order_by(table.c.seq, table.c.rule)
    )
    table = schema.moments
    moments = connection.execute(
        select(table).where(table.c.call_id == call_id).order_by(table.c.at_ms, table.c.id)
    )
    return StoredCall(
        call_id=call_id,
        agent_id=row.agent_id,
        started_at=row.started_at,
        slots=orjson.loads(row.slots),
        seq=row.seq,
        ended_ms=row.ended_ms,
        heard=tuple((each.seq, _utterance(each)) for each in heard),
        snoozes=tuple((each.seq, each.rule, each.quiet) for each in snoozes),
        moments=tuple(_moment(each) for each in moments),
        team=row.team,
        agent_name=row.agent_name,
        moved_at=row.moved_at,
    )


def _utterance(row: Row[Any]) -> Utterance:
    return Utterance(
        call_id=row.call_id,
        utterance_id=row.utterance_id,
        revision=row.revision,
        speaker=row.speaker,
        text=row.text,
        final=True,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
    )


def _moment(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "utterance_id": row.utterance_id,
        "kind": row.kind,
        "at_ms": row.at_ms,
        "turn": row.turn,
        "details": orjson.loads(row.details),
    }
