"""SIGTERM under load: a real process, real clients, and what is on disk afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from coach.client import AsyncProducer, Client

CALLS = 40
WORDS = {"speaker": "agent", "start_ms": 0, "end_ms": 900}


class Serving:
    """`coach serve` in a process of its own."""

    def __init__(self, book, folder, *, port=0):
        environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}
        self.database = folder / "coach.sqlite3"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "coach", "serve", "--port", str(port), "--data-dir", str(folder)),
                *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=environment,
        )
        self.key = ""
        while "coach 已就绪" not in (line := self.process.stdout.readline()):
            assert line, "the service did not start"
            self.key = line.strip().rpartition("：")[2]
        self.url = line.strip().rpartition("：")[2].removesuffix("/sidebar")

    def stored(self) -> dict[str, tuple[int, set[int]]]:
        """Return (seq, seqs of the finals) of each call on disk."""
        with sqlite3.connect(self.database) as database:
            calls = {
                call_id: (seq, set()) for call_id, seq in database.execute("SELECT call_id, seq FROM calls")
            }
            for call_id, seq in database.execute("SELECT call_id, seq FROM utterances"):
                calls[call_id][1].add(seq)
        database.close()
        return calls


@pytest.fixture
def serving(book, tmp_path):
    """A factory of processes over one data folder; they are ended after the test."""
    started: list[Serving] = []

    def start(**options) -> Serving:
        started.append(Serving(book, tmp_path / "state", **options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait(10)
        each.process.stdout.close()


def until_closed(socket) -> tuple[str, int]:
    """Read to the end; return the last frame and the close code."""
    last = ""
    try:
        while True:
            last = socket.recv(10)
    except ConnectionClosed as closed:
        return last, closed.rcvd.code


async def talk(producer: AsyncProducer, call: int, *, stop: asyncio.Event) -> int:
    """Say things in one call until told to stop; return how many."""
    call_id, turn = f"c{call}", 0
    await producer.start_call(call_id, agent_id=f"a{call}")
    while not stop.is_set():
        await producer.utterance(call_id, f"u{turn}", "我不知道", **WORDS)
        turn += 1
        await asyncio.sleep(0.005)
    await producer.end_call(call_id, at_ms=60_000)
    return turn


def test_a_signal_under_load_loses_nothing_that_was_acked(serving):
    """40 talking calls and SIGTERM: what was acked is on disk, and after the restart so is all the rest, once."""
    first = serving()
    port = int(first.url.rsplit(":", 1)[1])
    acked: dict[str, int] = {}
    enough = asyncio.Event()

    def tell(message):
        if message["type"] == "ack":
            acked[message["call_id"]] = max(acked.get(message["call_id"], 0), message["seq"])
            if len(acked) == CALLS and sum(acked.values()) > 20 * CALLS:
                enough.set()

    async def work():
        stop = asyncio.Event()
        async with AsyncProducer(first.url, first.key, tell=tell) as producer:
            talking = [asyncio.create_task(talk(producer, index, stop=stop)) for index in range(CALLS)]
            async with asyncio.timeout(30):
                await enough.wait()
            first.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(first.process.wait, 15)
            # Read while nobody serves: these are the acks of the first process, and its disk.
            before, on_disk = dict(acked), first.stored()
            await asyncio.to_thread(serving, port=port)
            stop.set()
            return before, on_disk, await asyncio.gather(*talking)

    before, on_disk, said = asyncio.run(work())
    assert first.process.returncode in {0, -signal.SIGTERM}
    assert len(before) == CALLS
    for call_id, seq in before.items():
        assert on_disk[call_id][0] >= seq
        # seq 1 is call.started, every other event a final.
        assert on_disk[call_id][1] >= set(range(2, seq + 1))
    with Client(first.url, first.key) as client:
        for index in range(CALLS):
            call = client.call(f"c{index}")
            assert [each.utterance_id for each in call.utterances] == [
                f"u{turn}" for turn in range(said[index])
            ]
            assert call.ended_ms == 60_000
            assert len({each.id for each in call.advice}) == len(call.advice)


def test_what_was_received_before_the_signal_is_acked_before_the_socket_closes(serving):
    """A producer that stops sending has every ack when it reads 1012; nothing needs to be sent again."""
    service = serving()
    with connect(
        service.url.replace("http", "ws") + "/v1/ingest",
        additional_headers={"Authorization": f"Bearer {service.key}"},
        proxy=None,
    ) as socket:
        assert '"ready"' in socket.recv(10)
        socket.send('{"type":"call.started","call_id":"c1","seq":1,"agent_id":"a1"}')
        for seq in range(2, 202):
            socket.send(
                f'{{"type":"utterance","call_id":"c1","seq":{seq},"utterance_id":"u{seq}","revision":1,'
                '"speaker":"agent","text":"好","final":true,"start_ms":0,"end_ms":1}'
            )
        # The answer to this ping says that all of it was received; it is not yet all on disk.
        socket.ping().wait(10)
        service.process.send_signal(signal.SIGTERM)
        last, code = until_closed(socket)
    assert '"seq":201' in last
    assert code == 1012


def test_sidebars_are_told_to_come_back(serving):
    """An idle sidebar is closed with 1012, and the process is gone within seconds."""
    service = serving()
    with Client(service.url, service.key) as client:
        token = client.mint_token("a1").token
    with connect(service.url.replace("http", "ws") + "/v1/agents/a1/stream", proxy=None) as socket:
        socket.send(f'{{"type":"hello","token":"{token}"}}')
        assert '"ready"' in socket.recv(10)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        _, code = until_closed(socket)
    service.process.wait(10)
    assert code == 1012
    assert time.monotonic() - began < 8
