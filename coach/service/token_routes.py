"""`POST /v1/tokens`: a program with an API key mints short-lived tokens for people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from coach.errors import MessageError
from coach.service.access import service_of, tenant_of, with_right
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.messages import TokenRequest
from coach.service.render import timestamp
from coach.service.responses import JsonResponse
from coach.service.rest import body_of, read_body

Minting = Annotated[Principal, Depends(with_right("tokens"))]

router = APIRouter()


@router.post("/v1/tokens", openapi_extra=body_of(TokenRequest))
async def mint_token(request: Request, principal: Minting) -> Response:
    """Mint a token of the key's tenant: for an agent, or with an administrator's key for any other role."""
    if not principal.by_key:
        raise MessageError("not_allowed", "此操作需要 API 密钥，令牌不能再签发令牌")
    asked = await read_body(request, TokenRequest)
    subject = _checked(asked)
    if asked.role != "agent" and principal.role != "admin":
        raise MessageError("not_allowed", f"角色 {principal.role} 的密钥只能签发 agent 令牌", field="role")
    await tenant_of(request, principal).audit.write(
        actor_of(request, principal), "token-minted", f"{asked.role}:{subject}", ttl_s=asked.ttl_s
    )
    token, expires_at = service_of(request).tokens.mint(
        role=asked.role,
        subject=subject,
        tenant=principal.tenant,
        teams=tuple(asked.teams),
        ttl_s=asked.ttl_s,
    )
    named = {"agent_id": subject} if asked.role == "agent" else {"user_id": subject, "role": asked.role}
    return JsonResponse({"token": token, **named, "expires_at": timestamp(expires_at)})


def _checked(asked: TokenRequest) -> str:
    """Return whom a token is for; an agent has an `agent_id`, everybody else a `user_id`."""
    named, other = ("agent_id", "user_id") if asked.role == "agent" else ("user_id", "agent_id")
    subject: str | None = getattr(asked, named)
    if subject is None or getattr(asked, other) is not None:
        raise MessageError(
            "invalid_field", f"{named}: {asked.role} 令牌应给出 {named}，不给 {other}", field=named
        )
    if asked.teams and asked.role != "supervisor":
        raise MessageError("invalid_field", "teams: 只有 supervisor 令牌有班组", field="teams")
    return subject
