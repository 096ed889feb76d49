"""`GET /v1/audit`: who did what, page by page, youngest first. Reading it is an entry too."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from coach.errors import MessageError
from coach.service.access import tenant_of, with_right
from coach.service.audit import ACTIONS, actor_of
from coach.service.auth import Principal  # noqa: TC001 - as above
from coach.service.responses import JsonResponse

_MOST: Final = 1000

router = APIRouter()


@router.get("/v1/audit")
async def list_entries(
    request: Request,
    principal: Annotated[Principal, Depends(with_right("audit"))],
    *,
    since: Annotated[str, Query(max_length=40, description="From this time on, ISO 8601.")] = "",
    until: Annotated[str, Query(max_length=40, description="Before this time, ISO 8601.")] = "",
    who: Annotated[str, Query(max_length=128, description="Only this key's or person's.")] = "",
    action: Annotated[str, Query(max_length=32, description="Only this action.")] = "",
    target: Annotated[str, Query(max_length=400, description="Only what was done to this.")] = "",
    cursor: Annotated[
        str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="At most so many.")] = 100,
) -> Response:
    """List the entries of the audit log, youngest first."""
    if action and action not in ACTIONS:
        raise MessageError(
            "invalid_field", f"action: 收到 {action!r}，应为 {'、'.join(ACTIONS)} 之一", field="action"
        )
    began, ended = read_time(since, name="since"), read_time(until, name="until")
    audit = tenant_of(request, principal).audit
    await audit.write(actor_of(request, principal), "audit-read")
    entries = await audit.listed(
        since=began or 0.0,
        until=ended,
        who=who,
        action=action,
        target=target,
        before=int(cursor) if cursor else None,
        limit=limit,
    )
    return JsonResponse(
        {"entries": entries, "next": str(entries[-1]["n"]) if len(entries) == limit else None}
    )


def read_time(text: str, *, name: str) -> float | None:
    """Read a day or a time, without a zone the service's; "" is None.

    Raises:
        MessageError: `invalid_field`.
    """
    if not text:
        return None
    try:
        # Seconds since 1970; the years that a clock cannot say are refused by it.
        return datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise MessageError(
            "invalid_field",
            f"{name}: 收到 {text!r}，应为 2026-10-01 或 2026-10-01T08:00:00+08:00 这样的时间",
            field=name,
        ) from None
