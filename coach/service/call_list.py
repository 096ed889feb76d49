"""`GET /v1/calls`: which calls are stored, page by page, youngest first."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations
from sqlalchemy import select, tuple_

from coach.errors import MessageError
from coach.service import schema
from coach.service.access import tenant_of
from coach.service.messages import shown
from coach.service.render import timestamp
from coach.service.responses import JsonResponse
from coach.service.rest import ReadingCalls  # noqa: TC001 - as above

if TYPE_CHECKING:
    from sqlalchemy.engine import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from coach.service.sight import Sight

router = APIRouter()


@router.get("/v1/calls")
async def list_calls(
    request: Request,
    principal: ReadingCalls,
    agent_id: Annotated[str | None, Query(max_length=128, description="Only this agent's.")] = None,
    live: Annotated[bool | None, Query(description="Only those that go on, or are over.")] = None,
    cursor: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,900}$", description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many.")] = 50,
) -> Response:
    """List stored calls, youngest first."""
    if agent_id is not None and not principal.covers(agent_id):
        raise MessageError("not_allowed", "令牌不包含该坐席", field="agent_id")
    tenant = tenant_of(request, principal)
    async with tenant.store.reading() as connection:
        before = None if cursor is None else _place(cursor)
        rows = await _page(
            connection,
            sight=principal.sight,
            agent_id=agent_id,
            live=live,
            before=before,
            limit=limit + 1,
        )
    held = await tenant.calls.ownership.held(row.call_id for row in rows if row.ended_ms is None)
    return JsonResponse(
        {
            "calls": [
                {
                    "call_id": row.call_id,
                    "agent_id": row.agent_id,
                    "started_at": timestamp(row.started_at),
                    "ended_ms": row.ended_ms,
                    "live": row.call_id in held,
                }
                for row in rows[:limit]
            ],
            "next": _cursor(rows[limit - 1]) if len(rows) > limit else None,
        }
    )


async def _page(
    connection: AsyncConnection,
    *,
    sight: Sight,
    agent_id: str | None,
    live: bool | None,
    before: tuple[float, str] | None,
    limit: int,
) -> list[Row[Any]]:
    calls = schema.calls.c
    query = (
        select(calls.call_id, calls.agent_id, calls.started_at, calls.ended_ms)
        .where(sight.of_calls())
        .order_by(calls.started_at.desc(), calls.call_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(calls.started_at, calls.call_id) < tuple_(*before))
    if agent_id is not None:
        query = query.where(calls.agent_id == agent_id)
    if live is not None:
        query = query.where(calls.ended_ms.is_(None) if live else calls.ended_ms.is_not(None))
    return list(await connection.execute(query))


def _cursor(row: Row[Any]) -> str:
    return urlsafe_b64encode(orjson.dumps([row.started_at, row.call_id])).decode().rstrip("=")


def _place(cursor: str) -> tuple[float, str]:
    """Read a cursor.

    Raises:
        MessageError: `invalid_field`, it is not one of ours.
    """
    try:
        started_at, call_id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(started_at), str(call_id)
    except (ValueError, TypeError) as error:
        raise MessageError(
            "invalid_field", f"cursor: 收到 {shown(cursor)}，应为上一页的 next", field="cursor"
        ) from error
