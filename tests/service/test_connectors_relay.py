"""`coach relay`: a recogniser's messages through a pipe into a real service."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from coach.commands.relay import RelayError, Wire
from tests.connectors.conftest import load


def relay(service, vendor, *arguments, stdin: str, key=None):
    """Run the command to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
    return subprocess.run(
        [sys.executable, "-m", "coach", "relay", vendor, "--url", service.url, *arguments],
        input=stdin.encode(),
        capture_output=True,
        env={**environment, "COACH_KEY": service.key if key is None else key, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
        check=False,
    )


def lines(payloads) -> str:
    """One payload a line."""
    return "".join(json.dumps(payload, ensure_ascii=False) + "\n" for payload in payloads)


def numbered(payloads) -> list[tuple[int, bytes]]:
    """Payloads as the reader of a pipe hands them on."""
    return [(number, json.dumps(each).encode()) for number, each in enumerate(payloads, 1)]


def test_a_stream_becomes_cards_and_a_stored_call(running, clients):
    """FunASR's fragments through the pipe: the card at the sidebar, the finals on disk, the call ended."""
    service = running()
    sidebar = clients.sidebar(service)
    options = ("--call-id", "c-1", "--agent", "a1", "--speaker", "agent", "--ends-call")
    done = relay(service, "funasr", *options, stdin=lines(load("funasr").payloads))
    assert (done.returncode, done.stderr.decode()) == (0, "送出 7 个消息，0 个被拒绝\n")
    assert sidebar.until("advice")["quote"] == "我不知道"
    call = service.http("GET", "/v1/calls/c-1").json()
    assert [each["text"] for each in call["utterances"]] == ["您好，这里是晨光客服。", "这个我不知道。"]
    assert call["ended_ms"] == 4300


def test_two_sides_of_a_call_have_a_relay_each(running):
    """The service gives the places, so that two streams do not get in each other's way."""
    service, payloads = running(masking=False), load("funasr").payloads
    for side in ("agent", "customer"):
        options = ("--call-id", "c-1", "--agent", "a1", "--speaker", side)
        assert relay(service, "funasr", *options, stdin=lines(payloads)).returncode == 0
    found = service.http("GET", "/v1/calls/c-1").json()["utterances"]
    assert sorted(each["speaker"] for each in found) == ["agent", "agent", "customer", "customer"]


def test_a_line_that_cannot_be_read_is_told_and_left_out(running):
    """Line and field on stderr, exit code 1; what comes after it is heard."""
    service, payloads = running(), load("tencent").payloads
    bad = {**payloads[0], "result": {"slice_type": 9}}
    done = relay(
        service,
        "tencent",
        "--agent",
        "a1",
        "--speaker",
        "agent",
        stdin=lines([payloads[0], bad]) + "junk\n" + lines(payloads[3:]),
    )
    told = done.stderr.decode()
    assert done.returncode == 1
    assert "第 2 行：result.slice_type: 收到 9" in told
    assert "第 3 行：收到 'junk'" in told
    assert len(service.http("GET", "/v1/calls/v1").json()["utterances"]) == 2


def test_what_has_to_be_set_is_told_once(running):
    """A stream of unknown speakers says so on stderr, not with every line."""
    service, payloads = running(), load("tencent").payloads
    told = relay(service, "tencent", "--agent", "a1", stdin=lines(payloads)).stderr.decode()
    assert told.count("用 speaker=agent 或 speaker=customer 指明") == 1


@pytest.mark.parametrize(
    ("arguments", "key", "code", "message"),
    [
        (("--agent", "a1"), "coach_wrong", 1, "第 1 行起没有送达：缺少或无效的密钥"),
        ((), None, 1, "第 1 行起没有送达：agent_id: 这通电话还没有开始"),
        (("--speaker", "boss"), None, 2, "--speaker: 收到 'boss'"),
        (("--agent", "a1"), "", 2, "缺少 API 密钥"),
    ],
)
def test_what_cannot_work_is_told_at_once(running, arguments, key, code, message):
    """A wrong key or nobody to coach: one sentence, no trace, no endless trying."""
    done = relay(running(), "tencent", *arguments, stdin=lines(load("tencent").payloads), key=key)
    assert (done.returncode, message in done.stderr.decode(), "Traceback" in done.stderr.decode()) == (
        code,
        True,
        False,
    )


def test_a_service_that_restarts_is_waited_for(running, settings_for):
    """What could not be sent is sent when the service is back; nothing is heard twice."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    payloads = load("genesys").payloads[:5]
    first = running(port=port)
    started = [first]

    def restart(_seconds: float) -> None:
        started.append(running(port=port))

    with Wire(first.url, first.key, vendor="genesys", options={"agent_id": "a1"}, sleep=restart) as wire:
        wire.send(numbered(payloads[:2]))
        first.stop()
        wire.send(numbered(payloads))
    found = started[-1].http("GET", "/v1/calls/conv-1").json()
    assert ([each["utterance_id"] for each in found["utterances"]], wire.refused) == (["g1", "g2", "g3"], 0)
    assert (len(started), found["seq"]) == (2, 5)


def test_a_service_that_never_comes_is_given_up():
    """After its tries the relay says that there is nobody, and asks whether the service runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    naps: list[float] = []
    with (
        Wire(url, "k", vendor="genesys", options={}, sleep=naps.append) as wire,
        pytest.raises(RelayError, match=r"coach serve"),
    ):
        wire.send(numbered([{}]))
    assert len(naps) == 29
