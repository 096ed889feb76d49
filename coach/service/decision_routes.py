"""The HTTP side of QA: hits to judge, decisions, appeals, and how the rules fare (docs/protocol.md, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations
from pydantic import BaseModel, ConfigDict, Field

from coach.errors import MessageError
from coach.service.access import known, service_of, tenant_of, with_right
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.decisions import HitPlace, Scope
from coach.service.health import as_dict, rules_health
from coach.service.messages import Id, Name  # noqa: TC001 - as above
from coach.service.responses import JsonResponse
from coach.service.rest import body_of, read_body
from coach.service.review_hits import count_hits, find_hit, read_hits
from coach.service.review_requests import admit
from coach.service.review_routes import Reading  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.service.review_requests import Visitor
    from coach.service.tenant import Tenant

_MAX_BODY = 16 * 1024
_Reason = Annotated[str, Field(max_length=1000)]
_Who = Annotated[str, Field(min_length=1, max_length=100)]
_Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
_VerdictField = Literal["right", "wrong"]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class DecisionRequest(_Model):
    """Body of `POST /v1/decisions`: `review` and `turn`, or the `utterance` of a live call."""

    review: str | None = None
    call: Annotated[str, Field(min_length=1, max_length=1000)]
    turn: _Count | None = None
    utterance: Id | None = None
    rule: Name
    start: _Count
    end: _Count
    verdict: _VerdictField
    reason: _Reason = ""
    reviewer: _Who


class AppealRequest(_Model):
    """Body of `POST /v1/decisions/{id}/appeal`; `agent_id` only with an API key."""

    text: Annotated[str, Field(min_length=1, max_length=1000)]
    agent_id: _Who | None = None


class SettleRequest(_Model):
    """Body of `POST /v1/decisions/{id}/settle`."""

    verdict: _VerdictField
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    reviewer: _Who


router = APIRouter()

Looking = Annotated[Principal, Depends(with_right("read-decisions"))]
Appealing = Annotated[Principal, Depends(with_right("appeal"))]
Operating = Annotated[Principal, Depends(with_right("rules-health"))]


async def deciding(request: Request) -> Principal:
    """Return who asks, if they may decide; in demo mode its visitors decide about what visitors made.

    Raises:
        MessageError: `not_authenticated` or `not_allowed`.
    """
    principal = await known(request)
    admit(principal, "decide", demo=service_of(request).settings.demo)
    return principal


Deciding = Annotated[Principal, Depends(deciding)]


@router.get("/v1/reviews/{review_id}/hits")
async def list_hits(
    request: Request,
    review_id: str,
    visitor: Reading,
    rule: str = "",
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """List the hits of a review with what was decided about them; the first page counts them by rule."""
    tenant = tenant_of(request, visitor)
    record = await tenant.seen_reviews.get(review_id, visitor)
    if record.state != "finished":
        raise MessageError("conflict", f"state: 这次质检是 {record.state}；做完才有命中", field="state")
    out = tenant.reviews.out(review_id)
    hits = await read_hits(out, rule=rule, after=after, limit=limit)
    ids = {hit["n"]: _place_of(review_id, hit).decision_id for hit in hits}
    made = await tenant.decisions.of(ids.values())
    for hit in hits:
        hit["decision"] = made.get(ids[hit["n"]])
        # People see the code; who it was is in the results.
        del hit["agent_id"]
    answer: dict[str, Any] = {"hits": hits, "next": hits[-1]["n"] if len(hits) == limit else None}
    if not after:
        answer["rules"] = [
            {"rule": each, "title": title, "count": count} for each, title, count in await count_hits(out)
        ]
    return JsonResponse(answer)


@router.post("/v1/decisions", openapi_extra=body_of(DecisionRequest))
async def decide(request: Request, principal: Deciding) -> Response:
    """Decide whether a hit is right."""
    tenant = tenant_of(request, principal)
    asked = await read_body(request, DecisionRequest, limit=_MAX_BODY)
    if (asked.review is None) == (asked.utterance is None) or (asked.review is None) != (asked.turn is None):
        raise MessageError(
            "invalid_field",
            "review: 应给出 review 和 turn（质检里的命中），或 utterance（实时通话里的提示）",
            field="review",
        )
    visitor = admit(principal, "decide", demo=tenant.settings.demo)
    if visitor.owner and asked.review is None:
        raise MessageError("not_allowed", "复核实时通话需要 API 密钥，令牌不够")
    place = HitPlace(
        asked.review or "",
        asked.call,
        asked.utterance or str(asked.turn),
        asked.rule,
        asked.start,
        asked.end,
    )
    hit = await _hit(tenant, place, visitor)
    if hit is None:
        raise MessageError(
            "not_found",
            "call: 没有这一处命中；应与结果里的 call、turn、rule、start、end 完全一致",
            field="call",
        )
    return JsonResponse(
        await tenant.decisions.decide(
            place,
            hit=hit,
            verdict=asked.verdict,
            reason=asked.reason,
            reviewer=asked.reviewer,
            signed=tenant.audit.signed(actor_of(request, principal)),
        )
    )


@router.get("/v1/decisions")
async def list_decisions(
    request: Request,
    principal: Looking,
    *,
    rule: str = "",
    call: str = "",
    review: str | None = None,
    state: Literal["", "decided", "appealed", "settled"] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """List decisions, the latest first; a sidebar token sees those about its agent."""
    tenant = tenant_of(request, principal)
    found = await tenant.decisions.listed(
        scope=await _scope(tenant, principal), rule=rule, call=call, review=review, state=state, limit=limit
    )
    return JsonResponse({"decisions": found})


@router.post("/v1/decisions/{decision_id}/appeal", openapi_extra=body_of(AppealRequest))
async def appeal(request: Request, decision_id: str, principal: Appealing) -> Response:
    """Appeal against a decision: the agent himself, or somebody with an API key for him."""
    tenant = tenant_of(request, principal)
    asked = await read_body(request, AppealRequest, limit=_MAX_BODY)
    decision = await tenant.decisions.get(decision_id, await _scope(tenant, principal))
    if asked.agent_id is not None and not principal.covers(asked.agent_id):
        raise MessageError("not_allowed", "agent_id: 令牌只能代表自己申诉", field="agent_id")
    who = asked.agent_id or principal.agent_id or decision["agent_id"] or "-"
    signed = tenant.audit.signed(actor_of(request, principal))
    return JsonResponse(await tenant.decisions.appeal(decision_id, text=asked.text, who=who, signed=signed))


@router.post("/v1/decisions/{decision_id}/settle", openapi_extra=body_of(SettleRequest))
async def settle(request: Request, decision_id: str, principal: Deciding) -> Response:
    """Settle an appeal."""
    tenant = tenant_of(request, principal)
    asked = await read_body(request, SettleRequest, limit=_MAX_BODY)
    await tenant.decisions.get(decision_id, await _scope(tenant, principal))
    return JsonResponse(
        await tenant.decisions.settle(
            decision_id,
            verdict=asked.verdict,
            reason=asked.reason,
            reviewer=asked.reviewer,
            signed=tenant.audit.signed(actor_of(request, principal)),
        )
    )


@router.get("/v1/rules/health")
async def health(request: Request, principal: Operating) -> Response:
    """Say how each rule fares, the worst first."""
    tenant = tenant_of(request, principal)
    book = tenant.rules.current.rulebook
    scope = await _scope(tenant, principal)
    found = await rules_health(
        tenant.database, book.tellers, reviews=tenant.settings.data_dir / "reviews", scope=scope
    )
    return JsonResponse({"digest": book.digest, "rules": [as_dict(each) for each in found]})


async def _hit(tenant: Tenant, place: HitPlace, visitor: Visitor) -> Mapping[str, Any] | None:
    if not place.review_id:
        return await tenant.decisions.find_advice(place)
    if (await tenant.seen_reviews.get(place.review_id, visitor)).state != "finished":
        return None
    return await find_hit(
        tenant.reviews.out(place.review_id),
        call_id=place.call_id,
        turn=int(place.place),
        rule=place.rule,
        start=place.start,
        end=place.end,
    )


def _place_of(review_id: str, hit: Mapping[str, Any]) -> HitPlace:
    return HitPlace(
        review_id, hit["call_id"], str(hit["turn"]), hit["rule"], int(hit["start"]), int(hit["end"])
    )


async def _scope(tenant: Tenant, principal: Principal) -> Scope:
    """Return whose decisions somebody may see: those about calls that he may see, live and recorded."""
    sight, demo = principal.sight, tenant.settings.demo
    if sight.whole:
        return Scope()
    if sight.agent_id is not None and not demo:
        # An agent's decisions name him, in reviews that he cannot see too.
        return Scope(agent_id=sight.agent_id)
    visitor = admit(principal, "read-decisions", demo=demo)
    reviews = frozenset(record.id for record in await tenant.seen_reviews.listed(visitor))
    return Scope(reviews=reviews, live=None if visitor.owner else sight)
