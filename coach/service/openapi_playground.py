"""Examples of the playground for /openapi.json: each request body and answer, by method and path."""

from __future__ import annotations

from typing import Any, Final

_JSON: Final = "application/json"
_YAML: Final = "version: 1\nrules:\n  - id: ignorance/bare-dont-know\n    title: 换个说法：先帮客户查\n"
HIT: Final[dict[str, Any]] = {
    "rule": "ignorance/bare-dont-know",
    "category": "ignorance",
    "severity": "warning",
    "start": 2,
    "end": 6,
    "text": "我不知道",
    "by_sound": False,
    "suggestions": ["我先帮您核实一下，请您稍等"],
    "why": "客户听到的是“没人管”。",
}
_TURN: Final[dict[str, Any]] = {
    "speaker": "agent",
    "text": "我不知道",
    "customer": "",
    "normalized": "我不知道",
    "tokens": ["我", "不", "知道"],
    "segments": [{"text": "我不知道", "severity": "warning", "advice_id": "ignorance/bare-dont-know"}],
    "found": [
        {
            **HIT,
            "start": 0,
            "end": 4,
            "title": "换个说法：先帮客户查",
            "speaker": "agent",
            "status": "stable",
            "pattern": "我 不 知道",
            "patterns": ["我 不 知道"],
            "parts": {},
            "modifiers": [],
            "exceptions": [{"pattern": "我 不 知道 您", "because": "是在问客户"}],
            "stopped_by": "",
            "stopped": "",
            "shown": True,
            "draft": False,
            "around": ["", ""],
        }
    ],
}

ANSWERS: Final[dict[str, tuple[str, Any]]] = {
    "GET /v1/playground/rules": (
        _JSON,
        {
            "digest": "3092fad8181b",
            "template": "version: 1\nrules:\n  - id: my-rules/…\n",
            "rules": [
                {
                    "id": "ignorance/bare-dont-know",
                    "title": "换个说法：先帮客户查",
                    "category": "ignorance",
                    "severity": "warning",
                    "status": "stable",
                    "file": "rules/ignorance.yml",
                }
            ],
        },
    ),
    "GET /v1/playground/rules/{category}/{name}": (
        _JSON,
        {"id": "ignorance/bare-dont-know", "file": "rules/ignorance.yml", "yaml": _YAML},
    ),
    "POST /v1/playground/explain": (
        _JSON,
        {"digest": "3092fad8181b", "draft": None, "call": False, "turns": [_TURN], "moments": []},
    ),
    "POST /v1/playground/draft": (
        _JSON,
        {
            "digest": "3092fad8181b",
            "problems": [],
            "rules": [{"id": "ignorance/bare-dont-know", "title": "换个说法：先帮客户查", "known": True}],
            "examples": [
                {
                    "rule": "ignorance/bare-dont-know",
                    "text": "【这个我不知道】啊",
                    "line": 12,
                    "column": 12,
                    "wanted": True,
                    "passed": True,
                    "problem": "",
                }
            ],
            "findings": [],
        },
    ),
    "POST /v1/playground/effect": (
        _JSON,
        {
            "usable": True,
            "calls": 50,
            "turns": 1070,
            "old_hits": 28,
            "new_hits": 28,
            "appeared": {"count": 0, "rows": []},
            "vanished": {"count": 0, "rows": []},
            "source": "stored",
        },
    ),
    "POST /v1/playground/file": (_JSON, {"file": "rules/ignorance.yml", "yaml": _YAML}),
}
BODIES: Final[dict[str, Any]] = {
    "POST /v1/playground/explain": {"text": "这个我不知道"},
    "POST /v1/playground/draft": {"yaml": _YAML},
    "POST /v1/playground/effect": {"yaml": _YAML, "calls": 50},
    "POST /v1/playground/file": {"yaml": _YAML},
}
