"""The statements that put one batch on disk, inside the transaction of the store's writer.

Several processes may write: each first locks the calls of its batch, in one order, so that none waits for
another in a ring; whatever else a batch changes belongs to those calls. Nothing here awaits: see `Database.commit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, func, select, update

from coach.service import schema
from coach.service.database import among, insert_new, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection

    from coach.service.batch import Batch, Row

# How long the answer to a batch is kept, and how many.
ANSWER_KEPT_S: Final = 86_400
ANSWERS_KEPT: Final = 500_000
# Answers forgotten in one transaction; more than are given in one.
_FORGOTTEN: Final = 2_000

_calls, _answers = schema.calls.c, schema.batch_answers.c
_ADVANCE: Final = (
    update(schema.calls)
    .where(_calls.call_id == bindparam("call"))
    .values(
        seq=bindparam("after"),
        writer=bindparam("by"),
        moved_at=bindparam("at"),
    )
)
_END: Final = (
    update(schema.calls).where(_calls.call_id == bindparam("call")).values(ended_ms=bindparam("at_ms"))
)
_OUTCOME: Final = (
    update(schema.advice).where(schema.advice.c.id == bindparam("advice")).values(outcome=bindparam("how"))
)
_UNDO: Final = delete(schema.feedback).where(
    schema.feedback.c.advice_id == bindparam("advice"), schema.feedback.c.kind == bindparam("which")
)


def advance_calls(connection: Connection, batch: Batch, *, touched: Iterable[str], writer: str) -> set[str]:
    """Move each call's seq from the value its writer knows; return the calls where that was not it.

    Nor does anybody move a call that another writer ended: an end by time-out has no seq of its own.

    Args:
        touched: every call that the batch changes something of.
        writer: the id of who writes. What the same writer moved already counts: that commit was done though its
            answer got lost.
    """
    if batch.started:
        rows = [batch.started[call_id] for call_id in sorted(batch.started)]
        connection.execute(insert_new(connection, schema.calls), rows)
    locked = (
        select(_calls.call_id, _calls.seq, _calls.writer, _calls.ended_ms, _calls.moved_at)
        .where(among(connection, _calls.call_id, set(touched)))
        .order_by(_calls.call_id)
        .with_for_update()
    )
    known = {row.call_id: row for row in connection.execute(locked)}
    moves, stale = [], set()
    for call_id, (before, after) in sorted(batch.advances.items()):
        row = known.get(call_id)
        mine = row is not None and row.writer == writer
        if row is not None and (
            before <= row.seq <= after if mine else row.seq == before and row.ended_ms is None
        ):
            at = max(row.moved_at or 0.0, batch.moved_at.get(call_id, 0.0))
            moves.append({"call": call_id, "after": after, "by": writer, "at": at or None})
        else:
            stale.add(call_id)
    if moves:
        connection.execute(_ADVANCE, moves)
    return stale


def write_rows(connection: Connection, batch: Batch) -> None:
    """Write everything of a batch but the seqs; what is there already is written over."""
    for table, rows in (
        (schema.utterances, batch.utterances),
        (schema.advice, batch.advice),
        (schema.moments, batch.moments),
        (schema.feedback, batch.feedback),
        (schema.snoozes, batch.snoozes),
    ):
        if rows:
            # Advice given again after a restart: what the agent made of it stays.
            keep = ("outcome",) if table is schema.advice else ()
            connection.execute(upsert(connection, table, keep=keep), list(rows.values()))
    if batch.outcomes:
        connection.execute(
            _OUTCOME, [{"advice": each, "how": outcome} for each, outcome in batch.outcomes.items()]
        )
    if batch.withdrawn:
        table = schema.advice
        connection.execute(
            update(table).where(among(connection, table.c.id, batch.withdrawn)).values(withdrawn=True)
        )
    if batch.undone:
        connection.execute(_UNDO, [{"advice": advice_id, "which": kind} for advice_id, kind in batch.undone])
    if batch.ended:
        connection.execute(
            _END, [{"call": call_id, "at_ms": at_ms} for call_id, at_ms in batch.ended.items()]
        )
    if batch.answers:
        _keep_answers(connection, [batch.answers[each] for each in sorted(batch.answers)])


def _keep_answers(connection: Connection, rows: list[Row]) -> None:
    """Keep answers for repeated requests, and forget those that are too old or too many."""
    _forget(connection, _answers.at < max(row["at"] for row in rows) - ANSWER_KEPT_S)
    connection.execute(insert_new(connection, schema.batch_answers), rows)
    # Numbered as they come, so the oldest of too many are found without counting.
    newest = select(func.max(_answers.n)).scalar_subquery()
    _forget(connection, _answers.n <= newest - ANSWERS_KEPT)


def _forget(connection: Connection, which: ColumnElement[bool]) -> None:
    # What another writer is forgetting is left to it.
    found = select(_answers.n).where(which).limit(_FORGOTTEN).with_for_update(skip_locked=True)
    connection.execute(delete(schema.batch_answers).where(_answers.n.in_(found)))
