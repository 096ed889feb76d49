"""The HTTP side of the playground: supervisors try sentences and edited rules. No route here writes anything."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotations
from pydantic import BaseModel, ConfigDict, Field

from coach.errors import MessageError
from coach.rulebook.excerpt import excerpt, put_back
from coach.rulebook.models import PhaseName  # noqa: TC001 - pydantic reads the annotations
from coach.service.access import check_right, known, service_of, tenant_of
from coach.service.auth import Principal
from coach.service.recent import recent_calls, sample_calls
from coach.service.responses import JsonResponse, error_response
from coach.service.rest import body_of, read_body
from coach.service.sight import EVERYTHING
from coach.service.workshop import TooBusyError, TooSlowError, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from coach.rulebook.rules import Rule
    from coach.service.recent import RecordedCall
    from coach.service.tenant import Tenant

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 512 * 1024
_MAX_TEXT: Final = 20_000
_MAX_YAML: Final = 100_000
# The sentence is answered in milliseconds; only a pattern that explodes takes this long.
_TRY_S: Final = 2.0
_EFFECT_S: Final = 10.0
# Visitors of the demo have no stored calls but those of the demo.
_DEMO_AGENTS: Final = "demo-"

_TEMPLATE: Final = """\
version: 1
rules:
  - id: my-rules/ticket
    title: 换成客户听得懂的话
    severity: notice
    status: trial
    match:
      - (提|下|派|开) {{0,2}} 工单
    except:
      - pattern: <you> {{0,3}} (提|下|开) 的 {{0,3}} 工单
        because: 说的是客户之前提过的那一张
    suggest: [{phrase}]
    explain: 客户不知道什么是工单。直接说您会做什么、什么时候答复。
    source: 质检部抽检
    hits:
      - 我这边【提个工单】
      - 我帮您【下一张工单】
    misses:
      - 您上周提的那个工单已经办完了
