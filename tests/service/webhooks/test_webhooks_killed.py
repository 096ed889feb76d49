"""`kill -9` between the commit and the delivery: the next service delivers it, under the same id."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import httpx
import pytest

CALLS = 5


class Serving:
    """`coach serve` over one data folder, in one process after another."""

    def __init__(self, book, folder):
        self.environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}
        self.environment |= {"COACH_WEBHOOK_PRIVATE": "on", "COACH_DATA_DIR": str(folder)}
        self.key = ""
        self._command = [
            *(sys.executable, "-m", "coach", "serve", "--port", "0"),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ]
        self.start()

    def start(self):
        """Start a process."""
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=self.environment,
        )
        while "coach 已就绪" not in (line := self.process.stdout.readline()):
            assert line, "the service did not start"
            self.key = line.strip().rpartition("：")[2]
        self.url = line.strip().rpartition("：")[2].removesuffix("/sidebar")

    def kill(self):
        """End the process as a power cut would."""
        self.process.kill()
        self.process.wait(30)
        self.process.stdout.close()

    def coach(self, *arguments):
        """Run a command over the same data folder."""
        done = subprocess.run(
            [sys.executable, "-m", "coach", *arguments],
            capture_output=True,
            env=self.environment,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def call(self, call_id):
        """Make a call and wait for its ack: from here on nothing of it may be lost."""
        events = [
            {"type": "call.started", "call_id": call_id, "seq": 1, "agent_id": "a1"},
            {"type": "call.ended", "call_id": call_id, "seq": 2, "at_ms": 1000},
        ]
        answer = httpx.post(
            f"{self.url}/v1/calls/{call_id}/events",
            json={"events": events},
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=10,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture
def serving(book, tmp_path):
    """A service in a process of its own."""
    each = Serving(book, tmp_path / "state")
    yield each
    each.kill()


def test_what_was_acked_is_delivered_after_a_kill(serving, receiver, answer):
    """Some attempts hang, some have not begun, the process dies: every call is told, the id tells the repeated ones."""
    serving.coach("webhooks", "add", receiver.url, "--events", "call.ended")
    release = threading.Event()
    receiver.usual = answer(after=release)
    for number in range(CALLS):
        serving.call(f"c{number}")
    receiver.wait(1)
    serving.kill()
    release.set()
    receiver.usual = answer(200)
    # What the killed process had sent may not have been read yet.
    receiver.stop()
    before = len(receiver.got)
    receiver.start()
    serving.start()
    got = receiver.wait(before + CALLS)[before:]
    assert {each.message["data"]["call_id"] for each in got} == {f"c{number}" for number in range(CALLS)}
    first = {each.message["data"]["call_id"]: each.message["id"] for each in receiver.got[:before]}
    again = {each.message["data"]["call_id"]: each.message["id"] for each in got}
    assert first.items() <= again.items()


def test_a_receiver_that_was_down_over_a_kill_gets_everything(serving, receiver):
    """Nobody listened when it happened, and nobody remembers but the disk."""
    serving.coach("webhooks", "add", receiver.url, "--events", "call.ended")
    receiver.stop()
    for number in range(CALLS):
        serving.call(f"c{number}")
    serving.kill()
    receiver.start()
    serving.start()
    got = {each.message["data"]["call_id"] for each in receiver.wait(CALLS)}
    assert got == {f"c{number}" for number in range(CALLS)}
