"""What a supervisor's socket may send (docs/protocol.md, section 8)."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from coach.service.messages import Id, Ping, WireModel, read_typed

MAX_WHISPER: Final = 60


class Watch(WireModel):
    """Show me this call until I say otherwise."""

    type: Literal["watch"]
    call_id: Id


class Unwatch(WireModel):
    """I have seen enough of this call."""

    type: Literal["unwatch"]
    call_id: Id


class Whisper(WireModel):
    """Tell the agent of this call; the customer does not hear it."""

    expected: ClassVar[Mapping[str, str]] = {"text": f"1 到 {MAX_WHISPER} 个字符的文字，不能只有空白"}

    type: Literal["whisper"]
    call_id: Id
    id: Id
    text: Annotated[str, Field(min_length=1, max_length=MAX_WHISPER, pattern=r"\S")]


SupervisorMessage = Watch | Unwatch | Whisper | Ping

_SUPERVISOR: Final[dict[str, type[SupervisorMessage]]] = {
    "watch": Watch,
    "unwatch": Unwatch,
    "whisper": Whisper,
    "ping": Ping,
}


def read_supervisor_message(value: dict[str, Any]) -> SupervisorMessage:
    """Check one message of a supervisor.

    Raises:
        MessageError: `unknown_type`, `too_large` or `invalid_field`.
    """
    return read_typed(value, _SUPERVISOR)
