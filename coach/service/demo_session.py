"""The sessions of the demo's visitors: each an agent of his own; renewed, another, and the calls of the one before end."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from coach.errors import MessageError
from coach.service.ingest import take_batch

if TYPE_CHECKING:
    from coach.service.auth import Principal
    from coach.service.roles import Role
    from coach.service.service import Service

log = logging.getLogger(__name__)

# A working day: the demo page holds its tokens for as long as it is open.
_TTL_S: Final = 12 * 3600
_AGENT: Final = "demo-"
# As the demo page's calls have it (web/src/pages/demo.ts).
_TEAM: Final = "demo"
_SUPERVISOR: Final = "演示班长"
_SIDES: Final[tuple[tuple[str, Role], ...]] = (("sidebar", "agent"), ("producer", "producer"))
# A page has one call at a time; more than a few are none of a page.
_MOST_CALLS: Final = 20


def new_session(service: Service) -> dict[str, Any]:
    """Make an agent, with tokens for him only."""
    agent_id = f"{_AGENT}{secrets.token_hex(4)}"
    session: dict[str, Any] = {"agent_id": agent_id}
    for side, role in _SIDES:
        session[f"{side}_token"] = service.tokens.mint(role=role, subject=agent_id, ttl_s=_TTL_S)[0]
    # All demo calls belong to one team, which any visitor may look at.
    session["supervisor_token"] = service.tokens.mint(
        role="supervisor", subject=_SUPERVISOR, teams=(_TEAM,), ttl_s=_TTL_S
    )[0]
    return session


async def end_session(service: Service, producer_token: str) -> None:
    """End the running calls of a session that another takes the place of; its token may have expired.

    Nobody could any more: the page tells its call anew as that of the new agent.
    """
    principal = service.tokens.read(producer_token, expired=True)
    if principal is None or principal.role != "producer" or not (principal.agent_id or "").startswith(_AGENT):
        return
    try:
        await _end_calls(service, principal)
    except MessageError as error:
        # They end by themselves, once they were silent for long enough.
        log.warning("没能结束演示坐席 %s 的通话：%s", principal.agent_id, error.message)


async def _end_calls(service: Service, principal: Principal) -> None:
    tenant, now = service.default, service.clock()
    await tenant.store.settle()
    running = await tenant.store.open_calls(since=0.0, limit=_MOST_CALLS, agent_id=principal.agent_id)
    for call_id in running:
        stored = await tenant.store.load_call(call_id)
        if stored is None:
            continue
        ended = {
            "type": "call.ended",
            "seq": await tenant.calls.next_seq(call_id),
            "at_ms": max(0, int((now - stored.started_at) * 1000)),
        }
        answer = await take_batch([ended], call_id=call_id, calls=tenant.calls, principal=principal)
        for error in answer["errors"]:
            log.warning("没能结束演示通话：%s", error["message"], extra={"call_id": call_id})
