"""The statements that put one batch on disk, inside the transaction of the store's writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.sqlite import insert

from coach.service import schema

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.batch import Batch, Row

# How long the answer to a batch is kept, and how many.
ANSWER_KEPT_S: Final = 86_400
ANSWERS_KEPT: Final = 500_000


async def advance_calls(connection: AsyncConnection, batch: Batch) -> set[str]:
    """Move each call's seq from the value its writer knows; return the calls where that was not it."""
    if not batch.advances:
        return set()
    if batch.started:
        await connection.execute(insert(schema.calls).on_conflict_do_nothing(), list(batch.started.values()))
    moved = await connection.execute(
        text("UPDATE calls SET seq = :after WHERE call_id = :call_id AND seq = :before"),
        [
            {"call_id": call_id, "before": before, "after": after}
            for call_id, (before, after) in batch.advances.items()
        ],
    )
    if moved.rowcount == len(batch.advances):
        return set()
    known = {
        row.call_id: row.seq
        for row in await connection.execute(
            select(schema.calls.c.call_id, schema.calls.c.seq).where(
                schema.calls.c.call_id.in_(batch.advances)
            )
        )
    }
    return {call_id for call_id, (_, after) in batch.advances.items() if known.get(call_id) != after}


async def write_rows(connection: AsyncConnection, batch: Batch) -> None:
    """Write everything of a batch but the seqs; what is there already is written over."""
    for table, rows in (
        (schema.utterances, batch.utterances),
        (schema.advice, batch.advice),
        (schema.moments, batch.moments),
        (schema.feedback, batch.feedback),
        (schema.snoozes, batch.snoozes),
    ):
        if rows:
            statement = insert(table)
            changed: dict[str, Any] = {
                column.name: statement.excluded[column.name]
                for column in table.columns
                if not column.primary_key
            }
            if table is schema.advice:
                # Given again after a restart: what the agent made of it stays.
                changed["outcome"] = func.coalesce(statement.excluded.outcome, schema.advice.c.outcome)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed),
                list(rows.values()),
            )
    if batch.outcomes:
        await connection.execute(
            text("UPDATE advice SET outcome = :outcome WHERE id = :id"),
            [{"id": each, "outcome": outcome} for each, outcome in batch.outcomes.items()],
        )
    if batch.withdrawn:
        table = schema.advice
        await connection.execute(update(table).where(table.c.id.in_(batch.withdrawn)).values(withdrawn=True))
    if batch.undone:
        await connection.execute(
            text("DELETE FROM feedback WHERE advice_id = :advice_id AND kind = :kind"),
            [{"advice_id": advice_id, "kind": kind} for advice_id, kind in batch.undone],
        )
    if batch.ended:
        await connection.execute(
            text("UPDATE calls SET ended_ms = :ended_ms WHERE call_id = :call_id"),
            [{"call_id": call_id, "ended_ms": at_ms} for call_id, at_ms in batch.ended.items()],
        )
    if batch.answers:
        await _keep_answers(connection, list(batch.answers.values()))


async def _keep_answers(connection: AsyncConnection, rows: list[Row]) -> None:
    """Keep answers for repeated requests, and forget those that are too old or too many."""
    await connection.execute(
        text("DELETE FROM batch_answers WHERE at < :before"),
        {"before": max(row["at"] for row in rows) - ANSWER_KEPT_S},
    )
    await connection.execute(insert(schema.batch_answers).on_conflict_do_nothing(), rows)
    # Numbered as they come, so the oldest of too many are found without counting.
    await connection.execute(
        text("DELETE FROM batch_answers WHERE n <= (SELECT max(n) FROM batch_answers) - :kept"),
        {"kept": ANSWERS_KEPT},
    )
