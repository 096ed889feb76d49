"""Deleting what is kept of a call or of a customer (docs/privacy.md)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from coach.errors import MessageError
from coach.service.access import tenant_of, with_right
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.messages import CUSTOMER_ID_MAX
from coach.service.responses import JsonResponse

Deleter = Annotated[Principal, Depends(with_right("delete-data"))]

router = APIRouter()


@router.delete("/v1/calls/{call_id}")
async def delete_call(request: Request, call_id: str, principal: Deleter) -> Response:
    """Delete a call that is over, with everything that was kept of it."""
    retention = tenant_of(request, principal).retention
    done = await retention.delete_call(call_id, actor=actor_of(request, principal))
    return JsonResponse(done.as_dict())


# Of type path: an id may have a slash, which a server decodes before it looks for the route.
@router.delete("/v1/customers/{customer_id:path}")
async def delete_customer(request: Request, customer_id: str, principal: Deleter) -> Response:
    """Delete every call of a customer that is over; `customer_id` as in `call.started`, percent-encoded."""
    if not customer_id or len(customer_id) > CUSTOMER_ID_MAX:
        raise MessageError(
            "invalid_field", f"customer_id: 应为 1 到 {CUSTOMER_ID_MAX} 个字符的客户编号", field="customer_id"
        )
    retention = tenant_of(request, principal).retention
    done = await retention.delete_customer(customer_id, actor=actor_of(request, principal))
    return JsonResponse(done.as_dict())
