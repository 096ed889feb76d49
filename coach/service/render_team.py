"""What the service says to supervisors, as plain dicts ready for orjson (docs/protocol.md, section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coach.service.render import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.risk import Reason, ReasonCode, Risk
    from coach.coaching.standing import Alert, Standing
    from coach.service.call_builder import CallHead
    from coach.service.render import Message

_WORDS: Final[dict[ReasonCode, str]] = {
    "customer-critical": "客户情绪激烈",
    "customer-upset": "客户不满",
    "escalation-risk": "客户要求升级处理",
    "churn-risk": "客户有流失倾向",
    "violations": "禁用语 {count} 次",
    "violations-made-up": "禁用语 {count} 次，已补救",
    "unheeded": "{count} 条提醒未采纳",
    "blind": "看不到部分转写",
}


def render_team_call(head: CallHead, standing: Standing) -> Message:
    """Render how a call stands."""
    progress = standing.progress
    card = standing.last_card
    return {
        "type": "team.call",
        "call_id": head.call_id,
        "agent_id": head.agent_id,
        "agent_name": head.agent_name,
        "started_at": timestamp(head.started_at),
        "stage": progress.stage if progress else None,
        "next": progress.next if progress else None,
        "mood": progress.mood if progress else "calm",
        "risk": _risk(standing.risk),
        "counts": standing.counts,
        "unheeded": standing.unheeded,
        "last_card": None
        if card is None
        else {
            "id": card[0].id,
            "rule": card[0].hit.rule,
            "severity": card[0].severity,
            "title": card[0].hit.title,
            "quote": card[0].hit.text,
            "at_ms": card[0].at_ms,
            "outcome": card[1],
        },
        "blind": list(standing.blind),
        "escalated": standing.escalated,
    }


def render_alert(head: CallHead, alert: Alert) -> Message:
    """Render a warning or violation the supervisor is told of; its advice must be masked."""
    advice = alert.advice
    return {
        "type": "alert",
        "id": advice.id,
        "call_id": head.call_id,
        "agent_id": head.agent_id,
        "agent_name": head.agent_name,
        "severity": advice.severity,
        "rule": advice.hit.rule,
        "title": advice.hit.title,
        "quote": advice.hit.text,
        "at": timestamp(head.started_at + advice.at_ms / 1000),
        "at_ms": advice.at_ms,
        "escalated": alert.escalated,
    }


def render_team_calls(team: str, *, calls: Iterable[Message], alerts: Iterable[Message]) -> Message:
    """Render what a supervisor's socket starts from."""
    return {"type": "team.calls", "team": team, "calls": list(calls), "alerts": list(alerts)}


def render_whisper(*, call_id: str, whisper_id: str, text: str, sender: str, at: float) -> Message:
    """Render a whisper for the agent; `at` in seconds since 1970."""
    return {
        "type": "whisper",
        "call_id": call_id,
        "id": whisper_id,
        "text": text,
        "sender": sender,
        "at": timestamp(at),
    }


def _risk(risk: Risk) -> Message:
    return {"score": risk.score, "reasons": [_reason(reason) for reason in risk.reasons]}


def _reason(reason: Reason) -> Message:
    words = _WORDS[reason.code].format(count=reason.count)
    return {"code": reason.code, "points": reason.points, "count": reason.count, "words": words}
