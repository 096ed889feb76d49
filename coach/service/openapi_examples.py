"""One example of each request body and answer over HTTP, by method and path; a test asks for every route's."""

from __future__ import annotations

from typing import Any, Final

from coach.service import openapi_playground as playground
from coach.service.webhooks import openapi as webhooks

_JSON: Final = "application/json"
_AT: Final = "2026-01-01T08:00:00.000Z"
_REVIEW: Final[dict[str, Any]] = {
    "id": "red60ce00e177",
    "state": "finished",
    "title": "十月.xlsx",
    "folder": None,
    "files": ["十月.xlsx"],
    "file_count": 1,
    "size": 840_112,
    "created_at": _AT,
    "changed_at": _AT,
    "options": {
        "agent_is": ["SPEAKER_00"],
        "customer_is": [],
        "format": "",
        "encoding": "",
        "since": "",
        "anonymous": True,
        "lang": "zh",
    },
    "problem": None,
    "look": None,
    "progress": None,
    "summary": None,
    "downloads": ["report.html", "results.jsonl"],
}
_DECISION: Final[dict[str, Any]] = {
    "id": "d3f19c20",
    "review": "red60ce00e177",
    "call": "c1",
    "turn": 2,
    "utterance": None,
    "rule": "ignorance/bare-dont-know",
    "start": 2,
    "end": 6,
    "agent_id": "a-17",
    "text": "这个我不知道",
    "digest": "3092fad8181b",
    "verdict": "right",
    "state": "decided",
    "at": _AT,
    "history": [{"kind": "decided", "verdict": "right", "reason": "确实没有接住", "who": "qa-1", "at": _AT}],
}
_DELIVERY: Final[dict[str, Any]] = {"events": 2, "acked": {"c9": 2}, "ignored": [], "hints": []}

_DELETED: Final[dict[str, Any]] = {
    "deleted": {
        "calls": 1,
        "utterances": 24,
        "advice": 2,
        "moments": 3,
        "feedback": 1,
        "snoozes": 0,
        "whispers": 0,
        "webhooks": 0,
        "decisions": 1,
    },
    "running": [],
    "unconfirmed": [],
    "reviews": [],
}

