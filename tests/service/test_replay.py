"""`coach replay` against a real service."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from coach.commands.player import Player, ReplayError
from coach.commands.recording import read_recording, timeline

CALL = {
    "id": "billing",
    "title": "账单",
    "slots": {"org": "晨光银行"},
    "turns": [
        {"speaker": "customer", "start_ms": 0, "end_ms": 1500, "text": "我的账单怎么多了二十块"},
        {
            "speaker": "agent",
            "start_ms": 2000,
            "end_ms": 3000,
            "text": "这个我不知道啊",
            "partials": ["这个", "这个我不"],
        },
    ],
}


@pytest.fixture
def recording(tmp_path):
    """A recorded call in a file."""
    file = tmp_path / "call.json"
    file.write_text(json.dumps(CALL, ensure_ascii=False), "utf-8")
    return file


def coach(*arguments):
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "coach", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_a_call_grows_as_a_recogniser_would_send_it(recording):
    """Recorded partials are used as they are, others are made up; times rise; the final comes last."""
    events = timeline(read_recording(recording))
    assert [each.at_ms for each in events] == sorted(each.at_ms for each in events)
    customer = [each.event for each in events if each.event.get("utterance_id") == "u1"]
    assert all(customer[-1]["text"].startswith(each["text"]) for each in customer)
    assert [each["final"] for each in customer] == [*[False] * (len(customer) - 1), True]
    agent = [each.event["text"] for each in events if each.event.get("utterance_id") == "u2"]
    assert agent == ["这个", "这个我不", "这个我不知道啊"]
    assert events[-1].event == {"type": "call.ended", "at_ms": 3000}


def test_replay_shows_what_the_agent_is_shown(running, recording):
    """The transcript with marks, the advice and the sum; exit code 0; everything stored."""
    service = running()
    done = coach(
        "replay",
        recording,
        "--speed",
        0,
        "--url",
        service.url,
        "--key",
        service.key,
        "--agent",
        "a1",
        "--call-id",
        "c1",
    )
    assert done.returncode == 0, done.stderr
    assert "坐席  这个【我不知道】啊" in done.stdout
    assert "我马上帮您查一下，请您稍等" in done.stdout
    assert service.http("GET", "/v1/calls/c1").json()["ended_ms"] == 3000


def test_replay_needs_no_key_in_the_demo(running, recording):
    """A demo service gives the tokens itself; --json prints every message."""
    service = running(demo=True)
    done = coach("replay", recording, "--speed", 0, "--url", service.url, "--json")
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert {"ready", "ack", "snapshot", "transcript", "advice", "call.ended"} <= set(kinds)


def test_replay_says_when_the_key_is_wrong(running, recording):
    """Exit code 1 and one clear line."""
    done = coach("replay", recording, "--url", running().url, "--key", "wrong")
    assert done.returncode == 1
    assert "密钥" in done.stderr
    assert "Traceback" not in done.stderr


def test_replay_resends_after_the_service_was_away(running, recording):
    """When the service restarts in the middle, the player connects again and the call arrives whole."""
    first = running()
    heard = []

    def tell(message):
        heard.append(message)
        # While this runs the player stands still: call.started is under way, the rest is yet to come.
        if len(heard) == 1:
            first.stop()
            running(port=int(first.url.rsplit(":", 1)[1]))

    player = Player(url=first.url, key=first.key, call_id="c1", agent_id="a1", tell=tell)
    sent = asyncio.run(player.play(timeline(read_recording(recording)), slots={}, speed=20))
    assert sum(message["type"] == "ready" for message in heard) == 2
    assert heard[-1] == {"type": "ack", "call_id": "c1", "seq": sent}


def test_replay_gives_up_when_there_is_no_service(recording):
    """A service that was never there is told apart from one that restarts."""

    async def play():
        player = Player(url="http://127.0.0.1:9", key="x", call_id="c", agent_id="a", tell=lambda _: None)
        await player.play(timeline(read_recording(recording)), slots={}, speed=0)

    with pytest.raises(ReplayError, match="coach serve"):
        asyncio.run(play())
