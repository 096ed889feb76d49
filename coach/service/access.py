"""Who asks over HTTP, in which tenant, and whether their role may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from coach.errors import MessageError
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.handshake import credential_of
from coach.service.roles import holders

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coach.service.review_requests import Visitor
    from coach.service.roles import Right
    from coach.service.service import Service
    from coach.service.tenant import Tenant


def service_of(request: Request) -> Service:
    """Return the service behind a request."""
    service: Service = request.app.state.service
    return service


def tenant_of(request: Request, asking: Principal | Visitor) -> Tenant:
    """Return the tenant of who asks; what is asked has no say in it."""
    return service_of(request).tenant_of(asking)


async def known(request: Request) -> Principal:
    """Return who asks, one request counted.

    Raises:
        MessageError: `not_authenticated` or `rate_limited`.
    """
    credential = credential_of(request.headers)
    principal = await service_of(request).identify(credential) if credential else None
    request.state.principal = principal
    if principal is None and credential:
        # Somebody tried; who brings nothing tries nothing.
        await service_of(request).refused(actor_of(request).address)
    if principal is None:
        raise MessageError(
            "not_authenticated", "缺少或无效的密钥，应在请求头中带 Authorization: Bearer <key> 或 X-API-Key"
        )
    await service_of(request).limits.check(principal)
    return principal


def with_right(right: Right) -> Callable[[Request], Awaitable[Principal]]:
    """Return a dependency that lets in the roles which have a right."""

    async def check(request: Request) -> Principal:
        principal = await known(request)
        check_right(principal, right)
        return principal

    return check


def check_right(principal: Principal, right: Right) -> None:
    """Let in a role that has a right.

    Raises:
        MessageError: `not_allowed`.
    """
    if not principal.may(right):
        raise MessageError(
            "not_allowed",
            f"角色 {principal.role} 无权执行此操作，应使用角色为 {'、'.join(holders(right))} 的密钥或令牌",
        )


Known = Annotated[Principal, Depends(known)]
