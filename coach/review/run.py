"""One review from sources to results: planned, done in batches, broken off and gone on with, put together."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from coach import __version__
from coach.errors import CoachError, TranscriptError, cause
from coach.review.batch import STREAMS, batches_of, join_parts
from coach.review.compare import summarise
from coach.review.journal import Journal, Terms
from coach.review.pool import on_all_cores, one_by_one
from coach.review.progress import Progress, Quiet
from coach.review.repeats import Repeats
from coach.review.tally import Tally
from coach.transcripts.names import readable
from coach.transcripts.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from coach.review.batch import Batch
    from coach.review.judge import Judge
    from coach.review.setup import ReviewSetup
    from coach.transcripts.model import Slice

Engine = Literal["local", "ray"]

# Batches small enough that little is lost when a run is killed, large enough that starting one costs nothing.
_LEAST, _MOST, _BATCHES, _MOST_BATCHES = 64 * 1024, 1024 * 1024, 200, 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        finished: False when it was stopped; the next run goes on.
        summary: what summary.json holds.
        comparison: what compare.json holds, None when nothing was compared.
        resumed: calls that an earlier run had done.
        left: batches not done yet.
    """

    finished: bool
    tally: Tally
    summary: dict[str, Any]
    comparison: dict[str, Any] | None = None
    resumed: int = 0
    left: int = 0


def run_review(
    sources: Sequence[Path],
    directory: Path,
    *,
    setup: ReviewSetup,
    engine: Engine = "local",
    workers: int = 0,
    fresh: bool = False,
    progress: Progress | None = None,
    stopping: Callable[[], bool] = bool,
    address: str = "",
) -> Outcome:
    """Review everything in `sources` into `directory`.

    Args:
        sources: files and folders.
        directory: gets results.jsonl, rejects.jsonl, summary.json, and with `setup.old` differences.jsonl and
            compare.json; its folder .review holds what is done so far.
        engine: this machine, or a Ray cluster.
        workers: processes; 0: one for each core. 1 runs in this process.
        fresh: throw away what an earlier run left in `directory`.
        progress: is told how far it is.
        stopping: asked between calls; True ends the run early, ready to be gone on with.
        address: of the Ray cluster; "" starts one on this machine.

    Raises:
        TranscriptError: there is nothing to review.
        ConfigError: `directory` cannot be used, or belongs to another review.
        RulebookError, PhrasebookError: rules or scorecard are wrong.
        CoachError: a worker was ended from outside; what is done stays.
    """
    progress = progress or Quiet()
    judge = setup.judge()
    with Journal(directory) as journal:
        size = journal.slice_bytes(_slice_bytes(sources), fresh=fresh)
        slices = _plan(sources, directory, setup, size=size)
        batches = batches_of(slices, size=size)
        finished = journal.open(_terms(slices, setup, judge), slice_bytes=size, fresh=fresh)
        if finished and (before := _finished(directory)) is not None:
            return before
        done = journal.done(batch.index for batch in batches)
        total = Tally()
        for tally in done.values():
            total.add(tally)
        resumed = total.calls
        todo = [batch for batch in batches if batch.index not in done]
        progress.start(size=sum(batch.size for batch in batches), done=total)
        left = len(todo)
        try:
            for each in _engine(
                todo,
                engine,
                setup=setup,
                judge=judge,
                folder=journal.folder,
                stopping=stopping,
                workers=workers,
                address=address,
            ):
                if each is not None:
                    total.add(each)
                    left -= 1
                progress.advance(each)
        finally:
            progress.stop()
        summary = _summary(total, sources, setup, judge)
        if left:
            return Outcome(finished=False, tally=total, summary=summary, resumed=resumed, left=left)
        compared = {"old_digest": judge.old_digest, "new_digest": judge.digest} if judge.old_digest else None
        comparison = _put_together(directory, journal.folder, batches, total, summary, compared=compared)
        journal.finish()
        return Outcome(finished=True, tally=total, summary=summary, comparison=comparison, resumed=resumed)


def _plan(sources: Sequence[Path], directory: Path, setup: ReviewSetup, *, size: int) -> list[Slice]:
    own = directory.resolve()
    # Results of an earlier review look like calls; a review of a folder around its output passes them over.
    slices = [
        piece
        for piece in plan(sources, options=setup.read, slice_bytes=size)
        if own not in piece.file.resolve().parents
    ]
    if not slices:
        raise TranscriptError(
            f"{'、'.join(map(str, sources))}: 没有可以质检的通话文件；支持的格式见 docs/transcripts.md"
        )
    return slices


def _sizes(sources: Sequence[Path]) -> Iterator[int]:
    for source in sources:
        files = source.rglob("*") if source.is_dir() else [source]
        for file in files:
            try:
                yield file.stat().st_size if file.is_file() else 0
            except OSError:
                continue


