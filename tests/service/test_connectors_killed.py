"""Webhooks while the service is killed: what was answered is kept, what was not is sent again, nothing doubles."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

KILLS = 3
SENTENCES = 60
DEADLINE_S = 60


@pytest.fixture
def serve(book, tmp_path):
    """A factory of service processes over one folder and port; what still runs is killed after the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}

    def start() -> tuple[subprocess.Popen, str, str]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "coach", "serve", "--port", str(port)),
                *("--data-dir", str(tmp_path / "state")),
                *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        )
        processes.append(process)
        key = ""
        for line in process.stdout:
            if "coach_" in line:
                key = line.rsplit("：", 1)[1].strip()
            if "http://" in line:
                return process, f"http://127.0.0.1:{port}", key
        raise AssertionError("the service did not start")

    yield start
    for process in processes:
        process.kill()
        process.wait(20)
        process.stdout.close()


def sentence(number: int) -> dict:
    """A final of Genesys; every tenth one gets a card."""
    text = "这个我不知道" if number % 10 == 0 else f"第{number}句"
    best = {"offsetMs": number * 60_000, "durationMs": 900, "transcript": text}
    transcript = {"utteranceId": f"g{number}", "isFinal": True, "channel": "INTERNAL", "alternatives": [best]}
    return {"conversationId": "c1", "transcripts": [transcript]}


@pytest.mark.slow
def test_webhooks_survive_kills(serve):
    """Vendors deliver in parallel and retry; after three kills each sentence and each card is there once."""
    process, url, key = serve()
    client = httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=10)
    answered: set[int] = set()
    lost: list[str] = []
    up = threading.Event()
    up.set()
    enough = [threading.Event() for _ in range(KILLS)]

    def deliver(number: int) -> None:
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            up.wait(DEADLINE_S)
            try:
                answer = client.post(f"{url}/v1/connectors/genesys?agent_id=a1", json=sentence(number))
            except httpx.HTTPError:
                continue
            if answer.status_code == 200:
                answered.add(number)
                for index, event in enumerate(enough, 1):
                    if len(answered) >= index * SENTENCES // (KILLS + 1):
                        event.set()
                return
            if answer.status_code != 503:
                lost.append(answer.text)
                return
        lost.append(f"{number}: no answer")

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(deliver, number) for number in range(SENTENCES)]
        for event in enough:
            assert event.wait(DEADLINE_S)
            up.clear()
            process.kill()
            process.wait(20)
            before = frozenset(answered)
            process, _, _ = serve()
            up.set()
            kept = client.get(f"{url}/v1/calls/c1").json()["utterances"]
            assert {f"g{number}" for number in before} <= {each["utterance_id"] for each in kept}
        for each in done:
            each.result(DEADLINE_S)
    call = client.get(f"{url}/v1/calls/c1").json()
    client.close()
    assert lost == []
    assert sorted(each["utterance_id"] for each in call["utterances"]) == sorted(
        f"g{n}" for n in range(SENTENCES)
    )
    # call.started and one event a sentence: no place was given twice, none was left empty.
    assert call["seq"] == SENTENCES + 1
    assert len({each["utterance_id"] for each in call["advice"]}) == len(call["advice"]) == SENTENCES // 10