"""

_EXPECTED: Final = {
    "text": f"最多 {_MAX_TEXT} 个字符的文字",
    "customer": f"最多 {_MAX_TEXT} 个字符的文字",
    "speaker": '"agent" 或 "customer"',
    "phase": "opening、identity、inquiry、handling、closing 之一或 null",
    "yaml": f"最多 {_MAX_YAML} 个字符的 YAML",
    "calls": "1 到 200 的整数",
}

ModelT = TypeVar("ModelT", bound=BaseModel)
Text = Annotated[str, Field(max_length=_MAX_TEXT)]
Yaml = Annotated[str, Field(max_length=_MAX_YAML)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ExplainRequest(_Model):
    """Body of `POST /v1/playground/explain`."""

    text: Text
    customer: Text = ""
    speaker: Literal["agent", "customer"] = "agent"
    phase: PhaseName | None = None
    yaml: Yaml | None = None


class DraftRequest(_Model):
    """Body of `POST /v1/playground/draft` and `/file`."""

    yaml: Yaml


class EffectRequest(_Model):
    """Body of `POST /v1/playground/effect`; `calls` is how many of the stored calls to look at."""

    yaml: Yaml
    calls: Annotated[int, Field(ge=1, le=200)] = 50


router = APIRouter()


def may_try(principal: Principal, *, demo: bool) -> bool:
    """Tell whether somebody may use the playground: it shows what any customer said.

    In demo mode the visitors' own tokens are enough; what they see is calls of the demo.
    """
    return demo or principal.may("playground")


async def supervisor(request: Request) -> Principal:
    """Return who asks, if it is a supervisor.

    Raises:
        MessageError: `not_authenticated` or `not_allowed`.
    """
    principal = await known(request)
    if not may_try(principal, demo=service_of(request).settings.demo):
        check_right(principal, "playground")
    return principal


Supervisor = Annotated[Principal, Depends(supervisor)]


@router.get("/v1/playground/rules")
async def list_rules(request: Request, principal: Supervisor) -> Response:
    """List the rules that can be taken into the editor, and a template for a new one."""
    book = tenant_of(request, principal).rules.current.rulebook
    # By the time somebody has typed a sentence the process is there.
    warming = asyncio.create_task(_warm(request, principal))
    warming.add_done_callback(_ignore)
    phrase = next(iter(book.phrasebook.phrases), "my-rules/plain-words")
    return JsonResponse(
        {
            "digest": book.digest,
            "template": _TEMPLATE.format(phrase=phrase),
            "rules": [
                {
                    "id": rule.id,
                    "title": rule.title,
                    "category": rule.category,
                    "severity": rule.severity,
                    "status": rule.status,
                    "file": rule.file,
                }
                for rule in book.rules
            ],
        }
    )


@router.get("/v1/playground/rules/{category}/{name}")
async def show_rule(request: Request, category: str, name: str, principal: Supervisor) -> Response:
    """Show one rule as it is written, in a rule file of its own."""
    tenant = tenant_of(request, principal)
    rule = _rule(tenant, f"{category}/{name}")
    text = await _file_text(tenant, rule.file)
    yaml = excerpt(text, rule.id)
    if yaml is None:
        raise MessageError("not_found", f"{rule.file} 里现在没有 {rule.id}；文件刚改过，请稍后再试")
    return JsonResponse({"id": rule.id, "file": rule.file, "yaml": yaml})


@router.post("/v1/playground/explain", openapi_extra=body_of(ExplainRequest))
async def explain(request: Request, principal: Supervisor) -> Response:
    """Explain a sentence or a call, with the rules in force or with a draft in place of one."""
    asked = await _asked(request, ExplainRequest)
    return await _answer(request, principal, "explain", limit_s=_TRY_S, **asked.model_dump())


@router.post("/v1/playground/draft", openapi_extra=body_of(DraftRequest))
async def judge_draft(request: Request, principal: Supervisor) -> Response:
    """Judge a draft: its problems with line and column, and its examples."""
    asked = await _asked(request, DraftRequest)
    return await _answer(request, principal, "draft", limit_s=_TRY_S, yaml=asked.yaml)


@router.post("/v1/playground/effect", openapi_extra=body_of(EffectRequest))
async def show_effect(request: Request, principal: Supervisor) -> Response:
    """Show which hits a draft would add and remove in the calls stored last, or in the sample calls."""
    asked = await _asked(request, EffectRequest)
    tenant = tenant_of(request, principal)
    own = not principal.may("playground")
    calls: list[RecordedCall] = await recent_calls(
        tenant.database,
        limit=asked.calls,
        agents=_DEMO_AGENTS if own else "",
        # Visitors of the demo see the calls of all of them.
        sight=EVERYTHING if own else principal.sight,
    )
    stored = bool(calls)
    if not stored:
        calls = await asyncio.to_thread(sample_calls, tenant.settings.web / "calls")
    return await _answer(
        request,
        principal,
        "effect",
        limit_s=_EFFECT_S,
        extra={"source": "stored" if stored else "sample"},
        yaml=asked.yaml,
        calls=calls,
    )


@router.post("/v1/playground/file", openapi_extra=body_of(DraftRequest))
async def whole_file(request: Request, principal: Supervisor) -> Response:
    """Return the file that a draft belongs into, with the draft in its place; nothing is written."""
    asked = await _asked(request, DraftRequest)
    judged = await _ask(request, principal, "draft", limit_s=_TRY_S, yaml=asked.yaml)
    if judged["problems"]:
        first = judged["problems"][0]
        raise MessageError(
            "invalid_field",
            f"yaml: 第 {first['line']} 行第 {first['column']} 列：{first['message']}",
            field="yaml",
        )
    tenant = tenant_of(request, principal)
    book = tenant.rules.current.rulebook
    known_files = {rule.id: rule.file for rule in book.rules}
    ids = [rule["id"] for rule in judged["rules"]]
    stem = ids[0].split("/", 1)[0] if ids else "draft"
    file = next((known_files[each] for each in ids if each in known_files), f"rules/{stem}.yml")
    text = await _file_text(tenant, file)
    return JsonResponse({"file": file, "yaml": put_back(text, asked.yaml)})


async def _asked(request: Request, model: type[ModelT]) -> ModelT:
    """Read a body, and say what these routes expect where the calls expect something else."""
    try:
        return await read_body(request, model, limit=MAX_BODY_BYTES)
    except MessageError as error:
        if error.field not in _EXPECTED:
            raise
        came = error.message.split("，应为")[0]
        message = f"{came}，应为{_EXPECTED[error.field]}"
        raise MessageError(error.code, message, field=error.field) from error


async def _answer(
    request: Request,
    principal: Principal,
    method: str,
    *,
    limit_s: float,
    extra: dict[str, Any] | None = None,
    **arguments: object,
) -> Response:
    try:
        answer = await _ask(request, principal, method, limit_s=limit_s, **arguments)
    except TooSlowError:
        log.warning("试验场的一次 %s 超过 %s 秒，已中止", method, limit_s)
        message = (
            f"{limit_s:g} 秒内没有算完，已中止：句式里连着的可有可无的词（x?）或任选太多，换短一些的写法"
        )
        return error_response(MessageError("too_slow", message, field="yaml"), status=422)
    return JsonResponse({**answer, **(extra or {})})


async def _ask(
    request: Request, principal: Principal, method: str, *, limit_s: float, **arguments: object
) -> dict[str, Any]:
    workshop: Workshop = request.app.state.workshop
    book = tenant_of(request, principal).rules.current.rulebook
    try:
        answer: dict[str, Any] = await workshop.ask(book, method, limit_s=limit_s, **arguments)
    except TooBusyError as error:
        raise MessageError("busy", "试验场正忙，请稍后再试") from error
    return answer


async def _warm(request: Request, principal: Principal) -> None:
    await _ask(
        request,
        principal,
        "explain",
        limit_s=_TRY_S,
        text="",
        customer="",
        speaker="agent",
        phase=None,
        yaml=None,
    )


def _ignore(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        # Whoever asks next is told.
        log.debug("试验场未能预热：%s", task.exception())


def _rule(tenant: Tenant, rule_id: str) -> Rule:
    for rule in tenant.rules.current.rulebook.rules:
        if rule.id == rule_id:
            return rule
    raise MessageError("not_found", f"没有规则 {rule_id!r}")


async def _file_text(tenant: Tenant, name: str) -> str:
    """Read a rule file by the name that problems give it; "" for a new one."""
    # Names come from the rule book or from an id that holds no dots and no further slash.
    return await asyncio.to_thread(_text_of, tenant.settings.rules / name.removeprefix("rules/"))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
