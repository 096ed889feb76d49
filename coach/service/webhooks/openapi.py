"""Webhooks in /openapi.json: an example of every body, answer and event; the schemas are drawn from them."""

from __future__ import annotations

from typing import Any, Final

from coach.client.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER

Document = dict[str, Any]

_JSON: Final = "application/json"
_AT: Final = "2026-01-01T08:00:00.000Z"
_ID: Final = "we_0123456789abcdef"
_MESSAGE: Final = "msg_0123456789abcdef0123456789abcdef"
_URL: Final = "https://crm.example/hooks/coach"
_SECRET: Final = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # noqa: S105 - an example
_ENDPOINT: Final[Document] = {
    "id": _ID,
    "url": _URL,
    "events": ["commitment", "call.score"],
    "state": "active",
    "reason": "",
    "created_at": _AT,
    "failing_since": None,
}
_CALL: Final[Document] = {"call_id": "c1", "agent_id": "a-17", "started_at": _AT}
_ADVICE: Final[Document] = {
    "id": "adv-5f3d",
    "utterance_id": "u7",
    "rule": "ignorance/bare-dont-know",
    "category": "ignorance",
    "severity": "warning",
    "title": "换个说法：先帮客户查",
}
_MOMENT: Final[Document] = {"id": "0f9e8d7c6b5a4938", "utterance_id": "u9", "at_ms": 48_200, "turn": 8}
_SCORE: Final[Document] = {
    "duration_ms": 184_000,
    "agent_turns": 14,
    "score": {
        "points": 89.0,
        "passed": True,
        "fatal": None,
        "items": [
            {
                "item": "ignorance",
                "title": "推说不知道",
                "points": -3.0,
                "count": 1,
                "hits": [0],
                "moments": [],
            }
        ],
    },
    "categories": ["ignorance"],
    "hits": [
        {
            "rule": "ignorance/bare-dont-know",
            "category": "ignorance",
            "title": "换个说法：先帮客户查",
            "severity": "warning",
            "turn": 6,
            "start": 2,
            "end": 6,
            "text": "我不知道",
            "at_ms": 31_400,
            "by_sound": False,
            "suggestion": "我马上帮您查一下，请您稍等",
        }
    ],
    "moments": [
        {"kind": "missing-closing", "at_ms": 181_000, "turn": 27, "details": {"hung_up_first": False}}
    ],
    "adoption": {"advised": 1, "adopted": 1, "repaired": 0, "repeated": 0},
    "signals": ["complaint"],
    "not_measurable": [],
    "digest": "3092fad8181b",
    "scorecard": {
        "id": "default",
        "title": "通用百分制评分卡",
        "points": 100.0,
        "passing": 80.0,
        "digest": "f0d3c8decf2b",
    },
}

ANSWERS: Final[dict[str, tuple[str, object]]] = {
    "GET /v1/webhooks": (_JSON, {"webhooks": [_ENDPOINT]}),
    "POST /v1/webhooks": (_JSON, {**_ENDPOINT, "secret": _SECRET}),
    "PATCH /v1/webhooks/{webhook_id}": (_JSON, _ENDPOINT),
    "DELETE /v1/webhooks/{webhook_id}": (_JSON, {"removed": _ID}),
    "POST /v1/webhooks/{webhook_id}/rotate": (_JSON, {**_ENDPOINT, "secret": _SECRET}),
    "POST /v1/webhooks/{webhook_id}/test": (
        _JSON,
        {"url": _URL, "delivered": True, "status": 200, "took_ms": 41, "says": ""},
    ),
    "GET /v1/webhooks/dead": (
        _JSON,
        {
            "dead": [
                {
                    "id": _MESSAGE,
                    "webhook": _ID,
                    "url": _URL,
                    "type": "call.score",
                    "call_id": "c1",
                    "at": _AT,
                    "tries": 8,
                    "status": 500,
                    "says": "HTTP 500：database is full",
                }
            ],
            "next": None,
        },
    ),
    "POST /v1/webhooks/dead/retry": (_JSON, {"retried": 1}),
}
BODIES: Final[dict[str, Document]] = {
    "POST /v1/webhooks": {"url": _URL, "events": ["commitment", "call.score"]},
    "PATCH /v1/webhooks/{webhook_id}": {"state": "disabled"},
    "POST /v1/webhooks/dead/retry": {"id": _MESSAGE},
}
STATUS: Final[dict[str, str]] = {"POST /v1/webhooks": "201"}

