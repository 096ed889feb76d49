"""A center at work: many calls at once against the real service, its workers killed meanwhile, nothing lost.

Run `python -m benchmarks.load`; `--quick` takes half a minute a phase, `--json` prints everything as JSON. Needs Linux.
`--workers 2` brings Valkey with it, `--postgres` PostgreSQL, `--kill-every 15` the phase in which workers die.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import heapq
import json
import math
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from benchmarks.load_calls import Script, scripts
from benchmarks.load_ends import Producer, Seen, Sidebar, Tally
from benchmarks.load_servers import Deployment, deployment
from benchmarks.push import BARE, pin, quantile, start
from benchmarks.timing import heading, machine, table, versions
from coach.client.async_http import AsyncClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.push import Server

PACKAGES = ("uvicorn", "uvloop", "websockets", "sqlalchemy", "asyncpg", "redis", "hiredis")
_TICK_S = 0.001
_LOOK_S = 10.0
_DRAIN_S = 60.0
_RELAY_S = 20.0
_WARM_S = 5.0
# Agents write up a call before they take the next one.
_BETWEEN_S = (1.0, 4.0)
# A generator beyond these measures itself.
_FULL_CORE, _LATE_S = 0.85, 0.02


@dataclass(slots=True)
class Phase:
    """One stretch of load and what it showed.

    Attributes:
        cpu_s: processor seconds by part, the generator's under its own name.
        looks: what was seen every ten seconds: `at_s`, `pss_kb` and the depths of the queues.
        stored: what the check of the store found; empty for a relay.
    """

    name: str
    tally: Tally
    seconds: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    looks: list[dict[str, float]] = field(default_factory=list)
    stored: dict[str, int] = field(default_factory=dict)
    disk_bytes: int = 0
    counts: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    loop_core: float = 0.0

    @property
    def saturated(self) -> str:
        """Why the generator was the limit; "" when it was not."""
        late = quantile(self.tally.late, 0.99)
        if self.loop_core > _FULL_CORE:
            return f"its core was busy {self.loop_core:.0%} of the time"
        if late > 1000 * _LATE_S:
            return f"1 % of the events were sent more than {late:.0f} ms late"
        return ""

    @property
    def lost(self) -> dict[str, int]:
        """What should have arrived and did not, by kind."""
        calls = self.tally.calls.values()
        return {
            "events without ack": sum(max(0, seen.last_seq - seen.acked) for seen in calls if self.stored),
            "finals not shown": sum(
                sum(final not in seen.shown for final in seen.finals) for seen in calls if not seen.cut
            )
            if self.stored
            else 0,
            **self.stored,
        }


class Agents:
    """Everybody who is on the phone.

    Args:
        name: makes the ids of the calls.
    """

    def __init__(
        self, server: Server, *, name: str, calls: int, connections: int, pool: list[Script], acks: bool
    ) -> None:
        self._name = name
        self._pool = pool
        self._lot = random.Random(7)
        self.tally = Tally()
        self.producers = [Producer(server, self.tally, acks=acks) for _ in range(connections)]
        self.sidebars = [Sidebar(server, self.tally, f"a-{index}") for index in range(calls)]
        self._talks = [iter(()) for _ in range(calls)]
        self._queue: list[tuple[float, int]] = []

    async def open(self) -> None:
        """Connect everybody."""
        for producer in self.producers:
            await producer.open()
        for first in range(0, len(self.sidebars), 50):
            await asyncio.gather(*(each.open() for each in self.sidebars[first : first + 50]))

    async def talk(self, seconds: float) -> None:
        """Let them talk; calls begin spread over the first tenth, and new ones follow those that end."""
        began = time.perf_counter()
        for index in range(len(self.sidebars)):
            at = began + self._lot.uniform(0, max(1.0, seconds / 10))
            self._talks[index] = self._talk(index, at)
            heapq.heappush(self._queue, (at, index))
        over = began + seconds
        while (now := time.perf_counter()) < over:
            touched = set()
            while self._queue[0][0] <= now:
                due, index = heapq.heappop(self._queue)
                self.tally.late.append(now - due)
                heapq.heappush(self._queue, (next(self._talks[index]), index))
                touched.add(index % len(self.producers))
            for number in touched:
                self.producers[number].flush()
            await asyncio.sleep(_TICK_S)
        for index, sidebar in enumerate(self.sidebars):
            seen = sidebar.current
            if seen is not None and not seen.ended:
                self._producer(index).end(seen, at_ms=3_600_000)
        for producer in self.producers:
            producer.flush()

    async def drain(self) -> None:
        """Wait until everything is acked and shown, or a minute is over."""
        deadline = time.perf_counter() + _DRAIN_S
        while time.perf_counter() < deadline and not self._settled():  # noqa: ASYNC110 - the end may never come
            await asyncio.sleep(0.1)

    def close(self) -> None:
        """Disconnect everybody."""
        for each in (*self.producers, *self.sidebars):
            each.close()

    def _settled(self) -> bool:
        return not any(each.waiting for each in self.producers) and all(
            final in seen.shown or seen.cut
            for seen in self.tally.calls.values()
            for final in seen.finals[-2:]
        )

    def _producer(self, index: int) -> Producer:
        return self.producers[index % len(self.producers)]

    def _talk(self, index: int, at: float) -> Iterator[float]:
        """Send what is due whenever asked, and tell when the next is."""
        producer, sidebar = self._producer(index), self.sidebars[index]
        number = 0
        while True:
            script = self._pool[(index * 31 + number * 7) % len(self._pool)]
            seen = Seen(f"{self._name}-{index}-{number}", f"a-{index}")
            sidebar.current = seen
            producer.start(seen)
            for result in script.results:
                yield at + result.at_ms / 1000
                producer.say(seen, result)
            yield at + script.ends_ms / 1000
            producer.end(seen, at_ms=script.ends_ms)
            at += script.ends_ms / 1000 + self._lot.uniform(*_BETWEEN_S)
            number += 1
            yield at


async def relay(server: Server, *, name: str, options: argparse.Namespace, pool: list[Script]) -> Phase:
    """Put the load on a relay."""
    agents = Agents(
        server, name=name, calls=options.calls, connections=options.connections, pool=pool, acks=False
    )
    await agents.open()
    phase = Phase(BARE, agents.tally)
    before, own, began = server.cpu_s(), time.process_time(), time.perf_counter()
    await agents.talk(min(options.seconds, _RELAY_S))
    phase.seconds = time.perf_counter() - began
    await asyncio.sleep(0.5)
    phase.cpu_s = {"relay": server.cpu_s() - before, "generator": time.process_time() - own}
    phase.loop_core = phase.cpu_s["generator"] / phase.seconds
    agents.close()
    await asyncio.sleep(0.2)
    return phase


async def coach(
    running: Deployment, *, name: str, kill_every: float, options: argparse.Namespace, pool: list[Script]
) -> Phase:
    """Put the load on coach, watch it, kill workers, and compare the store with what was acked."""
    agents = Agents(
        running.server, name=name, calls=options.calls, connections=options.connections, pool=pool, acks=True
    )
    for index in range(options.calls):
        running.server.token(f"a-{index}")
    await agents.open()
    phase = Phase(name, agents.tally)
    kills, disk = running.kills, running.disk_bytes()
    counts = await asyncio.to_thread(running.counts)
    before, own, began = running.cpu_s(), time.process_time(), time.perf_counter()
    watchers = [asyncio.create_task(_watch(running, phase, began))]
    if kill_every:
        watchers.append(asyncio.create_task(_kill(running, kill_every)))
    await agents.talk(options.seconds)
    phase.seconds = time.perf_counter() - began
    phase.loop_core = (time.process_time() - own) / phase.seconds
    for watcher in watchers:
        watcher.cancel()
    await agents.drain()
    after = running.cpu_s()
    phase.cpu_s = {part: after[part] - before[part] for part in after}
    phase.cpu_s["generator"] = time.process_time() - own
    phase.kills = running.kills - kills
    phase.disk_bytes = running.disk_bytes() - disk
    if not kill_every:
        counted = await asyncio.to_thread(running.counts)
        phase.counts = {name: value - counts.get(name, 0) for name, value in counted.items()}
    agents.close()
    phase.stored = await _compare(running, agents.tally)
    return phase


async def warm(running: Deployment, *, options: argparse.Namespace, pool: list[Script]) -> None:
    """Let every worker meet every rule once: regular expressions are compiled when they are first needed."""
    agents = Agents(
        running.server, name="warm", calls=min(options.calls, 50), connections=8, pool=pool, acks=True
    )
    await agents.open()
    await agents.talk(_WARM_S)
    await agents.drain()
    agents.close()


async def _watch(running: Deployment, phase: Phase, began: float) -> None:
    while True:
        at = time.perf_counter() - began
        depths = await asyncio.to_thread(running.depths)
        phase.looks.append({"at_s": at, "pss_kb": await asyncio.to_thread(running.pss_kb), **depths})
        await asyncio.sleep(_LOOK_S)


async def _kill(running: Deployment, every: float) -> None:
    lot = random.Random(11)
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(running.kill, lot)


async def _compare(running: Deployment, tally: Tally) -> dict[str, int]:
    """Read every call back, and count what differs from what was sent, acked and shown."""
    found = {"finals not stored": 0, "finals stored twice": 0, "cards not shown": 0, "cards not stored": 0}
    waiting = list(tally.calls.values())
    async with AsyncClient(f"http://127.0.0.1:{running.server.port}", running.server.key) as client:

        async def read() -> None:
            while waiting:
                seen = waiting.pop()
                call = await client.call(seen.call_id)
                stored = [each.utterance_id for each in call.utterances]
                found["finals not stored"] += len(set(seen.finals) - set(stored))
                found["finals stored twice"] += len(stored) - len(set(stored))
                kept = {each.id for each in call.advice if not each.withdrawn}
                if not seen.cut:
                    found["cards not shown"] += len(kept - seen.cards)
                found["cards not stored"] += len(seen.cards - seen.gone - kept)

        await asyncio.gather(*(read() for _ in range(4)))
    return found


def measured(phase: Phase, relays: list[Phase]) -> dict[str, Any]:
    """Put a phase into numbers; latencies in ms, ratios to the relay's in the same run."""
    tally = phase.tally
    bare = [each for relay_phase in relays for each in relay_phase.tally.pushes]
    pss = [(look["at_s"], look["pss_kb"]) for look in phase.looks]
    # The first half fills what is then used again, and takes apart what workers shared.
    settled = [each for each in pss if each[0] >= phase.seconds / 2]
    slope = statistics.linear_regression(*zip(*settled, strict=True)).slope * 60 if len(settled) > 2 else None
    events = max(tally.events, 1)
    numbers: dict[str, Any] = {
        "seconds": phase.seconds, "calls": len(tally.calls), "events": tally.events,
        "events_per_second": tally.events / phase.seconds, "delivered": tally.delivered,
        "joined": tally.joined, "lost": phase.lost, "shown_twice": tally.twice,
        "out_of_order": tally.disorder, "partials_shown_again": tally.went_back, "refused": tally.refused,
        "snapshots": tally.snapshots,
        "degraded": tally.degraded, "pressed_s": tally.pressed_s, "kills": phase.kills,
        "producers_reconnected": tally.producer_losses, "sidebars_reconnected": tally.sidebar_losses,
        "cards": len(tally.cards), "cpu_us_per_event": {k: v / events * 1e6 for k, v in phase.cpu_s.items()},
        "cores": {part: used / phase.seconds for part, used in phase.cpu_s.items()},
        "disk_bytes_per_event": phase.disk_bytes / events,
        "bytes_up_per_event": tally.bytes_up / events, "bytes_down_per_event": tally.bytes_down / events,
        "per_event": {name: value / events for name, value in phase.counts.items()},
        "pss_mb": [round(kb / 1024, 1) for _, kb in pss],
        "pss_slope_mb_per_minute": None if slope is None else slope / 1024,
        "depths": {
            key: max(look.get(key, 0) for look in phase.looks)
            for key in sorted({key for look in phase.looks for key in look} - {"at_s", "pss_kb"})
        },
        "generator_saturated": phase.saturated,
    }  # fmt: skip
    for name, values in (("push", tally.pushes), ("card", tally.cards)):
        for label, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
            value = quantile(values, share)
            numbers[f"{name}_{label}_ms"] = value
            numbers[f"{name}_{label}_ratio"] = value / max(quantile(bare, share), 1e-9)
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        numbers[f"ack_{label}_ms"] = quantile(tally.acks_s, share)
        numbers[f"outage_{label}_ms"] = quantile(tally.outages, share)
    numbers["outage_longest_ms"] = max(tally.outages, default=float("nan")) * 1000
    return numbers


