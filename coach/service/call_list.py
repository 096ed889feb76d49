"""`GET /v1/calls`: which calls are stored, page by page, youngest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations
from sqlalchemy import ColumnElement, Integer, func, literal_column, select

from coach.errors import MessageError
from coach.service import schema
from coach.service.render import timestamp
from coach.service.responses import JsonResponse
from coach.service.rest import Known, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

# Rows looked at for one page: an agent with few calls among millions must not cost a scan of them all.
_MAX_LOOKED_AT: Final = 100_000
_rowid: ColumnElement[int] = literal_column("calls.rowid", Integer)

router = APIRouter()


@router.get("/v1/calls")
async def list_calls(
    request: Request,
    principal: Known,
    agent_id: Annotated[str | None, Query(max_length=128, description="Only this agent's.")] = None,
    live: Annotated[bool | None, Query(description="Only those that go on, or are over.")] = None,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{1,18}$", description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many.")] = 50,
) -> Response:
    """List stored calls, youngest first; a page may hold fewer than `limit` while there is a `next`."""
    if principal.agent_id is not None:
        if agent_id not in {None, principal.agent_id}:
            raise MessageError("not_allowed", "令牌不包含该坐席", field="agent_id")
        agent_id = principal.agent_id
    tenant = tenant_of(request, principal)
    async with tenant.store.reading() as connection:
        rows, after = await _page(
            connection, agent_id=agent_id, live=live, before=int(cursor) if cursor else None, limit=limit
        )
    return JsonResponse(
        {
            "calls": [
                {
                    "call_id": row.call_id,
                    "agent_id": row.agent_id,
                    "started_at": timestamp(row.started_at),
                    "ended_ms": row.ended_ms,
                    "live": row.ended_ms is None and row.call_id in tenant.calls,
                }
                for row in rows
            ],
            "next": None if after is None else str(after),
        }
    )


async def _page(
    connection: AsyncConnection, *, agent_id: str | None, live: bool | None, before: int | None, limit: int
) -> tuple[list[Row[Any]], int | None]:
    """Read a page; the second value is the row to go on before, None at the end."""
    calls = schema.calls.c
    if before is None:
        before = 1 + (
            (await connection.execute(select(func.max(_rowid)).select_from(schema.calls))).scalar() or 0
        )
    lowest = before - _MAX_LOOKED_AT
    query = (
        select(_rowid.label("number"), calls.call_id, calls.agent_id, calls.started_at, calls.ended_ms)
        .where(_rowid < before, _rowid >= lowest)
        .order_by(_rowid.desc())
        .limit(limit)
    )
    if agent_id is not None:
        query = query.where(calls.agent_id == agent_id)
    if live is not None:
        query = query.where(calls.ended_ms.is_(None) if live else calls.ended_ms.is_not(None))
    rows = list(await connection.execute(query))
    after = int(rows[-1].number) if len(rows) == limit else lowest
    return rows, after if after > 1 else None