# Media type and answer.
ANSWERS: Final[dict[str, tuple[str, Any]]] = {
    **playground.ANSWERS,
    **webhooks.ANSWERS,
    "POST /v1/check": (
        _JSON,
        {"digest": "3092fad8181b", "categories": ["ignorance"], "hits": [playground.HIT]},
    ),
    "POST /v1/tokens": (_JSON, {"token": "eyJ…", "agent_id": "a-17", "expires_at": _AT}),
    "POST /v1/calls/{call_id}/events": (_JSON, {"acked": 3, "errors": []}),
    "GET /v1/calls": (
        _JSON,
        {
            "calls": [
                {"call_id": "c1", "agent_id": "a-17", "started_at": _AT, "ended_ms": None, "live": True}
            ],
            "next": "WzE3ODYzMjAwMDAuMCwiYzEiXQ",
        },
    ),
    "GET /v1/calls/{call_id}": (
        _JSON,
        {
            "call_id": "c1",
            "agent_id": "a-17",
            "agent_name": "小林",
            "team": "t1",
            "started_at": _AT,
            "ended_ms": 60_000,
            "seq": 4,
            "utterances": [
                {
                    "utterance_id": "u1",
                    "revision": 2,
                    "speaker": "agent",
                    "text": "这个我不知道",
                    "start_ms": 1200,
                    "end_ms": 3300,
                }
            ],
            "advice": [
                {
                    "id": "9f2c",
                    "call_id": "c1",
                    "utterance_id": "u1",
                    "rule": "ignorance/bare-dont-know",
                    "category": "ignorance",
                    "severity": "warning",
                    "title": "换个说法：先帮客户查",
                    "quote": "我不知道",
                    "start": 2,
                    "end": 6,
                    "suggestions": [{"phrase": "ignorance/check-now", "text": "我先帮您核实一下，请您稍等"}],
                    "why": "客户听到的是“没人管”。",
                    "by_sound": False,
                    "at_ms": 3300,
                    "digest": "3092fad8181b",
                    "outcome": "adopted",
                    "withdrawn": False,
                    "feedback": {"verdict": "useful"},
                }
            ],
            "moments": [],
            "whispers": [
                {"id": "w1", "text": "先致歉，再查订单", "sender": "b-3", "at": _AT, "read_at": None}
            ],
        },
    ),
    "POST /v1/advice/{advice_id}/feedback": (_JSON, {"advice_id": "9f2c", "verdict": "useful"}),
    "GET /v1/rules": (
        _JSON,
        {
            "digest": "3092fad8181b",
            "stale": None,
            "rules": [
                {
                    "id": "ignorance/bare-dont-know",
                    "category": "ignorance",
                    "title": "换个说法：先帮客户查",
                    "severity": "warning",
                    "status": "stable",
                    "explain": "客户听到的是“没人管”。",
                    "source": "服务规范",
                }
            ],
        },
    ),
    "GET /healthz": (
        _JSON,
        {
            "status": "ok",
            "version": "0.1.0",
            "rules": {"digest": "3092fad8181b", "stale": False, "problem": None},
            "store": {"problem": None},
            "bus": {"problem": None},
            "tenants": {"problem": None},
            "calls": 812,
            "connections": 1630,
        },
    ),
    "GET /readyz": (_JSON, {"ready": True, "degraded": None}),
    "GET /metrics": ("text/plain", "# TYPE coach_calls gauge\ncoach_calls 812.0\n"),
    "POST /v1/connectors/{vendor}": (_JSON, _DELIVERY),
    "POST /v1/connectors/{vendor}/calls/{call_id}/end": (_JSON, {**_DELIVERY, "events": 1}),
    "POST /v1/reviews": (_JSON, {**_REVIEW, "state": "queued", "downloads": []}),
    "GET /v1/reviews": (
        _JSON,
        {
            "reviews": [_REVIEW],
            "limits": {
                "upload_bytes": 2_147_483_648,
                "upload_files": 1000,
                "kept": 200,
                "keep_days": 90,
                "folder": False,
            },
        },
    ),
    "GET /v1/reviews/{review_id}": (_JSON, _REVIEW),
    "POST /v1/reviews/{review_id}/start": (_JSON, {**_REVIEW, "state": "queued", "downloads": []}),
    "DELETE /v1/reviews/{review_id}": (_JSON, {**_REVIEW, "state": "cancelled", "downloads": []}),
    "GET /v1/reviews/{review_id}/results": ("application/x-ndjson", '{"call": "c1", "hits": []}\n'),
    "POST /v1/reviews/{review_id}/links": (
        _JSON,
        {"url": "/v1/reviews/red60ce00e177/report.html?ticket=…", "expires_at": _AT},
    ),
    "GET /v1/reviews/{review_id}/{file}": ("application/octet-stream", "…"),
    "GET /v1/reviews/{review_id}/hits": (
        _JSON,
        {
            "hits": [
                {
                    "n": 1,
                    "call_id": "c1",
                    "agent": "坐席 1",
                    "turn": 2,
                    "rule": "ignorance/bare-dont-know",
                    "category": "ignorance",
                    "title": "换个说法：先帮客户查",
                    "severity": "warning",
                    "start": 2,
                    "end": 6,
                    "at_ms": 3300,
                    "text": "我不知道",
                    "said": "这个我不知道",
                    "before": "怎么退订",
                    "suggestion": "我先帮您核实一下，请您稍等",
                    "digest": "3092fad8181b",
                    "decision": None,
                }
            ],
            "next": None,
            "rules": [{"rule": "ignorance/bare-dont-know", "title": "换个说法：先帮客户查", "count": 1}],
        },
    ),
    "POST /v1/decisions": (_JSON, _DECISION),
    "GET /v1/decisions": (_JSON, {"decisions": [_DECISION]}),
    "POST /v1/decisions/{decision_id}/appeal": (_JSON, {**_DECISION, "state": "appealed"}),
    "POST /v1/decisions/{decision_id}/settle": (_JSON, {**_DECISION, "state": "settled"}),
    "GET /v1/audit": (
        _JSON,
        {
            "entries": [
                {
                    "n": 1041,
                    "at": _AT,
                    "who": "ops",
                    "role": "admin",
                    "address": "10.0.0.7",
                    "action": "data-deleted",
                    "target": "call:c1",
                    "details": {"calls": 1, "left_running": 0},
                }
            ],
            "next": None,
        },
    ),
    "DELETE /v1/calls/{call_id}": (_JSON, {**_DELETED, "reviews": ["red60ce00e177"]}),
    "DELETE /v1/customers/{customer_id}": (_JSON, {**_DELETED, "running": ["c2"]}),
    "GET /v1/rules/health": (
        _JSON,
        {
            "digest": "3092fad8181b",
            "rules": [
                {
                    "rule": "ignorance/bare-dont-know",
                    "title": "换个说法：先帮客户查",
                    "severity": "warning",
                    "status": "stable",
                    "live": 30,
                    "reviewed": 11,
                    "fired": 41,
                    "never_fired": False,
                    "confirmed": 19,
                    "false": 1,
                    "precision": 0.95,
                    "precision_low": 0.7639,
                    "precision_high": 0.9911,
                    "muted": 2,
                    "false_alarms": 1,
                    "useful": 9,
                    "appealed": 1,
                    "open_appeals": 0,
                }
            ],
        },
    ),
}
BODIES: Final[dict[str, Any]] = {
    **playground.BODIES,
    **webhooks.BODIES,
    "POST /v1/check": {"text": "这个我不知道", "speaker": "agent"},
    "POST /v1/tokens": {"agent_id": "a-17", "ttl_s": 600},
    "POST /v1/calls/{call_id}/events": {
        "events": [{"type": "call.started", "seq": 1, "agent_id": "a-17", "slots": {"org": "晨光银行"}}]
    },
    "POST /v1/advice/{advice_id}/feedback": {"verdict": "useful"},
    "POST /v1/connectors/{vendor}": {"mode": "2pass-offline", "text": "这个我不知道", "is_final": True},
    "POST /v1/reviews": {"folder": "2026-01", "title": "一月"},
    "POST /v1/reviews/{review_id}/start": {"agent_is": ["SPEAKER_00"]},
    "POST /v1/reviews/{review_id}/links": {"file": "report.html"},
    "POST /v1/decisions": {
        "review": "red60ce00e177",
        "call": "c1",
        "turn": 2,
        "rule": "ignorance/bare-dont-know",
        "start": 2,
        "end": 6,
        "verdict": "right",
        "reason": "确实没有接住",
        "reviewer": "qa-1",
    },
    "POST /v1/decisions/{decision_id}/appeal": {"text": "系统里当时查不到", "agent_id": "a-17"},
    "POST /v1/decisions/{decision_id}/settle": {"verdict": "wrong", "reason": "申诉成立", "reviewer": "qa-2"},
}
# Answered without a key; /metrics by its setting.
OPEN: Final = frozenset({"GET /healthz", "GET /readyz", "GET /metrics"})
# Where success is not 200.
STATUS: Final[dict[str, str]] = {"POST /v1/reviews": "201", **webhooks.STATUS}
# Where 503 has the same shape as success.
WITH_503: Final[dict[str, Any]] = {"GET /readyz": {"ready": False, "degraded": None}}
# Where success has another status too, without a body.
ALSO: Final[dict[str, tuple[str, ...]]] = {"DELETE /v1/reviews/{review_id}": ("204",)}