def _slice_bytes(sources: Sequence[Path]) -> int:
    """Choose the size of slices by the input alone: another number of workers must find the same ones."""
    total = sum(_sizes(sources))
    return max(_LEAST, min(_MOST, total // _BATCHES), total // _MOST_BATCHES)


def _terms(slices: Sequence[Slice], setup: ReviewSetup, judge: Judge) -> Terms:
    inputs: dict[str, tuple[int, int]] = {}
    for piece in slices:
        name = readable(piece.file)
        if name not in inputs:
            try:
                state = piece.file.stat()
                inputs[name] = (state.st_size, state.st_mtime_ns)
            except OSError:
                inputs[name] = (-1, 0)
    return Terms(
        rules=judge.digest,
        old_rules=judge.old_digest or "",
        scorecard=f"{judge.card.id} {judge.card.digest}",
        masked=setup.masked,
        since=setup.since.isoformat() if setup.since else "",
        reading=_reading(setup),
        plan=hashlib.sha256("\n".join(map(repr, slices)).encode()).hexdigest()[:12],
        inputs=inputs,
    )


def _reading(setup: ReviewSetup) -> str:
    read = setup.read
    parts = {
        "agent_is": ",".join(sorted(read.agent_is)),
        "customer_is": ",".join(sorted(read.customer_is)),
        "format": read.format,
        "encoding": read.encoding,
        "columns": ",".join(f"{name}={header}" for name, header in read.columns),
        "utc_offset": str(read.utc_offset),
    }
    return "; ".join(f"{name}={value}" for name, value in parts.items() if value)


def _engine(
    batches: Sequence[Batch],
    engine: Engine,
    *,
    setup: ReviewSetup,
    judge: Judge,
    folder: Path,
    stopping: Callable[[], bool],
    workers: int,
    address: str,
) -> Iterator[Tally | None]:
    count = min(workers or _cores(), len(batches))
    if engine == "ray":
        from coach.review.ray_engine import on_ray  # noqa: PLC0415 - an optional extra

        return on_ray(
            batches,
            setup=setup,
            digest=judge.digest,
            folder=folder,
            stopping=stopping,
            workers=workers,
            address=address,
        )
    if count <= 1:
        return one_by_one(batches, setup=setup, judge=judge, folder=folder, stopping=stopping)
    return on_all_cores(batches, setup=setup, judge=judge, folder=folder, stopping=stopping, workers=count)


def _cores() -> int:
    """Return how many cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _put_together(
    directory: Path,
    folder: Path,
    batches: Sequence[Batch],
    total: Tally,
    summary: dict[str, Any],
    *,
    compared: dict[str, str] | None,
) -> dict[str, Any] | None:
    """Join the parts of all batches, and note in `summary` how many calls had an id that was taken.

    `compared` names the two rule sets, None when there is only one.
    """
    indexes = [batch.index for batch in batches]
    comparison: dict[str, Any] | None = None
    try:
        with Repeats(folder, indexes) as repeats:
            summary["repeated_ids"] = repeats.calls
            changes = {
                "results": repeats.results if repeats.calls else None,
                "differences": repeats.differences,
            }
            for stream in STREAMS:
                if stream != "differences" or compared is not None:
                    target = directory / f"{stream}.jsonl"
                    join_parts(folder, indexes, stream, target, change=changes.get(stream))
        if compared is not None:
            comparison = {**compared, **summarise(directory / "differences.jsonl", total)}
            _write_json(directory / "compare.json", comparison)
        _write_json(directory / "summary.json", summary)
    except OSError as error:
        raise CoachError(
            f"{directory}: 结果没能写完：{cause(error)}。做完的都已保存，腾出空间后用同一条命令接着做"
        ) from error
    return comparison


def _summary(total: Tally, sources: Sequence[Path], setup: ReviewSetup, judge: Judge) -> dict[str, Any]:
    counts = {
        key: value
        for key, value in total.as_dict().items()
        if key not in {"index", "size", "points", "old_points", "old_passed", "old_rules"}
    }
    card = judge.card
    return {
        "coach": __version__,
        "digest": judge.digest,
        "scorecard": {
            "id": card.id,
            "title": card.title,
            "points": card.points,
            "passing": card.passing,
            "digest": card.digest,
        },
        "sources": [readable(source) for source in sources],
        "masked": setup.masked,
        "since": setup.since.isoformat() if setup.since else None,
        "mean_points": total.mean(total.points),
        **counts,
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    hidden = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    hidden.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    hidden.replace(path)


def _finished(directory: Path) -> Outcome | None:
    """Read what a finished run left; None when somebody took some of it away."""
    try:
        summary = orjson.loads((directory / "summary.json").read_bytes())
        compared = directory / "compare.json"
        comparison = orjson.loads(compared.read_bytes()) if compared.is_file() else None
    except (OSError, ValueError):
        return None
    if not (directory / "results.jsonl").is_file():
        return None
    tally = Tally(calls=summary["calls"], rejects=summary["rejects"])
    return Outcome(finished=True, tally=tally, summary=summary, comparison=comparison, resumed=tally.calls)
