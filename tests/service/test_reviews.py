"""Reviews over the API, against a real service and its real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

AGENT = "客服：您好，请讲\n客户：怎么退订\n客服：这个我不知道\n客户：那好吧\n"
CALL = {
    "id": "c-1",
    "agent_id": "1001",
    "team": "一组",
    "turns": [
        {"speaker": "customer", "text": "明天能到吗", "start_ms": 0, "end_ms": 900},
        {"speaker": "agent", "text": "应该会到，我的手机号是13812345678", "start_ms": 1000, "end_ms": 2500},
    ],
}
LINES = "".join(json.dumps({**CALL, "id": f"c-{number}"}, ensure_ascii=False) + "\n" for number in range(5))
UNNAMED = "SPEAKER_00：您好，请讲\nSPEAKER_01：怎么退订\nSPEAKER_00：我不知道\n"
WAIT_S = 60
CARD = """\
version: 1
title: 测试评分卡
points: 100
passing: 90
items:
  - {id: ignorance, title: 推说不知道, categories: [ignorance], points: {notice: -1, warning: -5, violation: -20}}
"""


@pytest.fixture(autouse=True)
def card(book):
    """A scorecard that knows the tests' rules."""
    (book / "rules" / "scorecards").mkdir()
    (book / "rules" / "scorecards" / "default.yml").write_text(CARD, "utf-8")


def upload(service, files, **fields):
    """Send files by name; fields may be lists."""
    return service.http(
        "POST",
        "/v1/reviews",
        files=[("files", (name, body, "application/octet-stream")) for name, body in files.items()],
        data=fields,
    )


def until(service, review_id, *states):
    """Wait until a review is in one of the states; return it."""
    deadline = time.monotonic() + WAIT_S
    while (told := service.http("GET", f"/v1/reviews/{review_id}").json())["state"] not in states:
        assert told["state"] not in {"failed", "finished", "cancelled"}, told
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told


def finished(service, files, **fields):
    """Upload files and wait for the end of their review."""
    answer = upload(service, files, **fields)
    assert answer.status_code == 201, answer.text
    return until(service, answer.json()["id"], "finished")


def test_an_upload_gives_what_the_command_gives(running, book, tmp_path):
    """The same bytes of results, rejects and CSV as `coach review` over the same files."""
    files = {"十月.jsonl": LINES + '{"id": broken\n', "对话.txt": AGENT}
    service = running()
    told = finished(service, files)
    folder = tmp_path / "same"
    folder.mkdir()
    for name, body in files.items():
        (folder / name).write_text(body, "utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "coach", "review", *files, "--out", str(tmp_path / "out")),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ],
        cwd=folder,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
        capture_output=True,
        check=True,
    )
    assert told["summary"]["calls"] == 6
    assert told["summary"]["rejects"] == 1
    for name in ("results.jsonl", "rejects.jsonl", "summary.json", "calls.csv", "hits.csv"):
        answer = service.http("GET", f"/v1/reviews/{told['id']}/{name}")
        assert (name, answer.content) == (name, (tmp_path / "out" / name).read_bytes())