def report(results: dict[str, dict[str, Any]]) -> str:
    """Render what people read: one table of times, one of faults, and what there is to say besides."""
    times = []
    for name, got in results.items():
        for kind in ("push", "card"):
            cells = [
                f"{got[f'{kind}_{label}_ms']:,.1f} ({got[f'{kind}_{label}_ratio']:,.1f})"
                for label in ("p50", "p99", "p99.9")
            ]
            if got["cards"] or kind == "push":
                times.append([f"{name}: {kind}", *cells])
    shown = {name: got for name, got in results.items() if name != BARE}
    rows = [
        ["calls", *(f"{got['calls']:,}" for got in shown.values())],
        ["events sent", *(f"{got['events']:,}" for got in shown.values())],
        ["  a second", *(f"{got['events_per_second']:,.0f}" for got in shown.values())],
        ["  pushed by themselves", *(f"{got['delivered']:,}" for got in shown.values())],
        ["  joined with a later one", *(f"{got['joined']:,}" for got in shown.values())],
        *(
            [f"  {kind}", *(f"{got['lost'].get(kind, 0):,}" for got in shown.values())]
            for kind in next(iter(shown.values()))["lost"]
        ),
        ["finals shown twice", *(f"{got['shown_twice']:,}" for got in shown.values())],
        ["out of order", *(f"{got['out_of_order']:,}" for got in shown.values())],
        [
            "partials shown again after a kill",
            *(f"{got['partials_shown_again']:,}" for got in shown.values()),
        ],
        ["workers killed", *(f"{got['kills']}" for got in shown.values())],
        ["sidebars reconnected", *(f"{got['sidebars_reconnected']:,}" for got in shown.values())],
        ["  without stream, ms: median", *(f"{got['outage_p50_ms']:,.0f}" for got in shown.values())],
        ["  longest", *(f"{got['outage_longest_ms']:,.0f}" for got in shown.values())],
        ["snapshots", *(f"{got['snapshots']:,}" for got in shown.values())],
        ["ack ms: median", *(f"{got['ack_p50_ms']:,.0f}" for got in shown.values())],
        ["  p99", *(f"{got['ack_p99_ms']:,.0f}" for got in shown.values())],
        ["producers asked to wait, s", *(f"{got['pressed_s']:,.1f}" for got in shown.values())],
        ["PSS MB: first", *(f"{got['pss_mb'][0] if got['pss_mb'] else 0:,.0f}" for got in shown.values())],
        ["  last", *(f"{got['pss_mb'][-1] if got['pss_mb'] else 0:,.0f}" for got in shown.values())],
        [
            "  slope of the second half, MB a minute",
            *(_or_dash(got["pss_slope_mb_per_minute"]) for got in shown.values()),
        ],
        ["disk, bytes an event", *(f"{got['disk_bytes_per_event']:,.0f}" for got in shown.values())],
    ]
    parts = ["coach", "Valkey", "PostgreSQL", "relay", "generator"]
    cpu = [
        [part, *(_or_dash(got["cpu_us_per_event"].get(part)) for got in results.values())]
        for part in parts
        if any(part in got["cpu_us_per_event"] for got in results.values())
    ]
    cores = [
        [f"{part}, cores", *(_or_dash(got["cores"].get(part)) for got in results.values())]
        for part in parts
        if any(part in got["cores"] for got in results.values())
    ]
    lines = [
        table(["ms (times the relay's)", "p50", "p99", "p99.9"], times),
        "",
        table(["", *shown], rows),
        "",
        table(["CPU us an event", *results], cpu + cores),
        "",
    ]
    for name, got in results.items():
        if got["refused"]:
            lines.append(f"{name}: refused and sent again or given up: {got['refused']}")
        if got["per_event"]:
            each = ", ".join(f"{name} {value:.4g}" for name, value in got["per_event"].items())
            up, down = got["bytes_up_per_event"], got["bytes_down_per_event"]
            lines.append(f"{name}: an event is {up:.0f} bytes up, {down:.0f} down; {each}")
        if got["depths"]:
            lines.append(f"{name}: deepest queues: {got['depths']}")
        if got["generator_saturated"]:
            lines.append(
                f"{name}: THE GENERATOR WAS THE LIMIT: {got['generator_saturated']}; times are its own too"
            )
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Put null where nothing was measured: JSON knows no nan."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"


