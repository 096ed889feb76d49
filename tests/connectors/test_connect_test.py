"""`coach connect-test`, run as an integrator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from coach.commands.vendor_options import pasted_events


@pytest.fixture
def connect_test():
    """Run the command; returns the finished process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}

    def run(*arguments, stdin=""):
        return subprocess.run(
            [sys.executable, "-m", "coach", "connect-test", *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env={**environment, "PYTHONIOENCODING": "utf-8"},
            timeout=60,
            check=False,
        )

    return run


def lines(payloads) -> str:
    """One payload a line."""
    return "\n".join(json.dumps(payload, ensure_ascii=False) for payload in payloads)


def test_role_time_and_finality_are_told(connect_test, recorded):
    """Every event with who, when and whether it is final; then what is missing."""
    done = connect_test("iflytek", "--roles", "1:agent", stdin=lines(recorded("iflytek").payloads))
    told = done.stdout.decode()
    assert done.returncode == 1
    assert "第 4 行  坐席「1」  00:00.8–00:02.9  最终  你好，我不知道。  [rta1.820]" in told
    assert "第 8 行  忽略：讯飞报错 10110：no license" in told
    assert "话：4 句，4 句有最终结果；坐席 2，未知 2" in told
    assert "不知道“2”是谁：用 roles=2:agent" in told


def test_nothing_left_to_set_is_said(connect_test, recorded):
    """All known: exit code 0."""
    done = connect_test("contact-lens", "--agent", "a1", stdin=lines(recorded("contact-lens").payloads))
    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (0, "  没有了")


def test_programs_read_json(connect_test, recorded, tmp_path):
    """One object a result, from a file; nothing but JSON."""
    file = tmp_path / "events.json"
    file.write_text(json.dumps(recorded("huawei").payloads), "utf-8")
    done = connect_test("huawei", str(file), "--speaker", "agent", "--ends-call", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [row["kind"] for row in rows] == [
        "started",
        "heard",
        "heard",
        "heard",
        "ignored",
        "heard",
        "ended",
    ]
    assert (rows[2]["final"], rows[2]["speaker"], rows[2]["end_ms"]) == (True, "agent", 2480)


def test_forms_are_read(connect_test, recorded):
    """What a web server logged of Twilio's callbacks."""
    forms = "\n".join(urlencode(payload) for payload in recorded("twilio").payloads)
    done = connect_test("twilio", stdin=forms)
    assert "客户「inbound_track（customer）」  00:03.4–00:03.4  最终  我想问一下" in done.stdout.decode()


def test_personal_data_is_masked(connect_test, recorded):
    """A pasted event may hold a real customer's number."""
    payload = recorded("genesys").payloads[1]
    payload["eventBody"]["transcripts"][0]["alternatives"][0]["transcript"] = "我的手机号是13812345678"
    masked = connect_test("genesys", stdin=lines([payload])).stdout.decode()
    plain = connect_test("genesys", "--unmasked", stdin=lines([payload])).stdout.decode()
    assert ("13812345678" in masked, "13812345678" in plain) == (False, True)


def test_what_cannot_be_read_is_placed(connect_test):
    """Line, field, what came, what was expected; the rest is read."""
    events = (
        '{"voice_id": "v", "result": {"slice_type": 9}}\noops\n{"voice_id": \n{"code": 0, "voice_id": "v"}'
    )
    done = connect_test("tencent", stdin=events)
    told = done.stdout.decode()
    assert done.returncode == 1
    assert "第 1 行  ✗ result.slice_type: 收到 9，应为0、1 或 2" in told
    assert "第 2 行  ✗ 收到 'oops'" in told
    assert "第 3 行  ✗ 不是 JSON" in told
    assert "第 4 行  忽略：不含转写的消息" in told


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("acme",), "{}", "应为 funasr、aliyun"),
        (("tencent", "/does/not/exist"), "", "/does/not/exist"),
        (("tencent", "--speaker", "boss"), "{}", "--speaker: 收到 'boss'"),
        (("tencent", "--roles", "0"), "{}", "--roles: 收到 '0'"),
        (("tencent",), "", "里面没有事件"),
        (("tencent",), b"\xff\xfe", "不是 UTF-8"),
    ],
)
def test_wrong_input_is_explained(connect_test, arguments, stdin, message):
    """Exit code 2 and one clear sentence."""
    done = connect_test(*arguments, stdin=stdin)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}\n{"a": 2}',
        '[{"a": 1}, {"a": 2}]',
        '{\n "a": 1\n}\n\n{\n "a": 2\n}',
        '\ufeff{"a": 1},\r\n{"a": 2},',
        "a=1\n" + '{"a": 2}',
    ],
)
def test_events_are_read_as_people_paste_them(text):
    """Lines, an array, indented objects, a byte order mark, commas, forms."""
    assert [str(event.payload["a"]) for event in pasted_events(text)] == ["1", "2"]


def test_lines_are_counted_from_the_first_brace():
    """An indented object is placed where it begins."""
    assert [event.line for event in pasted_events('\n{\n"a": 1\n}\n\n{"a": 2}\nx')] == [2, 6, 7]
