"""What a sidebar may send (docs/protocol.md, section 3)."""

from __future__ import annotations

from typing import Any, Final, Literal

from coach.service.messages import Id, Name, Ping, Verdict, WireModel, read_typed


class Feedback(WireModel):
    """The agent's verdict on one piece of advice."""

    type: Literal["feedback"]
    advice_id: Id
    verdict: Verdict


class Snooze(WireModel):
    """Keep a rule quiet for the rest of the call."""

    type: Literal["snooze"]
    call_id: Id
    rule: Name


class FeedbackUndo(WireModel):
    """The agent takes his verdict on a piece of advice back."""

    type: Literal["feedback.undo"]
    advice_id: Id


class SnoozeUndo(WireModel):
    """Let a rule that was kept quiet speak again."""

    type: Literal["snooze.undo"]
    call_id: Id
    rule: Name


class Used(WireModel):
    """The agent took a suggested phrase (copied it)."""

    type: Literal["used"]
    advice_id: Id
    phrase: Name


class Dismiss(WireModel):
    """The agent put a card away."""

    type: Literal["dismiss"]
    advice_id: Id


class WhisperRead(WireModel):
    """The agent has taken note of a whisper."""

    type: Literal["whisper.read"]
    call_id: Id
    id: Id


SidebarMessage = Feedback | FeedbackUndo | Snooze | SnoozeUndo | Used | Dismiss | WhisperRead | Ping

_SIDEBAR: Final[dict[str, type[SidebarMessage]]] = {
    "feedback": Feedback,
    "feedback.undo": FeedbackUndo,
    "snooze": Snooze,
    "snooze.undo": SnoozeUndo,
    "used": Used,
    "dismiss": Dismiss,
    "whisper.read": WhisperRead,
    "ping": Ping,
}


def read_sidebar_message(value: dict[str, Any]) -> SidebarMessage:
    """Check one message of a sidebar.

    Raises:
        MessageError: `unknown_type` or `invalid_field`.
    """
    return read_typed(value, _SIDEBAR)
