"""From what one call costs to what a center needs: arithmetic over measured numbers (docs/scaling.md).

Run `python -m benchmarks.sizing`; every number can be replaced: `--seats 4000 --coach-us 600 --busy 0.9`.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, fields, replace

from benchmarks.timing import table

SEATS = (100, 1_000, 10_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Costs:
    """What goes in. The first group is about the center, the second was measured, the third is how much to leave free.

    Attributes:
        busy: share of the seats that is on the phone in the busiest hour.
        hours: of talk a seat and day.
        events: a second of one call: partials while somebody speaks, finals, pauses between them.
        finals: share of the events that is final, and therefore on disk.
        coach_us, alone_us: CPU of coach for one event, with a bus and without.
        valkey_us, postgresql_us: CPU of the servers for one event.
        up, down: bytes of an event to coach and of what a sidebar gets for it, without frames and TLS.
        final_bytes: on disk for one final with its advice and moments.
        call_kb: of one live call with its sidebar's socket and its share of a producer's.
        valkey_kb: in Valkey for one agent in a call.
        worker_mb, parent_mb: of one worker besides its calls, and of the rules they share.
        commits: most transactions a second of one worker, which waits 40 ms for others to join.
        load: how busy a core may be in the busiest hour.
    """

    busy: float = 0.8
    hours: float = 6.0
    events: float = 4.2
    finals: float = 0.06

    coach_us: float = 400.0
    alone_us: float = 280.0
    valkey_us: float = 80.0
    postgresql_us: float = 40.0
    up: float = 200.0
    down: float = 245.0
    final_bytes: float = 300.0
    call_kb: float = 75.0
    valkey_kb: float = 60.0
    worker_mb: float = 150.0
    parent_mb: float = 375.0
    commits: float = 25.0

    load: float = 0.5


@dataclass(frozen=True, slots=True)
class Needs:
    """What comes out, for the busiest hour.

    Attributes:
        workers: processes, each on a core of its own; one and no bus where one is enough.
        valkeys: how many cells, each with a Valkey of its own.
    """

    seats: int
    calls: float
    events: float
    workers: int
    valkeys: int
    valkey_cores: float
    postgresql_cores: float
    memory_gb: float
    valkey_gb: float
    finals: float
    commits: float
    disk_gb_a_day: float
    bus_messages: float
    megabits_up: float
    megabits_down: float


def needs(seats: int, costs: Costs) -> Needs:
    """Do the arithmetic; the formulas are those of docs/scaling.md."""
    calls = seats * costs.busy
    events = calls * costs.events
    alone = events * costs.alone_us / 1e6 <= costs.load
    workers = 1 if alone else max(2, math.ceil(events * costs.coach_us / 1e6 / costs.load))
    valkey_cores = 0.0 if alone else events * costs.valkey_us / 1e6
    finals = events * costs.finals
    return Needs(
        seats=seats,
        calls=calls,
        events=events,
        workers=workers,
        valkeys=0 if alone else math.ceil(valkey_cores / costs.load),
        valkey_cores=valkey_cores,
        postgresql_cores=0.0 if alone else events * costs.postgresql_us / 1e6,
        memory_gb=(costs.parent_mb + workers * costs.worker_mb + calls * costs.call_kb / 1024) / 1024,
        valkey_gb=0.0 if alone else calls * costs.valkey_kb / 1024 / 1024,
        finals=finals,
        commits=min(finals, workers * costs.commits),
        disk_gb_a_day=seats * costs.hours * 3600 * costs.events * costs.finals * costs.final_bytes / 1e9,
        bus_messages=0.0 if alone else events,
        megabits_up=events * costs.up * 8 / 1e6,
        megabits_down=events * costs.down * 8 / 1e6,
    )


def report(seats: tuple[int, ...], costs: Costs) -> str:
    """Render one column for each number of seats."""
    found = [needs(each, costs) for each in seats]
    rows = [
        ("calls at once", "calls"),
        ("events a second", "events"),
        ("workers (a core each)", "workers"),
        ("cells (a Valkey each)", "valkeys"),
        ("busy cores of Valkey", "valkey_cores"),
        ("busy cores of PostgreSQL", "postgresql_cores"),
        ("memory of coach, GB", "memory_gb"),
        ("memory of Valkey, GB", "valkey_gb"),
        ("finals to disk a second", "finals"),
        ("transactions a second", "commits"),
        ("disk a day, GB", "disk_gb_a_day"),
        ("bus messages a second", "bus_messages"),
        ("network in, Mbit/s", "megabits_up"),
        ("network out, Mbit/s", "megabits_down"),
    ]
    return table(
        ["seats", *(f"{each:,}" for each in seats)],
        [[label, *(_told(getattr(each, name)) for each in found)] for label, name in rows],
    )


def _told(value: float) -> str:
    if not value:
        return "-"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sizing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seats", type=int, action="append", help="repeat for more columns")
    for each in fields(Costs):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=float, default=each.default)
    options = vars(parser.parse_args(argv))
    seats = tuple(options.pop("seats") or SEATS)
    print(report(seats, replace(Costs(), **options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
