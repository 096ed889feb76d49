"""From an utterance sent to a card received: the real service against two bare relays, over loopback.

Run `python -m benchmarks.push`; `--quick` takes about half a minute, `--json` prints everything as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import uvloop

from benchmarks.client import Socket, open_socket
from benchmarks.timing import Goal, heading, machine, table, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = ("uvicorn", "uvloop", "websockets", "fastapi", "starlette", "orjson", "sqlalchemy")
COACH, RELAY, BARE, ONE = "coach", "FastAPI relay", "websockets relay", "coach, one producer"
PER_SECOND = 5
# Five events an utterance: four partials and the final. One utterance in ten holds a fault.
_FAULT = (
    "这个问题",
    "这个问题我不",
    "这个问题我不知道",
    "这个问题我不知道这个",
    "这个问题我不知道这个事情。",
)
_PLAIN = (
    "我看到您的",
    "我看到您的订单",
    "我看到您的订单已经",
    "我看到您的订单已经发货了",
    "我看到您的订单已经发货了请您留意",
)
_START_TIMEOUT_S = 60


@dataclass(slots=True)
class Server:
    """A server process on a core of its own."""

    name: str
    process: subprocess.Popen[str]
    port: int
    key: str
    started: float
    tokens: dict[str, str] = field(default_factory=dict)

    def cpu_s(self) -> float:
        """Processor time used so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kb(self) -> int:
        """Resident memory in KB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))  # type: ignore[union-attr]

    def token(self, agent_id: str) -> str:
        """Mint a sidebar token, or return one that was minted."""
        if not self.key:
            return "none"
        if agent_id not in self.tokens:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            body = json.dumps({"agent_id": agent_id, "ttl_s": 3600})
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request("POST", "/v1/tokens", body, headers)
            self.tokens[agent_id] = json.loads(connection.getresponse().read())["token"]
            connection.close()
        return self.tokens[agent_id]


@dataclass(slots=True)
class Window:
    """What one window of load showed."""

    sent: int = 0
    delivered: int = 0
    latencies: list[float] = field(default_factory=list)
    advice: list[float] = field(default_factory=list)
    faults: int = 0
    cpu_us: float = 0.0
    own_cpu: float = 0.0
    connection_kb: float = 0.0
    call_kb: float = 0.0

    @property
    def share(self) -> float:
        """Share of the events, in percent, whose push arrived."""
        return 100 * self.delivered / max(self.sent, 1)


def start(
    name: str,
    folder: str,
    *,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    cores: frozenset[int] = frozenset({0}),
) -> Server:
    """Start a server on core 0, or the cores given, and wait until it says its address.

    Args:
        options: for `coach serve`, after its own.
        environment: set besides what is set.
    """
    kind = {RELAY: "fastapi", BARE: "websockets"}.get(name)
    command = [sys.executable, "-m", "benchmarks.relays", kind] if kind else [
        sys.executable, "-m", "coach", "serve", "--port", "0", "--data-dir", folder, "--log-level", "error",
        *options,
    ]  # fmt: skip
    started = time.perf_counter()
    settings = {**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings)
    pin(process.pid, cores)
    key = ""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"coach_[\w-]+", line):
            key = found.group()
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return Server(name, process, int(found.group(1)), key, started)
        if time.perf_counter() - started > _START_TIMEOUT_S:
            break
    raise SystemExit(f"{name} did not start")


class Load:
    """N calls on one server, each with a sidebar; a producer socket each, or one for all."""

    def __init__(self, server: Server, *, calls: int, shared: bool, run: int) -> None:
        self.server = server
        self.calls = calls
        self.shared = shared
        self.prefix = f"r{run}"
        self.window = Window()
        self.sent_at: dict[tuple[str, str, int], float] = {}
        self.fault_at: dict[tuple[str, str], float] = {}
        self.producers: list[Socket] = []
        self.sidebars: list[Socket] = []
        self.seq = [1] * calls

    async def open(self) -> None:
        """Open all sockets and start the calls, weighing the process in between."""
        idle = self.server.rss_kb()
        for first in range(0, self.calls, 50):
            agents = range(first, min(first + 50, self.calls))
            self.sidebars += await asyncio.gather(*(self._sidebar(f"a-{index}") for index in agents))
            if not self.shared:
                self.producers += await asyncio.gather(*(self._producer() for _ in agents))
        if self.shared:
            self.producers = [await self._producer()]
        await asyncio.sleep(0.3)
        opened = self.server.rss_kb()
        self.window.connection_kb = (opened - idle) / (len(self.producers) + len(self.sidebars))
        for index in range(self.calls):
            self._send(index, {"type": "call.started", "agent_id": f"a-{index}", "slots": {}})
            if index % 50 == 49:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        self.started_kb = opened

    async def _producer(self) -> Socket:
        socket = await open_socket(self.server.port, "/v1/ingest")
        if self.server.key:
            await self._greet(socket, self.server.key)
        return socket

    async def _sidebar(self, agent_id: str) -> Socket:
        socket = await open_socket(self.server.port, f"/v1/agents/{agent_id}/stream")
        await self._greet(socket, self.server.token(agent_id))
        socket.on_message = self._received
        return socket

    async def _greet(self, socket: Socket, token: str) -> None:
        ready = asyncio.get_running_loop().create_future()
        socket.on_message = lambda frame: None if ready.done() else ready.set_result(frame)
        socket.send({"type": "hello", "token": token})
        await asyncio.wait_for(ready, 10)
        socket.on_message = lambda _frame: None

    def _send(self, index: int, event: dict[str, Any]) -> None:
        socket = self.producers[0 if self.shared else index]
        socket.send({**event, "call_id": f"{self.prefix}-{index}", "seq": self.seq[index]})
        self.seq[index] += 1

    def _received(self, frame: bytes) -> None:
        now = time.perf_counter()
        message = orjson.loads(frame)
        if message["type"] in ("transcript", "advice"):
            key = (message["call_id"], message["utterance_id"])
            sent = self.sent_at.pop((*key, message.get("revision", 0)), None)
            if sent is not None:
                self.window.delivered += 1
                self.window.latencies.append(now - sent)
            if message["type"] == "advice" and "revision" not in message:
                fault = self.fault_at.pop(key, None)
                if fault is not None:
                    self.window.advice.append(now - fault)

    async def run(self, seconds: float) -> Window:
        """Send open-loop: every call five events a second, whatever comes back."""
        window, total = self.window, int(seconds * PER_SECOND)
        cpu, own, began = self.server.cpu_s(), time.process_time(), time.perf_counter()
        step = 1 / PER_SECOND / self.calls
        for number in range(total * self.calls):
            due = began + number * step
            while (wait := due - time.perf_counter()) > 0:  # noqa: ASYNC110 - waits for a time, not for an event
                await asyncio.sleep(wait if wait > 0.001 else 0)
            if number % 64 == 63:
                await asyncio.sleep(0)
            index, turn = number % self.calls, number // self.calls
            self.utter(index, turn, faulty=(index + turn // 5) % 10 == 0)
        window.sent = total * self.calls
        took = time.perf_counter() - began
        deadline = time.perf_counter() + 2
        while self.sent_at and time.perf_counter() < deadline:  # noqa: ASYNC110 - the last pushes may be lost
            await asyncio.sleep(0.02)
        window.cpu_us = (self.server.cpu_s() - cpu) / window.sent * 1e6
        window.own_cpu = (time.process_time() - own) / took
        window.call_kb = max(self.server.rss_kb() - self.started_kb, 0) / self.calls
        return window

    def utter(self, index: int, turn: int, *, faulty: bool) -> None:
        step = turn % 5
        utterance = f"u{turn // 5}"
        event = {
            "type": "utterance", "utterance_id": utterance, "revision": step + 1, "speaker": "agent",
            "text": (_FAULT if faulty else _PLAIN)[step], "final": step == 4,
            "start_ms": turn // 5 * 1000, "end_ms": turn * 200 + 200,
        }  # fmt: skip
        call = f"{self.prefix}-{index}"
        now = time.perf_counter()
        self.sent_at[call, utterance, step + 1] = now
        # On partial text the shipped rule waits for an exception that may still be said: its card comes with the final.
        if faulty and step == 4:
            self.window.faults += 1
            self.fault_at[call, utterance] = now
        self._send(index, event)

    async def close(self) -> None:
        """End the calls and close the sockets."""
        for index in range(self.calls):
            self._send(index, {"type": "call.ended", "at_ms": 60000})
        await asyncio.sleep(0.3)
        for socket in (*self.producers, *self.sidebars):
            socket.close()
        await asyncio.sleep(0.3)


async def first_answer(server: Server) -> float:
    """Return seconds from the start of the process to its first push."""
    load = Load(server, calls=1, shared=False, run=0)
    await load.open()
    load.utter(0, 2, faulty=True)
    while not load.window.delivered:  # noqa: ASYNC110 - once, and not measured finer
        await asyncio.sleep(0.002)
    took = time.perf_counter() - server.started
    await load.close()
    return took - 0.8  # the two waits of `open`


async def measure(servers: dict[str, Server], *, quick: bool) -> dict[tuple[str, int], list[Window]]:
    """Run every load on every server, in turns."""
    rounds, seconds = (1, 2.0) if quick else (3, 3.0)
    windows: dict[tuple[str, int], list[Window]] = {}
    run = 0
    for calls in (1, 100) if quick else (1, 100, 500, 1000):
        for _ in range(rounds):
            for name in (COACH, ONE, RELAY, BARE):
                run += 1
                load = Load(servers[COACH if name == ONE else name], calls=calls, shared=name == ONE, run=run)
                await load.open()
                windows.setdefault((name, calls), []).append(await load.run(seconds))
                await load.close()
    return windows


def summary(windows: list[Window]) -> dict[str, float]:
    """Return the medians over the windows of one case."""

    def median(values: list[float]) -> float:
        return statistics.median(values) if values else float("nan")

    return {
        "p50_ms": median([quantile(window.latencies, 0.5) for window in windows]),
        "p99_ms": median([quantile(window.latencies, 0.99) for window in windows]),
        "advice_p50_ms": median([quantile(window.advice, 0.5) for window in windows if window.advice]),
        "advice_p99_ms": median([quantile(window.advice, 0.99) for window in windows if window.advice]),
        "cpu_us": median([window.cpu_us for window in windows]),
        "delivered": min(window.share for window in windows),
        "connection_kb": windows[0].connection_kb,
        "call_kb": windows[0].call_kb,
        "generator_core": median([100 * window.own_cpu for window in windows]),
    }


def goals(results: dict[tuple[str, int], dict[str, float]], ups: dict[str, float]) -> list[Goal]:
    """Hold the medians against rows 10, 11, 12 and 16."""
    calls = max(count for _, count in results)
    coach, relay, bare, one = (results[name, calls] for name in (COACH, RELAY, BARE, ONE))
    # Memory that a process has once taken is used again: only the first load of more than one call tells.
    weighed, weighed_bare = results[COACH, 100], results[BARE, 100]
    return [
        Goal(
            "10", f"CPU per event / FastAPI relay, {calls:,} calls", coach["cpu_us"] / relay["cpu_us"], 1.15
        ),
        Goal("10", f"same, one producer connection, {calls:,} calls", one["cpu_us"] / relay["cpu_us"], 1.15),
        Goal("11", f"p50 / websockets relay, {calls:,} calls", coach["p50_ms"] / bare["p50_ms"], 1.3),
        Goal("11", f"p99 / websockets relay, {calls:,} calls", coach["p99_ms"] / bare["p99_ms"], 2),
        Goal("11", f"events delivered in percent, {calls:,} calls", coach["delivered"], 100, at_least=True),
        Goal(
            "12",
            "KB per connection / websockets relay",
            weighed["connection_kb"] / max(weighed_bare["connection_kb"], 0.1),
            2.5,
        ),
        Goal("16", "KB per live call above its connections", weighed["call_kb"], 64),
        Goal("16", "seconds from start to first answer", ups[COACH], 2),
    ]


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of seconds in ms; nan of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else float("nan")


def pin(process: int, cores: frozenset[int]) -> None:
    """Keep a process, 0 being this one, on some cores where there are several."""
    with contextlib.suppress(AttributeError, OSError):
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(process, cores)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; exit 1 only with --strict and a goal that is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.push", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--quick", action="store_true", help="one short round, at most 100 calls")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args(argv)
    servers: dict[str, Server] = {}
    ups: dict[str, float] = {}
    about = machine()
    pin(0, frozenset({1}))
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in (COACH, RELAY, BARE):
                servers[name] = start(name, folder)
                ups[name] = uvloop.run(first_answer(servers[name]))
            windows = uvloop.run(measure(servers, quick=options.quick))
        finally:
            for server in servers.values():
                server.process.terminate()
                server.process.wait(20)
    results = {case: summary(found) for case, found in windows.items()}
    judged = goals(results, ups)
    if options.json:
        named = {f"{name}, {calls} calls": result for (name, calls), result in results.items()}
        print(json.dumps({"machine": about, "versions": versions(PACKAGES), "results": named, "start_s": ups,
                          "goals": [{"row": g.row, "what": g.what, "value": g.value, "limit": g.limit, "met": g.met}
                                    for g in judged]},
                         ensure_ascii=False, indent=2))  # fmt: skip
    else:
        columns = [
            "server, calls",
            "p50 ms",
            "p99 ms",
            "card p50",
            "card p99",
            "CPU us/event",
            "delivered %",
            "KB/conn",
            "KB/call",
            "generator core %",
        ]
        rows = [
            [f"{name}, {calls:,}", *(f"{value:,.2f}" for value in result.values())]
            for (name, calls), result in results.items()
        ]
        print(heading(about, versions(PACKAGES)), "", table(columns, rows), "", sep="\n")
        print(
            *(f"{took:8.2f} s from start to first answer, {name}" for name, took in ups.items()), "", sep="\n"
        )
        print(" row           value      limit  what", *(goal.line() for goal in judged), sep="\n")
    return int(options.strict and not all(goal.met for goal in judged))


if __name__ == "__main__":
    sys.exit(main())
