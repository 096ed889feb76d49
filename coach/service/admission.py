"""Whether an event may have its effect on the call it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.errors import MessageError
from coach.service.messages import CallStarted

if TYPE_CHECKING:
    from coach.service.auth import Principal
    from coach.service.messages import ProducerEvent


def check_start(event: CallStarted, principal: Principal) -> None:
    """Check that a call may begin with this event.

    Raises:
        MessageError: `invalid_field` or `not_allowed`.
    """
    _check_first(event)
    if not principal.covers(event.agent_id):
        raise MessageError("not_allowed", "令牌不包含该坐席", field="agent_id")


def check_event(event: ProducerEvent, principal: Principal, *, agent_id: str) -> None:
    """Check an event of a call that was started for `agent_id`.

    Raises:
        MessageError: `invalid_field` or `not_allowed`.
    """
    if not principal.covers(agent_id):
        raise MessageError("not_allowed", "令牌不包含这通电话", field="call_id")
    if isinstance(event, CallStarted):
        _check_first(event)
        if event.agent_id != agent_id:
            raise MessageError(
                "not_allowed", "这通电话已由另一个坐席开始，call_id 不能重复使用", field="call_id"
            )


def _check_first(event: CallStarted) -> None:
    if event.seq != 1:
        raise MessageError("invalid_field", f"seq: 收到 {event.seq}，call.started 的 seq 应为 1", field="seq")
