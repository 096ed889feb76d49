"""Every operation of /openapi.json against a running service: what is described is sent, and what is not.

schemathesis makes up the requests. `COACH_FUZZ_EXAMPLES` (15) says how many for each operation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import write_scorecard

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install coach[test]")

EXAMPLES = int(os.environ.get("COACH_FUZZ_EXAMPLES", "15"))
WAIT_S = 60
DIALOGUE = "客服：您好，请讲\n客户：怎么退订\n客服：这个我不知道\n客户：那好吧\n"
# Half of the requests are about what is there, so that more than `not_found` is met.
CONFIG = """\
seed = 20260101
continue-on-failure = true
# The process behind the playground is started by the first question.
request-timeout = 60

[generation]
max-examples = {examples}

[phases.stateful.generation]
max-examples = {examples}

[checks.not_a_server_error]
# busy: at some time there are too many of them.
expected-statuses = ["2xx", "3xx", "4xx", "503"]

[checks.negative_data_rejection]
expected-statuses = ["4xx", "503"]

# What a schema cannot say (one field or the other, a file that a review really has) is still refused.
[checks.positive_data_acceptance]
enabled = false

# /v1/reviews/{{review_id}}/{{file}} also covers /v1/reviews/{{review_id}}/start, which has no GET.
[checks.allow_header_conformance]
enabled = false

[output.sanitization]
enabled = false

{known}
"""


def known_things(service, book: Path) -> dict[str, list[str]]:
    """Make a call, a finished review and a decision; return their ids by path parameter."""
    write_scorecard(book / "rules")
    events = [
        {"type": "call.started", "seq": 1, "agent_id": "a1"},
        {
            "type": "utterance",
            "seq": 2,
            "utterance_id": "u1",
            "revision": 1,
            "speaker": "agent",
            "text": "这个我不知道",
            "final": True,
            "start_ms": 0,
            "end_ms": 900,
        },
    ]
    assert service.http("POST", "/v1/calls/c1/events", json={"events": events}).json()["acked"] == 2
    advice = service.http("GET", "/v1/calls/c1").json()["advice"][0]
    reviews = [
        service.http("POST", "/v1/reviews", files=[("files", (f"{name}.txt", DIALOGUE))]).json()["id"]
        for name in ("kept", "gone")
    ]
    deadline = time.monotonic() + WAIT_S
    while {service.http("GET", f"/v1/reviews/{each}").json()["state"] for each in reviews} != {"finished"}:
        assert time.monotonic() < deadline, "the reviews did not end"
        time.sleep(0.1)
    place = {name: advice[name] for name in ("rule", "start", "end")}
    verdict = {**place, "call": "c1", "utterance": "u1", "verdict": "right", "reviewer": "qa"}
    decision = service.http("POST", "/v1/decisions", json=verdict).json()["id"]
    return {
        "call_id": ["c1"],
        "advice_id": [advice["id"]],
        "review_id": [reviews[0]],
        "decision_id": [decision],
        "file": ["report.html", "results.jsonl", "calls.csv"],
        "vendor": ["funasr", "aliyun", "tencent", "twilio"],
        "category": ["ignorance"],
        "name": ["bare-dont-know"],
    }


def configuration(known: dict[str, list[str]]) -> str:
    """Write schemathesis.toml."""
    lists = "".join(f"[dictionaries.{name}]\nvalues = {json.dumps(known[name])}\n" for name in known)
    uses = "".join(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}\n' for name in known)
    return CONFIG.format(examples=EXAMPLES, known=f"[parameters]\n{uses}\n{lists}")


@pytest.mark.slow
def test_every_operation_keeps_what_it_promises(running, book, tmp_path):
    """No 5xx, no undescribed status, type or shape of an answer, no door without a key, nothing wrong accepted."""
    # Wrong keys are among what is made up, and a fast machine sends more of them a minute than are allowed.
    service = running(masking=True, failed_logins_per_minute=0)
    config = tmp_path / "schemathesis.toml"
    config.write_text(configuration(known_things(service, book)), "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "schemathesis.cli", "--config-file", str(config)),
            *("run", service.url + "/openapi.json", "-H", f"Authorization: Bearer {service.key}"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, "\n".join(line[:400] for line in done.stdout.splitlines())[-20_000:]
    assert service.http("GET", "/readyz").status_code == 200
