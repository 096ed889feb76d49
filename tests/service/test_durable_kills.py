"""`kill -9` again and again, under load: nothing acked is lost, nothing is shown twice, every final is stored once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections import defaultdict

import pytest

from coach.client import AsyncClient, AsyncProducer, Client, messages, producer, stream

KILLS = 20
# With a server another half of them; COACH_TEST_EFFORT=2 makes it twenty.
KILLS_SERVER = 10
EFFORT = float(os.environ.get("COACH_TEST_EFFORT", "1"))
PRODUCERS = 3
AGENTS = 12
# Each call has so many utterances, each of them two partials and a final.
TURNS = 16
# What is left to answer for one kill after another, on a machine that may be busy.
PATIENCE_S = 60.0


class Serving:
    """`coach serve` over one data folder, in one process after another."""

    def __init__(self, book, folder, *, database_url, disk):
        self.key, self.url = "", ""
        self._database_url, self._disk = database_url, disk
        self._command = [
            *(sys.executable, "-m", "coach", "serve", "--data-dir", str(folder)),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ]
        self.start()

    def start(self):
        """Start a process, on the port of the one before."""
        environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}
        environment["COACH_DATABASE_URL"] = self._database_url
        port = self.url.rpartition(":")[2] or "0"
        self.process = subprocess.Popen(
            [*self._command, "--port", port],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=environment,
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

    def seqs(self) -> dict[str, int]:
        """Return the last seq on disk of each call."""
        return dict(self._disk("SELECT call_id, seq FROM calls"))


class Screen:
    """What one agent sees, and what would have been shown to him twice."""

    def __init__(self):
        self.cards: set[str] = set()
        self.finals: set[str] = set()
        # Every id that the card of (utterance, rule) ever had.
        self.ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.twice: list[str] = []
        self.snapshots = 0

    def show(self, event):
        """Take in one event."""
        match event:
            case messages.Snapshot():
                self.snapshots += 1
                self._clear()
                if event.call is not None:
                    for each in (*event.call.transcript, *event.call.advice):
                        self.show(each)
            case messages.CallStarted():
                self._clear()
            case messages.Transcript(final=True):
                self._once(event.utterance_id, self.finals)
            case messages.Advice():
                self._once(event.id, self.cards)
                self.ids[event.utterance_id, event.rule].add(event.id)
            case messages.AdviceWithdrawn():
                self.cards.discard(event.id)

    def _clear(self):
        self.cards.clear()
        self.finals.clear()

    def _once(self, identity, seen):
        if identity in seen:
            self.twice.append(identity)
        seen.add(identity)


async def talk(
    feeding: AsyncProducer, agent: int, *, stop: asyncio.Event
) -> dict[str, list[tuple[str, str]]]:
    """Make one call after another until told to stop; return the finals (utterance id, text) of each call."""
    said: dict[str, list[tuple[str, str]]] = {}
    while not stop.is_set():
        call_id = f"c{agent}-{len(said)}"
        said[call_id] = []
        await feeding.start_call(call_id, agent_id=f"a{agent}")
        for turn in range(TURNS):
            utterance_id = f"{call_id}-u{turn}"
            text = f"这个我不知道，这是第{turn}句" if turn % 5 == 2 else f"好的，这是第{turn}句"
            for upto, final in ((3, False), (7, False), (len(text), True)):
                at = {"start_ms": 4000 * turn, "end_ms": 4000 * turn + 200 * upto}
                await feeding.utterance(
                    call_id, utterance_id, text[:upto], speaker="agent", final=final, **at
                )
                await asyncio.sleep(0.06)
            said[call_id].append((utterance_id, text))
        await feeding.end_call(call_id, at_ms=4000 * TURNS)
    return said


async def follow(client: AsyncClient, agent: int, screen: Screen) -> None:
    """Read one agent's stream for ever."""
    async for event in client.events(f"a{agent}"):
        screen.show(event)


@pytest.fixture
def serving(book, tmp_path, database_url, disk):
    """A service in a process of its own, killed after the test."""
    service = Serving(book, tmp_path / "state", database_url=database_url, disk=disk)
    yield service
    if service.process.poll() is None:
        service.kill()


@pytest.fixture
def _impatient(monkeypatch):
    """Clients look for a lost service five times a second, so that many kills fit into a test."""
    for module in (producer, stream):
        monkeypatch.setattr(module, "_RETRY_S", 0.2)
        monkeypatch.setattr(module, "_MAX_RETRY_S", 0.2)


@pytest.mark.slow
@pytest.mark.databases
@pytest.mark.usefixtures("_impatient")
def test_kills_under_load_lose_and_double_nothing(serving, database_url):
    """Three producers, twelve agents with sidebars, 20 times `kill -9`: all of it arrives, and arrives once."""
    kills = KILLS if not database_url else int(KILLS_SERVER * EFFORT)
    chance = random.Random(20)
    acked: dict[str, int] = {}
    worked = asyncio.Event()
    screens = [Screen() for _ in range(AGENTS)]
    lost: list[str] = []
    refused: list[str] = []

    def tell(message):
        if message["type"] == "ack":
            acked[message["call_id"]] = max(acked.get(message["call_id"], 0), message["seq"])
            worked.set()

    async def kill_again_and_again():
        for _ in range(kills):
            before = sum(acked.values())
            async with asyncio.timeout(PATIENCE_S):
                # Not before this process has done some work of its own.
                while sum(acked.values()) < before + 4 * AGENTS:
                    worked.clear()
                    await worked.wait()
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await asyncio.to_thread(serving.kill)
            promised, on_disk = dict(acked), await asyncio.to_thread(serving.seqs)
            lost.extend(f"{each} {seq}" for each, seq in promised.items() if on_disk.get(each, 0) < seq)
            await asyncio.to_thread(serving.start)

    async def work():
        stop = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(AsyncClient(serving.url, serving.key))
            feeding = [
                await stack.enter_async_context(
                    AsyncProducer(serving.url, serving.key, tell=tell, patience_s=PATIENCE_S)
                )
                for _ in range(PRODUCERS)
            ]
            reading = [asyncio.create_task(follow(client, each, screens[each])) for each in range(AGENTS)]
            talking = [
                asyncio.create_task(talk(feeding[each % PRODUCERS], each, stop=stop))
                for each in range(AGENTS)
            ]
            await kill_again_and_again()
            stop.set()
            said = await asyncio.gather(*talking)
            for each in feeding:
                await each.drain(timeout_s=PATIENCE_S)
                refused.extend(map(str, each.refusals))
            for task in reading:
                assert not task.done(), task.exception()
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
            return {call_id: finals for one in said for call_id, finals in one.items()}

    said = asyncio.run(work())
    assert lost == []
    assert refused == []
    assert [twice for screen in screens for twice in screen.twice] == []
    # Whatever is shown again after a kill has the id it had before.
    assert {len(ids) for screen in screens for ids in screen.ids.values()} == {1}
    assert min(screen.snapshots for screen in screens) >= kills // 2
    with Client(serving.url, serving.key) as client:
        for call_id, finals in said.items():
            call = client.call(call_id)
            assert [(each.utterance_id, each.text) for each in call.utterances] == finals
            assert call.ended_ms == 4000 * TURNS
            standing = [(each.utterance_id, each.rule) for each in call.advice if not each.withdrawn]
            assert len(standing) == len(set(standing))
