"""Restart and kill -9: nothing lost, nothing shown twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from coach.errors import ConfigError
from coach.service.database import Database
from coach.service.store import Store


class Process:
    """`python -m coach serve` in a process of its own."""

    def __init__(self, book, data_dir, *, port=0):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "coach", "serve", "--port", str(port), "--data-dir", str(data_dir)),
                *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        )
        self.key = ""
        self.url = ""
        for line in self.process.stdout:
            if "coach_" in line:
                self.key = line.rsplit("：", 1)[1].strip()
            if "http://" in line:
                self.url = line[line.index("http://") :].strip().removesuffix("/sidebar")
                return
        raise AssertionError("the service did not start")

    def kill(self, how=signal.SIGKILL):
        """End the process and wait for it."""
        self.process.send_signal(how)
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def process(book, tmp_path):
    """A factory of processes over one data folder; what still runs is killed after the test."""
    started = []

    def start(**options):
        started.append(Process(book, tmp_path / "state", **options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()


def test_kill_9_in_the_middle_of_a_call_loses_nothing(process, clients, wire):
    """The producer resends what was not acked, and the agent sees every utterance and each card once."""
    first = process()
    authorised = {"Authorization": f"Bearer {first.key}"}
    events = [wire.started()]
    for index in range(60):
        text = "我不知道" if index == 10 else f"第{index}句"
        events.append(
            wire.said(text[:2], seq=len(events) + 1, utterance_id=f"u{index}", final=False, at=index * 1000)
        )
        events.append(
            wire.said(text, seq=len(events) + 1, utterance_id=f"u{index}", revision=2, at=index * 1000)
        )

    producer = clients.socket(first.url + "/v1/ingest", additional_headers=authorised)
    producer.until("ready")
    sidebar = clients.socket(first.url + "/v1/agents/a1/stream", additional_headers=authorised)
    sidebar.until("snapshot")
    producer.send(*events[:40])
    card = sidebar.until("advice")["id"]
    producer.send(*events[40:90])
    acked = producer.until("ack")["seq"]
    first.kill()
    try:
        while True:
            message = producer.next()
            acked = max(acked, message["seq"]) if message["type"] == "ack" else acked
    except ConnectionClosed:
        pass
    assert 1 <= acked <= 90

    second = process(port=int(first.url.rsplit(":", 1)[1]))
    assert second.key == ""
    offset = "k3f9-7"
    token = httpx.post(
        second.url + "/v1/tokens", json={"agent_id": "a1"}, headers=authorised, trust_env=False, timeout=30
    ).json()["token"]
    sidebar = clients.socket(second.url + "/v1/agents/a1/stream")
    sidebar.send({"type": "hello", "token": token, "after": offset})
    call = sidebar.until("snapshot")["call"]
    shown = {each["id"] for each in call["advice"]}
    utterances = {each["utterance_id"] for each in call["transcript"]}
    producer = clients.socket(second.url + "/v1/ingest", additional_headers=authorised)
    producer.until("ready")
    producer.send(*events[acked:], wire.ended(seq=len(events) + 1))
    producer.acked("c1", len(events) + 1)
    while (message := sidebar.next())["type"] != "call.ended":
        if message["type"] == "advice":
            assert message["id"] not in shown
            shown.add(message["id"])
        if message["type"] == "transcript":
            utterances.add(message["utterance_id"])
    assert shown == {card}
    assert utterances == {f"u{index}" for index in range(60)}
    stored = httpx.get(second.url + "/v1/calls/c1", headers=authorised, trust_env=False, timeout=30).json()
    assert [each["utterance_id"] for each in stored["utterances"]] == [f"u{index}" for index in range(60)]
    assert [each["id"] for each in stored["advice"]] == [card]


def test_a_signal_ends_the_service_in_order(process, clients, wire):
    """SIGTERM closes the sockets, writes what waits and leaves with 0."""
    service = process()
    producer = clients.socket(
        service.url + "/v1/ingest", additional_headers={"Authorization": f"Bearer {service.key}"}
    )
    producer.until("ready")
    producer.send(wire.started())
    producer.acked("c1", 1)
    service.kill(signal.SIGTERM)
    assert producer.close_code() == 1012
    assert service.process.returncode in {0, -signal.SIGTERM}


def test_a_second_service_over_the_same_folder_is_refused(process, book, tmp_path):
    """Two writers would drop each other's calls: the second says so and leaves with 2."""
    process()
    second = subprocess.run(
        [
            *(sys.executable, "-m", "coach", "serve", "--port", "0", "--data-dir", str(tmp_path / "state")),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2
    assert "data_dir" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.databases
def test_a_restart_keeps_snoozes_and_outcomes(running, clients, wire):
    """A call heard again from disk is silent where it was, and its cards keep their outcome."""
    first = running()
    producer, sidebar = clients.producer(first), clients.sidebar(first)
    producer.send(
        wire.started(), wire.said("我不知道", seq=2), wire.said("我马上帮您查一下，请您稍等", seq=3)
    )
    producer.acked("c1", 3)
    assert sidebar.until("advice.resolved")["outcome"] == "adopted"
    sidebar.send({"type": "snooze", "call_id": "c1", "rule": "hedging/should-be"})
    sidebar.until("noted")
    producer.send(wire.said("明天应该会到", seq=4))
    producer.acked("c1", 4)
    before = clients.sidebar(first).next()["call"]
    first.stop()
    second = running()
    after = clients.sidebar(second).next()["call"]
    assert after == before
    assert after["resolved"][0]["outcome"] == "adopted"
    assert len(after["transcript"]) == 3


@pytest.mark.databases
def test_a_call_changed_by_another_writer_is_read_again(running, clients, wire, disk):
    """When the disk is ahead of memory nothing is written over it: the producer is told, the call rebuilt."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    disk("UPDATE calls SET seq = 7, writer = 'other' WHERE call_id = 'c1'")
    producer.send(wire.said("二", seq=2))
    assert producer.next()["code"] == "busy"
    producer.send(wire.said("二", seq=2))
    producer.acked("c1", 7)
    assert [each["text"] for each in service.http("GET", "/v1/calls/c1").json()["utterances"]] == ["二"]


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    """An older program does not touch a newer file."""
    import asyncio
    import sqlite3

    file = tmp_path / "coach.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigError, match="99"):
        asyncio.run(Store(Database(file), max_waiting=1).open())


def test_a_file_that_is_no_database_is_refused(tmp_path):
    """The message names the file."""
    import asyncio

    file = tmp_path / "coach.sqlite3"
    file.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(ConfigError, match=r"coach\.sqlite3"):
        asyncio.run(Store(Database(file), max_waiting=1).open())
