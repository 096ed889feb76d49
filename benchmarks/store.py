"""What it costs to put events on disk: the real store over SQLite and over a real PostgreSQL, in one run.

Run `python -m benchmarks.store`; `--quick` takes about half a minute, `--json` prints everything as JSON,
`--postgresql URL` takes a server of yours (an empty database) instead of one that is started for the run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from benchmarks.timing import heading, machine, table, versions
from coach.coaching.events import Utterance
from coach.service.batch import Write, started_row, utterance_row
from coach.service.database import Database
from coach.service.meter import Meter
from coach.service.migrate import upgrade
from coach.service.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("sqlalchemy", "aiosqlite", "asyncpg")
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
BATCHES = (1, 10, 100, 500)
# A third of the finals carry advice, as the shipped rules do on poor calls.
_ADVICE = {
    "rule": "ignorance/bare-dont-know",
    "category": "ignorance",
    "severity": "warning",
    "title": "换个说法：先帮客户查",
    "quote": "我不知道",
    "start": 4,
    "end": 8,
    "suggestions": '[{"phrase":"ignorance/check-now","text":"我马上帮您查一下，请您稍等"}]',
    "why": "客户听到的是“没人管”。",
    "by_sound": False,
    "at_ms": 1000,
    "digest": "0123456789ab",
    "outcome": None,
    "withdrawn": False,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One case.

    Attributes:
        commit_ms: median of one transaction.
        p99_ms: its 99th percentile.
        per_second: events on disk in a second when the writer has nothing else to do.
        cpu_us: time of this process for one event, without the server's.
    """

    database: str
    batch: int
    commit_ms: float
    p99_ms: float
    per_second: float
    cpu_us: float


class Calls:
    """Finals of many calls that talk in turn, in an endless stream."""

    def __init__(self, count: int, name: str) -> None:
        self._seqs = dict.fromkeys((f"{name}{number}" for number in range(count)), 0)
        self._turn = iter(())

    def take(self, count: int) -> list[Write]:
        """Return the next writes."""
        return [self._next() for _ in range(count)]

    def _next(self) -> Write:
        call_id = next(self._turn, None)
        if call_id is None:
            self._turn = iter(self._seqs)
            call_id = next(self._turn)
        seq = self._seqs[call_id] = self._seqs[call_id] + 1
        said = Utterance(
            call_id, f"u{seq}", 1, "agent", "这个问题我不知道这个事情，请您稍等。", True, seq, seq
        )
        advice = {**_ADVICE, "id": f"{call_id}-{seq}", "call_id": call_id, "utterance_id": f"u{seq}"}
        return Write(
            call_id,
            advance=(seq - 1, seq),
            started=started_row(call_id=call_id, agent_id="a1", started_at=1.0, slots={})
            if seq == 1
            else None,
            utterance=utterance_row(said, seq=seq),
            advice=(advice,) if seq % 3 == 0 else (),
        )


