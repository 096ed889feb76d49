"""One example of each message on the sockets; a test reads them all with the models."""

from __future__ import annotations

from typing import Any, Final

_TRANSCRIPT: Final[dict[str, Any]] = {
    "type": "transcript",
    "offset": "9c1f03ab-43",
    "call_id": "c1",
    "utterance_id": "u1",
    "revision": 2,
    "speaker": "agent",
    "final": True,
    "start_ms": 1200,
    "end_ms": 3300,
    "segments": [{"text": "这个"}, {"text": "我不知道", "severity": "warning", "advice_id": "9f2c"}],
}
_ADVICE: Final[dict[str, Any]] = {
    "type": "advice",
    "offset": "9c1f03ab-44",
    "id": "9f2c",
    "call_id": "c1",
    "utterance_id": "u1",
    "rule": "ignorance/bare-dont-know",
    "category": "ignorance",
    "severity": "warning",
    "title": "换个说法：先帮客户查",
    "quote": "我不知道",
    "suggestions": [{"phrase": "ignorance/check-now", "text": "我先帮您核实一下，请您稍等"}],
    "why": "客户听到的是“没人管”。",
    "by_sound": False,
    "at_ms": 3300,
}
_STAGE: Final[dict[str, Any]] = {
    "type": "stage",
    "offset": "9c1f03ab-46",
    "call_id": "c1",
    "active": True,
    "seen": ["稳"],
    "stage": "稳",
    "next": "问",
    "customer": {
        "mood": "upset",
        "signals": ["customer-complaint", "urgency"],
        "motive": "compensation",
        "intent": {"motive": "compensation", "settled": False},
    },
}
_MUST_SAY: Final[dict[str, Any]] = {
    "type": "must_say",
    "offset": "9c1f03ab-47",
    "call_id": "c1",
    "parts": [
        {
            "id": "greeting/工号",
            "part": "工号",
            "phase": "greeting",
            "due_ms": 8720,
            "said": False,
            "missed": False,
            "phrase": "",
        }
    ],
}

# By ("in" or "out", type): what the service takes in, and what it says.
EXAMPLES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("in", "hello"): {"type": "hello", "token": "coach_…", "after": "9c1f03ab-41"},
    ("in", "call.started"): {
        "type": "call.started",
        "call_id": "c1",
        "seq": 1,
        "agent_id": "a-17",
        "slots": {"org": "晨光银行", "agent_number": "8602"},
    },
    ("in", "utterance"): {
        "type": "utterance",
        "call_id": "c1",
        "seq": 2,
        "utterance_id": "u1",
        "revision": 1,
        "speaker": "agent",
        "text": "这个我不知",
        "final": False,
        "start_ms": 1200,
        "end_ms": 1900,
    },
    ("in", "call.ended"): {"type": "call.ended", "call_id": "c1", "seq": 4, "at_ms": 60000},
    ("in", "feedback"): {"type": "feedback", "advice_id": "9f2c", "verdict": "useful"},
    ("in", "feedback.undo"): {"type": "feedback.undo", "advice_id": "9f2c"},
    ("in", "snooze"): {"type": "snooze", "call_id": "c1", "rule": "hedging/should-be"},
    ("in", "snooze.undo"): {"type": "snooze.undo", "call_id": "c1", "rule": "hedging/should-be"},
    ("in", "used"): {"type": "used", "advice_id": "9f2c", "phrase": "ignorance/check-now"},
    ("in", "dismiss"): {"type": "dismiss", "advice_id": "9f2c"},
    ("in", "ping"): {"type": "ping"},
    ("out", "ready"): {"type": "ready", "role": "sidebar"},
    ("out", "ack"): {"type": "ack", "call_id": "c1", "seq": 3},
    ("out", "error"): {
        "type": "error",
        "code": "gap",
        "message": "seq: 收到 5，应为 3；请从 3 起重发",
        "field": "seq",
        "call_id": "c1",
        "seq": 5,
        "expected": 3,
    },
    ("out", "snapshot"): {"type": "snapshot", "offset": "9c1f03ab-41", "agent_id": "a-17", "call": None},
    ("out", "call.started"): {
        "type": "call.started",
        "offset": "9c1f03ab-42",
        "call_id": "c1",
        "started_at": "2026-01-01T08:00:00.000Z",
    },
    ("out", "transcript"): _TRANSCRIPT,
    ("out", "advice"): _ADVICE,
    ("out", "advice.withdrawn"): {
        "type": "advice.withdrawn",
        "offset": "9c1f03ab-45",
        "call_id": "c1",
        "id": "9f2c",
    },
    ("out", "advice.resolved"): {
        "type": "advice.resolved",
        "offset": "9c1f03ab-45",
        "call_id": "c1",
        "id": "9f2c",
        "outcome": "adopted",
    },
    ("out", "blind"): {
        "type": "blind",
        "offset": "9c1f03ab-48",
        "call_id": "c1",
        "reason": "no-transcript",
        "active": True,
        "since_ms": 15000,
    },
    ("out", "moment"): {
        "type": "moment",
        "offset": "9c1f03ab-49",
        "call_id": "c1",
        "id": "b21d",
        "kind": "long-silence",
        "at_ms": 31000,
        "turn": 7,
        "utterance_id": "u8",
        "details": {"ms": 9000},
    },
    ("out", "stage"): _STAGE,
    ("out", "must_say"): _MUST_SAY,
    ("out", "call.ended"): {
        "type": "call.ended",
        "offset": "9c1f03ab-51",
        "call_id": "c1",
        "at_ms": 60000,
    },
    ("out", "noted"): {"type": "noted", "advice_id": "9f2c"},
    ("out", "pong"): {"type": "pong"},
}