# What each event tells, and what it tells it of.
EVENTS: Final[dict[str, tuple[str, Document]]] = {
    "advice.given": (
        "An agent was shown a card.",
        {
            **_CALL,
            **_ADVICE,
            "quote": "我不知道",
            "suggestions": [{"phrase": "ignorance/check-now", "text": "我马上帮您查一下，请您稍等"}],
            "why": "客户听到的是“没人管”。",
            "by_sound": False,
            "at_ms": 31_400,
        },
    ),
    "advice.withdrawn": ("The recogniser took the words back, and the card with them.", {**_CALL, **_ADVICE}),
    "advice.resolved": (
        "The agent said it better (adopted), made up for it (repaired) or did it again (repeated).",
        {**_CALL, **_ADVICE, "outcome": "adopted"},
    ),
    "signal": (
        "The customer complains, threatens to leave or to escalate.",
        {
            **_CALL,
            **_MOMENT,
            "kind": "churn-risk",
            "details": {"mood": "angry", "rules": ["churn-risk/leave"], "words": ["销户"]},
        },
    ),
    "moment": (
        "Anything else worth knowing about the call; docs/moments.md has the kinds.",
        {**_CALL, **_MOMENT, "kind": "long-silence", "details": {"since_ms": 31_400, "limit_ms": 10_000}},
    ),
    "commitment": (
        "The agent promised something.",
        {
            **_CALL,
            **_MOMENT,
            "kind": "commitment",
            "details": {"what": "回电", "when": "明天下午五点", "due_ms": 118_800_000, "vague": False},
        },
    ),
    "call.ended": ("A call is over.", {**_CALL, "at_ms": 184_000}),
    "call.score": ("The score of a call that is over, as `coach review` gives it.", {**_CALL, **_SCORE}),
    "ping": ("A receiver is tried out.", {"url": _URL}),
}


def message(kind: str) -> Document:
    """Return an example of a message."""
    return {"type": kind, "id": _MESSAGE, "timestamp": _AT, "tenant": "default", "data": EVENTS[kind][1]}


def describe(kind: str, schema: Document) -> Document:
    """Return the description of an event, as the `webhooks` of a document have it."""
    summary = EVENTS[kind][0]
    headers = (
        (ID_HEADER, "Of the message; the same however often it is delivered.", _MESSAGE),
        (TIMESTAMP_HEADER, "Of this attempt, seconds since 1970.", "1767254400"),
        (
            SIGNATURE_HEADER,
            "`v1,` and the Base64 HMAC-SHA256 of `id.timestamp.body`; several, with spaces, during a change.",
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        ),
    )
    return {
        "post": {
            "summary": summary,
            "description": "Signed and sent at least once; see docs/webhooks.md.",
            "operationId": f"webhook_{kind.replace('.', '_')}",
            "parameters": [
                {
                    "name": name,
                    "in": "header",
                    "required": True,
                    "description": description,
                    "schema": {"type": "string"},
                    "example": example,
                }
                for name, description, example in headers
            ],
            "requestBody": {
                "required": True,
                "content": {_JSON: {"schema": schema, "example": message(kind)}},
            },
            "responses": {
                "2XX": {"description": "Taken. Anything else, or no answer in time: sent again later."},
                "410": {"description": "Nothing more is wanted; the webhook is disabled."},
            },
        }
    }