def sound(results: dict[str, dict[str, Any]]) -> bool:
    """Tell whether nothing was lost, shown twice or out of order."""
    return not any(
        sum(got["lost"].values()) or got["shown_twice"] or got["out_of_order"] for got in results.values()
    )


def run(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Run all phases; the relay before and after coach, so that it sees the same minutes."""
    cores = sorted(os.sched_getaffinity(0))
    for_servers = frozenset(cores if options.no_pin else cores[:-1] or cores)
    # Made before pinning: it is the slow part, and measures nothing.
    pool = scripts(min(options.calls, 400), per_second=options.per_second)
    if not options.no_pin:
        pin(0, frozenset({cores[-1]}))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.collect()
    gc.freeze()
    gc.disable()
    phases: list[Phase] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load")))
        bare = start(BARE, str(folder), cores=frozenset({min(for_servers)}))
        stack.callback(bare.process.kill)
        running = stack.enter_context(
            deployment(
                folder, workers=options.workers, postgresql=options.postgres,
                bus=options.bus or options.workers > 1, cores=for_servers,
            )
        )  # fmt: skip
        uvloop.run(warm(running, options=options, pool=pool))
        relays = [uvloop.run(relay(bare, name="r0", options=options, pool=pool))]
        phases.append(
            uvloop.run(coach(running, name="undisturbed", kill_every=0, options=options, pool=pool))
        )
        if options.kill_every:
            killed = f"killed every {options.kill_every:g} s"
            phases.append(
                uvloop.run(
                    coach(
                        running,
                        name=killed.replace(" ", "-"),
                        kill_every=options.kill_every,
                        options=options,
                        pool=pool,
                    )
                )
            )
        relays.append(uvloop.run(relay(bare, name="r1", options=options, pool=pool)))
    joined = relays[0]
    joined.tally.pushes.extend(relays[1].tally.pushes)
    for count in ("events", "delivered", "bytes_up", "bytes_down"):
        setattr(joined.tally, count, getattr(joined.tally, count) + getattr(relays[1].tally, count))
    joined.seconds += relays[1].seconds
    joined.cpu_s = {part: used + relays[1].cpu_s[part] for part, used in joined.cpu_s.items()}
    return {phase.name: measured(phase, [joined]) for phase in (joined, *phases)}


def main(argv: list[str] | None = None) -> int:
    """Measure and print; exit 1 only with --strict and something lost, doubled or out of order."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=1000, help="calls at once, each with a sidebar")
    parser.add_argument("--seconds", type=float, default=300, help="of each phase")
    parser.add_argument("--per-second", type=float, default=5, help="partials while somebody speaks")
    parser.add_argument("--connections", type=int, default=8, help="producer sockets that carry the calls")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--bus", action="store_true", help="Valkey for a single worker too")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL in place of SQLite")
    parser.add_argument("--kill-every", type=float, default=0, help="seconds; 0 leaves out that phase")
    parser.add_argument("--no-pin", action="store_true", help="servers on all cores, not on all but the last")
    parser.add_argument("--quick", action="store_true", help="half a minute a phase, at most 200 calls")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit 1 when anything was lost or doubled")
    options = parser.parse_args(argv)
    if options.quick:
        options.seconds, options.calls = min(options.seconds, 30), min(options.calls, 200)
    about = machine()
    results = run(options)
    if options.json:
        settings = {name: value for name, value in vars(options).items() if name != "json"}
        print(
            json.dumps(
                {
                    "machine": about,
                    "packages": versions(PACKAGES),
                    "options": settings,
                    "results": _plain(results),
                },
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        print(heading(about, versions(PACKAGES)))
        print(
            f"{options.calls:,} calls at once, {options.per_second:g} partials a second, {options.workers} worker(s), "
            f"{'PostgreSQL' if options.postgres else 'SQLite'}, {options.connections} producer connections\n"
        )
        print(report(results))
    return int(options.strict and not sound(results))


if __name__ == "__main__":
    sys.exit(main())