async def commit_cases(databases: dict[str, Database], *, batch: int, seconds: float, tag: str) -> list[Row]:
    """Commit one batch after another, each by itself, as the writer does; to every database in turn."""
    stores = {name: Store(each, max_waiting=10_000, meter=Meter()) for name, each in databases.items()}
    calls = {name: Calls(max(batch, 200), f"{tag}-{batch}-") for name in databases}
    took: dict[str, list[float]] = {name: [] for name in databases}
    cpu = dict.fromkeys(databases, 0.0)
    # The first ones prepare the statements and start the calls.
    for name, store in stores.items():
        for _ in range(3 + 200 // batch):
            await store._commit(calls[name].take(batch))  # noqa: SLF001 - what is measured
    until = time.perf_counter() + seconds * len(databases)
    while time.perf_counter() < until:
        for name, store in stores.items():
            writes = calls[name].take(batch)
            began, busy = time.perf_counter(), time.process_time()
            await store._commit(writes)  # noqa: SLF001 - what is measured
            took[name].append(time.perf_counter() - began)
            cpu[name] += time.process_time() - busy
    rows = []
    for name, each in took.items():
        each.sort()
        rows.append(
            Row(
                database=name,
                batch=batch,
                commit_ms=statistics.median(each) * 1e3,
                p99_ms=each[int(len(each) * 0.99)] * 1e3,
                per_second=batch / statistics.median(each),
                cpu_us=cpu[name] / (batch * len(each)) * 1e6,
            )
        )
    return rows


async def ack_case(database: Database, *, name: str, per_second: int, seconds: float) -> tuple[float, float]:
    """Put events at a steady rate; return the median and the 99th percentile of put to done, ms."""
    store = Store(database, max_waiting=100_000, meter=Meter())
    await store.open()
    calls = Calls(500, f"ack-{name}-{per_second}-")
    took: list[float] = []
    tick = 0.01
    began = time.perf_counter()
    sent = 0
    while (now := time.perf_counter()) < began + seconds:
        for write in calls.take(int((now - began) * per_second) - sent):
            sent += 1
            at = time.perf_counter()
            store.put(write).add_done_callback(lambda _, at=at: took.append(time.perf_counter() - at))
        await asyncio.sleep(tick)
    await store.settle()
    await store.close()
    took.sort()
    return statistics.median(took) * 1e3, took[int(len(took) * 0.99)] * 1e3


async def measure(places: dict[str, Path | str], *, seconds: float, rounds: int) -> dict[str, Any]:
    """Run every case of every database, round by round."""
    databases = {name: Database(place) for name, place in places.items()}
    found: dict[tuple[str, int], list[Row]] = {}
    acks: dict[tuple[str, int], list[tuple[float, float]]] = {}
    try:
        for database in databases.values():
            await upgrade(database)
        about = {name: await _describe(database) for name, database in databases.items()}
        for number in range(rounds):
            for batch in BATCHES:
                for row in await commit_cases(databases, batch=batch, seconds=seconds, tag=f"r{number}"):
                    found.setdefault((row.database, batch), []).append(row)
            for rate in (500, 2000):
                for name, database in databases.items():
                    pair = await ack_case(database, name=f"{name}{number}", per_second=rate, seconds=seconds)
                    acks.setdefault((name, rate), []).append(pair)
    finally:
        for database in databases.values():
            await database.close()
    rows = [
        Row(
            name,
            batch,
            *(
                statistics.median(getattr(each, field) for each in rows)
                for field in ("commit_ms", "p99_ms", "per_second", "cpu_us")
            ),
        )
        for (name, batch), rows in found.items()
    ]
    return {
        "about": about,
        "commits": [asdict(row) for row in rows],
        "acks": [
            {
                "database": name,
                "events_per_second": rate,
                "p50_ms": statistics.median(pair[0] for pair in pairs),
                "p99_ms": statistics.median(pair[1] for pair in pairs),
            }
            for (name, rate), pairs in acks.items()
        ],
    }


async def _describe(database: Database) -> str:
    query = "SELECT sqlite_version()" if database.file else "SELECT current_setting('server_version')"
    async with database.reading() as connection:
        return str(await connection.scalar(text(query)))


@contextlib.contextmanager
def a_server(folder: Path) -> Iterator[str]:
    """Start a server that flushes as it would in earnest; give its address, or "" without the package."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pgserver
    except ImportError:
        print("without PostgreSQL: pip install pgserver, or give --postgresql")
        yield ""
        return
    server = pgserver.get_server(folder / "server", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def report(found: dict[str, Any]) -> str:
    """Render the tables; ratios are to SQLite, of the same batch or rate."""
    commits = {(row["database"], row["batch"]): row for row in found["commits"]}
    lines = []
    for (name, batch), row in commits.items():
        base = commits.get((SQLITE, batch), row)
        lines.append(
            [
                f"{name}, {batch}",
                f"{row['commit_ms']:.2f}",
                f"{row['p99_ms']:.2f}",
                f"{row['per_second']:,.0f}",
                f"{row['per_second'] / base['per_second']:.2f}",
                f"{row['cpu_us']:,.0f}",
                f"{row['cpu_us'] / base['cpu_us']:.2f}",
            ]
        )
    first = table(
        ["database, batch", "commit ms", "p99 ms", "events/s", "ratio", "CPU us/event", "ratio"], lines
    )
    acks = table(
        ["database, events/s", "ack p50 ms", "ack p99 ms"],
        [
            [f"{row['database']}, {row['events_per_second']}", f"{row['p50_ms']:.1f}", f"{row['p99_ms']:.1f}"]
            for row in found["acks"]
        ],
    )
    return f"{first}\n\n{acks}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--postgresql", default="", metavar="URL")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store") as folder, contextlib.ExitStack() as stack:
        server = asked.postgresql or stack.enter_context(a_server(Path(folder)))
        places: dict[str, Path | str] = {SQLITE: Path(folder) / "coach.sqlite3"}
        if server:
            places[POSTGRESQL] = server
        seconds, rounds = (0.5, 1) if asked.quick else (3.0, 3)
        found = asyncio.run(measure(places, seconds=seconds, rounds=rounds))
    if asked.json:
        print(json.dumps({"machine": machine(), "packages": versions(PACKAGES), **found}, indent=2))
        return
    print(heading(machine(), {**versions(PACKAGES), **found["about"]}))
    print(f"\n{report(found)}")


if __name__ == "__main__":
    main()
