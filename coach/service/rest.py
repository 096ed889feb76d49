"""The HTTP side of the wire (docs/protocol.md, section 4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations
from pydantic import BaseModel

from coach import __version__
from coach.coaching.privacy import Privacy, masked_hits
from coach.errors import MessageError
from coach.service.access import service_of, tenant_of, with_right
from coach.service.audit import actor_of
from coach.service.auth import Principal
from coach.service.idempotency import HEADER
from coach.service.idempotency import Request as IdempotentRequest
from coach.service.ingest import take_batch
from coach.service.messages import (
    CheckRequest,
    EventBatch,
    FeedbackRequest,
    Line,
    read_model,
    read_object,
)
from coach.service.render import Message, render_hit, timestamp
from coach.service.responses import JsonResponse

if TYPE_CHECKING:
    from coach.service.ruleset import RuleSet

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_BODY_BYTES: Final = 8 * 1024 * 1024

router = APIRouter()


Checking = Annotated[Principal, Depends(with_right("check"))]
Ingesting = Annotated[Principal, Depends(with_right("ingest"))]
ReadingCalls = Annotated[Principal, Depends(with_right("read-calls"))]
Answering = Annotated[Principal, Depends(with_right("feedback"))]


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body we read ourselves, so that its errors are ours too."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": model.model_json_schema()}},
        }
    }


async def read_body(request: Request, model: type[ModelT], *, limit: int = MAX_BODY_BYTES) -> ModelT:
    """Read and check a JSON body of at most `limit` bytes.

    Raises:
        MessageError: `too_large`, `invalid_json` or `invalid_field`.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise MessageError("too_large", f"请求体超过 {limit} 字节")
        parts.append(part)
    return read_model(model, read_object(b"".join(parts)))


@router.post("/v1/check", openapi_extra=body_of(CheckRequest))
async def check(request: Request, principal: Checking) -> Response:
    """Check text outside of a call: the hits an agent would be shown."""
    asked = await read_body(request, CheckRequest)
    tenant = tenant_of(request, principal)
    rules, masking = tenant.rules.current, tenant.settings.masking
    if (asked.text is None) == (asked.utterances is None):
        raise MessageError("invalid_field", "text: 应给出 text 或 utterances 之一", field="text")
    if asked.utterances is None:
        line = Line(text=asked.text or "", speaker=asked.speaker)
        return JsonResponse({"digest": rules.rulebook.digest, **_checked(line, rules, masking=masking)})
    results: list[Message] = []
    for line in asked.utterances:
        results.append({"id": line.id, **_checked(line, rules, masking=masking)})
        # Calls come first: a batch gives way after each utterance.
        await asyncio.sleep(0)
    return JsonResponse({"digest": rules.rulebook.digest, "results": results})


_IDEMPOTENCY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Sent again with the same key, the same events get the same answer; kept for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


@router.post(
    "/v1/calls/{call_id}/events", openapi_extra={**body_of(EventBatch), "parameters": [_IDEMPOTENCY]}
)
async def take_events(request: Request, call_id: str, principal: Ingesting) -> Response:
    """Take in events of one call; answers after the commit."""
    batch = await read_body(request, EventBatch)
    tenant = tenant_of(request, principal)

    async def take_in() -> Message:
        return await take_batch(batch.events, call_id=call_id, calls=tenant.calls, principal=principal)

    key = request.headers.get(HEADER)
    if key is None:
        return JsonResponse(await take_in())
    asked = IdempotentRequest.of(principal=principal, call_id=call_id, key=key, events=batch.events)
    return JsonResponse(await tenant.answers.once(asked, take_in))


