"""How fast recorded calls are reviewed, by processes and engine, against reading alone, jieba alone, and spaCy.

Run `python -m benchmarks.review`; `--calls`, `--rounds` and `--engines` make it shorter, `--json` prints all as JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.calls import Center, write_calls
from benchmarks.peers import has_spacy, reference_jieba, spacy_shipped
from benchmarks.timing import Goal, heading, machine, table, versions
from coach.review.batch import Batch, batches_of
from coach.review.pool import on_all_cores, one_by_one
from coach.review.run import run_review
from coach.review.setup import ReviewSetup, RuleFolders
from coach.review.tally import Tally
from coach.shipped import phrasebook_dir, rules_dir
from coach.transcripts.model import ReadOptions, TranscriptCall
from coach.transcripts.plan import plan
from coach.transcripts.read import read_slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coach.review.judge import Judge

PACKAGES = ("coach", "jieba", "orjson", "ray", "spacy")
# spaCy takes a second for what coach does in a hundredth; a share of the calls is enough for its rate.
_SPACY_SHARE = 20


class Benchmark:
    """One run over one folder of calls in five formats."""

    def __init__(self, folder: Path, *, calls: int, rounds: int, engines: tuple[str, ...]) -> None:
        self.folder = folder
        self.rounds = rounds
        self.engines = engines
        self.source = folder / "in"
        self.setup = ReviewSetup(
            RuleFolders(rules_dir(), phrasebook_dir()), rules_dir() / "scorecards" / "default.yml"
        )
        write_calls(self.source, count=calls, center=Center(self.setup.folders.load()))
        self.bytes = sum(path.stat().st_size for path in self.source.rglob("*") if path.is_file())
        self.calls = list(self._read())
        self.texts = [turn.text for call in self.calls for turn in call.turns if turn.speaker == "agent"]
        self.seconds: dict[str, list[float]] = {}
        self.results: dict[str, bytes] = {}

    def run(self) -> None:
        """Measure every case once a round, so that all of them see the same minutes of the machine."""
        cores = len(os.sched_getaffinity(0))
        workers = sorted({1, 2, cores} & set(range(1, cores + 1)))
        for number in range(self.rounds):
            self._time("read only", lambda: [None for _ in self._read()])
            cut = reference_jieba().lcut
            self._time(
                "jieba only, agent turns", lambda cut=cut: [cut(text, HMM=False) for text in self.texts]
            )
            if number == 0 and has_spacy() and "spacy" in self.engines:
                self._time_spacy()
            for count in workers:
                self._time(
                    f"coach review, {count} process{'es' * (count > 1)}",
                    lambda count=count: self._review(count),
                )
            if "ray" in self.engines and number == 0:
                self._time(f"coach review, Ray, {cores} actors", lambda: self._review(cores, engine="ray"))

    def _time_spacy(self) -> None:
        match = spacy_shipped(self.setup.folders.load())
        some = self.texts[::_SPACY_SHARE]
        self._time("spaCy zh + Matcher, agent turns", lambda: [match(text) for text in some], _SPACY_SHARE)

    def _time(self, name: str, run: Callable[[], object], times: int = 1) -> None:
        started = time.perf_counter()
        run()
        self.seconds.setdefault(name, []).append((time.perf_counter() - started) * times)

    def _read(self) -> Iterator[TranscriptCall]:
        options = ReadOptions()
        for piece in plan([self.source], options=options, slice_bytes=1 << 20):
            yield from (item for item in read_slice(piece, options) if isinstance(item, TranscriptCall))

    def _review(self, workers: int, engine: str = "local") -> None:
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        run_review(
            [self.source],
            out,
            setup=self.setup,
            workers=workers,
            engine="ray" if engine == "ray" else "local",
        )
        self.results[f"{engine} {workers}"] = (out / "results.jsonl").read_bytes()

    def rates(self) -> dict[str, dict[str, float]]:
        """Return calls and megabytes a second for each case, over the median of its rounds."""
        found = {}
        for name, values in self.seconds.items():
            seconds = statistics.median(values)
            found[name] = {
                "seconds": round(seconds, 2),
                "calls_per_second": round(len(self.calls) / seconds, 1),
                "mb_per_second": round(self.bytes / seconds / 1e6, 2),
            }
        return found

    def goals(self) -> list[Goal]:
        """Judge the goals of docs/performance.md that this machine can show."""
        one, two = (self.seconds.get(f"coach review, {name}") for name in ("1 process", "2 processes"))
        goals = []
        if one and two:
            goals.append(
                Goal(
                    "14",
                    "two processes against one",
                    statistics.median(one) / statistics.median(two),
                    1.6,
                    at_least=True,
                )
            )
        same = len(set(self.results.values()))
        goals.append(Goal("14", "different results among all runs", float(same - 1), 0.0))
        goals.append(Goal("14", "start-up of two processes, s", self.start_up(), 0.2))
        growth = self.growth_mb()
        ratio = growth["streamed"] / max(1.0, growth["all in a list"])
        goals.append(Goal("14", "memory of the run against calls and results in a list", ratio, 0.25))
        return goals

    def start_up(self) -> float:
        """Return the seconds that two processes take to begin and end beyond the work itself; the least of three."""
        judge = self.setup.judge()
        judge.warm()
        batches = _batches(self.source)[:2]
        found = []
        for _ in range(3):
            spent = []
            for engine in (one_by_one, partial(on_all_cores, workers=2)):
                with tempfile.TemporaryDirectory() as folder:
                    tiny = [replace(batch, slices=()) for batch in batches]
                    started = time.perf_counter()
                    for _tally in engine(
                        tiny, setup=self.setup, judge=judge, folder=Path(folder), stopping=bool
                    ):
                        pass
                    spent.append(time.perf_counter() - started)
            found.append(spent[1] - spent[0])
        return min(found)

    def growth_mb(self) -> dict[str, float]:
        """Return by how much a fresh parent process grows over the loaded rules, in MB."""
        return {
            how: float(
                subprocess.run(
                    [sys.executable, "-m", "benchmarks.review", "--growth", how, str(self.source)],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for how in ("streamed", "all in a list")
        }

    def memory_mb(self) -> dict[str, float]:
        """Return the peak resident memory of this process and of the largest worker, in MB."""
        return {
            who: round(resource.getrusage(what).ru_maxrss / 1024, 1)
            for who, what in (
                ("this process", resource.RUSAGE_SELF),
                ("largest worker", resource.RUSAGE_CHILDREN),
            )
        }

    def report(self) -> str:
        """Render everything as text."""
        rates = self.rates()
        floor = rates["read only"]["seconds"]
        rows = [
            [
                name,
                f"{rate['seconds']:.1f}",
                f"{rate['calls_per_second']:,.0f}",
                f"{rate['mb_per_second']:.2f}",
                f"{rate['seconds'] / floor:.1f}",
            ]
            for name, rate in rates.items()
        ]
        about = f"{len(self.calls):,} calls, {self.bytes / 1e6:.1f} MB, {len(self.texts):,} agent turns, five formats"
        return "\n\n".join(
            (
                heading(machine(), versions(PACKAGES)),
                about,
                table(["case", "s", "calls/s", "MB/s", "x reading"], rows),
                "peak memory: " + ", ".join(f"{who} {size:.0f} MB" for who, size in self.memory_mb().items()),
                "\n".join(goal.line() for goal in self.goals()),
            )
        )


def _batches(source: Path) -> list[Batch]:
    slices = plan([source], options=ReadOptions(), slice_bytes=1 << 18)
    return batches_of(slices, size=1 << 18)


_judge: Judge | None = None


def _judge_one(call: TranscriptCall) -> bytes:
    assert _judge is not None
    return _judge.judge(call).result.as_json()


def measure_growth(how: str, source: Path) -> float:
    """Review `source` with two processes and return by how many MB the peak of this process rises."""
    global _judge  # noqa: PLW0603 - forked processes take it along
    setup = ReviewSetup(
        RuleFolders(rules_dir(), phrasebook_dir()), rules_dir() / "scorecards" / "default.yml"
    )
    _judge = setup.judge()
    _judge.warm()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if how == "streamed":
        with tempfile.TemporaryDirectory() as folder:
            total = Tally()
            for tally in on_all_cores(
                _batches(source), setup=setup, judge=_judge, folder=Path(folder), stopping=bool, workers=2
            ):
                if tally is not None:
                    total.add(tally)
    else:
        pieces = plan([source], options=ReadOptions(), slice_bytes=1 << 20)
        found = [item for piece in pieces for item in read_slice(piece, ReadOptions())]
        calls = [item for item in found if isinstance(item, TranscriptCall)]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            results = pool.map(_judge_one, calls)
        assert len(results) == len(calls)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; exit 1 only with --strict and a goal that is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.review", description=__doc__)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", default="local,spacy,ray", help="which of local, spacy, ray")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--growth", nargs=2, metavar=("HOW", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.growth:
        print(measure_growth(asked.growth[0], Path(asked.growth[1])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        benchmark = Benchmark(
            Path(folder), calls=asked.calls, rounds=asked.rounds, engines=tuple(asked.engines.split(","))
        )
        benchmark.run()
        if asked.json:
            print(json.dumps({"rates": benchmark.rates(), "memory_mb": benchmark.memory_mb()}, indent=2))
        else:
            print(benchmark.report())
        return int(asked.strict and not all(goal.met for goal in benchmark.goals()))


if __name__ == "__main__":
    sys.exit(main())
