"""The hits of one review, for people who judge them: one small database beside the results.

The process that reviews writes it once; the service only reads.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from coach.review.names import AgentNames
from coach.review.result import read_results
from coach.review.wording import wording

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.review.result import CallResult

FILE: Final = "hits.sqlite3"
_MANY: Final = 1000

_metadata = MetaData()
_hits = Table(
    "hits",
    _metadata,
    # From 1, in the order of the results.
    Column("n", Integer, primary_key=True),
    Column("call_id", String(128), nullable=False),
    Column("agent_id", String(128), nullable=False),
    # As people are to see him: a code, unless the review names agents.
    Column("agent", String(128), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("rule", String(128), nullable=False),
    Column("category", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("suggestion", Text, nullable=False),
    Column("digest", String(64), nullable=False),
)
Index("hits_rule", _hits.c.rule, _hits.c.n)
Index("hits_call", _hits.c.call_id)


def write_hits(out: Path, *, anonymous: bool, lang: str) -> None:
    """Write the hits of the results in `out`; the file appears only when it is complete.

    Raises:
        TranscriptError: results.jsonl is missing or broken.
        OSError: the file cannot be written.
    """
    hidden = out / f".{FILE}.tmp"
    hidden.unlink(missing_ok=True)
    names = AgentNames(anonymous=anonymous, prefix=wording(lang)("agent-prefix"))
    engine = create_engine(f"sqlite:///{hidden}")
    try:
        with engine.begin() as connection:
            _metadata.create_all(connection)
            rows: list[dict[str, Any]] = []
            number = 0
            for result in read_results(out / "results.jsonl"):
                # Codes are given in the order of first calls, hits or not: as in the report.
                agent = names.of(result.agent_id)
                for row in _rows(result, names, agent):
                    number += 1
                    rows.append({"n": number, **row})
                if len(rows) >= _MANY:
                    connection.execute(insert(_hits), rows)
                    rows = []
            if rows:
                connection.execute(insert(_hits), rows)
    finally:
        engine.dispose()
    hidden.replace(out / FILE)


def _rows(result: CallResult, names: AgentNames, agent: str) -> Iterator[dict[str, Any]]:
    def hide(text: str) -> str:
        return names.hide(text, result.agent_id)

    for hit in result.hits:
        before = result.turns[hit.turn - 1].text if hit.turn else ""
        yield {
            "call_id": result.id,
            "agent_id": result.agent_id,
            "agent": agent,
            "turn": hit.turn,
            "rule": hit.rule,
            "category": hit.category,
            "title": hit.title,
            "severity": hit.severity,
            "start": hit.start,
            "end": hit.end,
            "at_ms": hit.at_ms,
            "text": hide(hit.text),
            "said": hide(result.turns[hit.turn].text),
            "before": hide(before),
            "suggestion": hide(hit.suggestion),
            "digest": result.digest,
        }


async def read_hits(out: Path, *, rule: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Read hits in the order of the results, `after` that number; `rule` "" reads those of every rule."""
    query = select(_hits).where(_hits.c.n > after).order_by(_hits.c.n).limit(limit)
    if rule:
        query = query.where(_hits.c.rule == rule)
    async with _reading(out) as connection:
        rows = (await connection.execute(query)).mappings()
        return [{str(name): value for name, value in row.items()} for row in rows]


async def find_hit(
    out: Path, *, call_id: str, turn: int, rule: str, start: int, end: int
) -> Mapping[str, Any] | None:
    """Find one hit by its place; None when the review has none there."""
    columns = _hits.c
    query = select(_hits).where(
        columns.call_id == call_id,
        columns.turn == turn,
        columns.rule == rule,
        columns.start == start,
        columns.end == end,
    )
    async with _reading(out) as connection:
        row = (await connection.execute(query.limit(1))).mappings().first()
        return None if row is None else {str(name): value for name, value in row.items()}


async def count_hits(out: Path) -> list[tuple[str, str, int]]:
    """Count the hits by rule: id, title, count; the most frequent first."""
    count = func.count().label("count")
    query = (
        select(_hits.c.rule, func.max(_hits.c.title), count)
        .group_by(_hits.c.rule)
        .order_by(count.desc(), _hits.c.rule)
    )
    async with _reading(out) as connection:
        return [(row[0], row[1], row[2]) for row in await connection.execute(query)]


@asynccontextmanager
async def _reading(out: Path) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///file:{out / FILE}?mode=ro&immutable=1&uri=true", poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()