@router.get("/v1/calls/{call_id}")
async def show_call(request: Request, call_id: str, principal: ReadingCalls) -> Response:
    """Show what is stored of a call."""
    tenant = tenant_of(request, principal)
    stored = await tenant.store.load_call(call_id)
    if stored is None or not principal.sight.covers(agent_id=stored.agent_id, team=stored.team):
        raise MessageError("unknown_call", "没有这通电话", field="call_id")
    if principal.role != "producer" and principal.agent_id is None:
        # A person, or what acts for one; agents and platforms see their own.
        await tenant.audit.write(actor_of(request, principal), "call-read", f"call:{call_id}")
    told = Privacy(masked=tenant.settings.masking)
    return JsonResponse(
        {
            "call_id": stored.call_id,
            "agent_id": stored.agent_id,
            "agent_name": stored.agent_name,
            "team": stored.team,
            "started_at": timestamp(stored.started_at),
            "ended_ms": stored.ended_ms,
            "seq": stored.seq,
            "utterances": [
                {
                    "utterance_id": each.utterance_id,
                    "revision": each.revision,
                    "speaker": each.speaker,
                    # Also what was written before masking was on.
                    "text": told.utterance(each).text,
                    "start_ms": each.start_ms,
                    "end_ms": each.end_ms,
                }
                for _, each in stored.heard
            ],
            "advice": [
                {
                    **each,
                    "quote": told.text(each["quote"]),
                    "suggestions": [
                        {**suggestion, "text": told.text(suggestion["text"])}
                        for suggestion in each["suggestions"]
                    ],
                }
                for each in await tenant.store.describe_advice(call_id)
            ],
            "moments": list(stored.moments),
            "whispers": await tenant.supervision.whispers.of_call(call_id),
        }
    )


@router.post("/v1/advice/{advice_id}/feedback", openapi_extra=body_of(FeedbackRequest))
async def give_feedback(request: Request, advice_id: str, principal: Answering) -> Response:
    """Store a verdict on a piece of advice."""
    asked = await read_body(request, FeedbackRequest)
    done = await tenant_of(request, principal).calls.answers.answer(
        advice_id, kind="verdict", value=asked.verdict, principal=principal
    )
    await done
    return JsonResponse({"advice_id": advice_id, "verdict": asked.verdict})


@router.get("/v1/rules")
async def list_rules(request: Request, principal: Checking) -> Response:
    """List the rules in force."""
    rules = tenant_of(request, principal).rules
    return JsonResponse(
        {
            "digest": rules.current.rulebook.digest,
            "stale": rules.stale or None,
            "rules": [
                {
                    "id": rule.id,
                    "category": rule.category,
                    "title": rule.title,
                    "severity": rule.severity,
                    "status": rule.status,
                    "explain": rule.explain,
                    "source": rule.source,
                }
                for rule in rules.current.rulebook.rules
            ],
        }
    )


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """Say that the process lives, and what it lacks."""
    service = service_of(request)
    rules = service.default.rules
    # Anybody may ask: what is wrong with a tenant's rules is in the log.
    others = any(source.stale for source in service.rule_sources)
    stale = rules.stale or ("某个租户的规则未能重新加载，见日志" if others else None)
    return JsonResponse(
        {
            "status": "ok",
            "version": __version__,
            "rules": {
                "digest": rules.current.rulebook.digest,
                "stale": bool(stale),
                "problem": stale,
            },
            "store": {"problem": service.problem or None},
            "bus": {"problem": (service.bus.error or None) if service.bus else None},
            # Which tenants there are is nobody's business here.
            "tenants": {"problem": "租户文件没有完全生效，见日志" if service.tenants.stale else None},
            "calls": service.calls_in_memory,
            "connections": service.lobby.open,
        },
        # A page whose sockets are refused asks whether the service lives, without reading what it says.
        headers={"Cross-Origin-Resource-Policy": "cross-origin"},
    )


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Say whether calls can be taken: 200, or 503."""
    service = service_of(request)
    ready = service.ready and not service.problem
    bus = service.bus
    # Calls go on without it: another worker of this service would be no better off.
    degraded = None if bus is None or bus.up else "redis"
    return JsonResponse({"ready": ready, "degraded": degraded}, status_code=200 if ready else 503)


def _checked(line: Line, rules: RuleSet, *, masking: bool) -> Message:
    hits = rules.checker.check(line.text, speaker=line.speaker)
    if masking and hits:
        hits = masked_hits(line.text, hits)
    return {
        "categories": sorted({hit.category for hit in hits}),
        "hits": [render_hit(hit, rules.phrasebook) for hit in hits],
    }
