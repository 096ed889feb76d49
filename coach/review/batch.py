"""A batch of slices: read, judged and written as one part, whole or not at all."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import orjson

from coach.errors import CoachError, cause
from coach.review.tally import Tally
from coach.transcripts.model import RAW_LIMIT, Place, Reject, Slice, TranscriptCall
from coach.transcripts.read import read_slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from coach.review.judge import Judge
    from coach.review.setup import ReviewSetup

log = logging.getLogger(__name__)

STREAMS: Final = ("results", "rejects", "differences")


class Stopped(Exception):  # noqa: N818 - it is no error
    """The review was asked to stop; the batch leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Slices that one worker does in one go. `size` is their bytes of input."""

    index: int
    slices: tuple[Slice, ...]
    size: int


def batches_of(slices: Sequence[Slice], *, size: int) -> list[Batch]:
    """Group slices in their order until a group has `size` bytes: a thousand small files are a few batches."""
    members: dict[Path, int] = {}
    for piece in slices:
        if not piece.end:
            members[piece.file] = members.get(piece.file, 0) + 1
    whole = {file: _size(file) // count for file, count in members.items()}
    batches: list[Batch] = []
    group: list[Slice] = []
    total = 0
    for piece in slices:
        group.append(piece)
        total += piece.end - piece.start if piece.end else whole[piece.file]
        if total >= size:
            batches.append(Batch(len(batches), tuple(group), total))
            group, total = [], 0
    if group:
        batches.append(Batch(len(batches), tuple(group), total))
    return batches


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def review_batch(
    batch: Batch, *, judge: Judge, setup: ReviewSetup, folder: Path, stopping: Callable[[], bool]
) -> Tally:
    """Review one batch and write its part into `folder`.

    Raises:
        Stopped: `stopping` said so between two calls.
        OSError: the part cannot be written.
    """
    tally = Tally(batch.index, batch.size)
    with _Part(folder, batch.index) as part:
        for item in _read(batch, setup):
            if stopping():
                raise Stopped
            if isinstance(item, Reject):
                tally.rejects += 1
                part.write("rejects", _reject(item, judge.mask))
            elif _too_early(item, setup):
                tally.skipped += 1
            elif not any(turn.speaker == "agent" for turn in item.turns):
                tally.rejects += 1
                part.write("rejects", _reject(_without_agent(item), judge.mask))
            else:
                _judge(item, judge, part, tally)
        part.finish(tally)
    return tally


def _judge(call: TranscriptCall, judge: Judge, part: _Part, tally: Tally) -> None:
    try:
        judged = judge.judge(call)
    except Exception as error:
        # One call that trips over a fault of ours must not cost the other ten thousand.
        log.exception("call %s of %s cannot be judged", call.id, call.place.file)
        tally.rejects += 1
        tally.failed += 1
        problem = (
            f"coach 没能质检这通电话（{type(error).__name__}: {error}）；请把这条记录报给 coach 的维护者"
        )
        part.write("rejects", _reject(Reject(call.place, "", problem), judge.mask))
        return
    tally.count(judged)
    part.write("results", judged.result.as_json())
    if judged.difference is not None:
        # With its place among the results of the batch, by which it keeps to its call when ids are shared.
        part.write("differences", b"%d " % (tally.calls - 1) + orjson.dumps(judged.difference))


def _read(batch: Batch, setup: ReviewSetup) -> Iterator[TranscriptCall | Reject]:
    for piece in batch.slices:
        try:
            yield from read_slice(piece, setup.read)
        except OSError as error:
            yield Reject(Place(piece.name), "", f"读不到文件：{cause(error)}")
        except CoachError as error:
            yield Reject(Place(piece.name), "", str(error))


def _without_agent(call: TranscriptCall) -> Reject:
    """Say why a call is set aside in which nobody could be judged: full points would praise a reading mistake."""
    spoken = "\n".join(f"{turn.speaker}: {turn.text}" for turn in call.turns)
    return Reject(
        call.place,
        "speaker",
        f"通话 {call.id} 的 {len(call.turns)} 句里没有一句是坐席说的；如果坐席被认错了，请用 --agent-is 指明",
        spoken.encode()[:RAW_LIMIT],
    )


def _too_early(call: TranscriptCall, setup: ReviewSetup) -> bool:
    return setup.since is not None and call.started_at is not None and call.started_at < setup.since


def _reject(reject: Reject, mask: Callable[[str], str]) -> bytes:
    return orjson.dumps(
        {
            "file": reject.place.file,
            "line": reject.place.line,
            "field": reject.field,
            "problem": mask(reject.problem),
            "raw": mask(_readable(reject.raw)),
        }
    )


def _readable(raw: bytes) -> str:
    """Decode a record in the encoding that loses less of it; it may be cut off, or broken for that very reason."""
    return min(
        (raw.decode(encoding, "replace") for encoding in ("utf-8", "gb18030")),
        key=lambda text: text.count("\ufffd"),
    )


class _Part:
    """The files of one batch. They get their names only when all is on disk; the tally comes last."""

    def __init__(self, folder: Path, index: int) -> None:
        self._folder = folder
        self._index = index
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.__enter__()
        for stream in STREAMS:
            self._files[stream] = self._stack.enter_context(self._hidden(stream).open("wb"))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        for stream in (*STREAMS, "tally"):
            self._hidden(stream).unlink(missing_ok=True)

    def write(self, stream: str, line: bytes) -> None:
        """Add one line."""
        self._files[stream].write(line + b"\n")

    def finish(self, tally: Tally) -> None:
        """Make the part count: first its lines, then the tally that says they are complete."""
        sizes = {}
        for stream, file in self._files.items():
            sizes[stream] = file.tell()
            _settle(file)
            self._hidden(stream).replace(part_file(self._folder, self._index, stream))
        with self._hidden("tally").open("wb") as file:
            file.write(orjson.dumps({"sizes": sizes, "tally": tally.as_dict()}))
            _settle(file)
        self._hidden("tally").replace(part_file(self._folder, self._index, "tally"))
        sync_folder(self._folder)

    def _hidden(self, stream: str) -> Path:
        # Two processes never share a file, even if one is the orphan of a killed run.
        return self._folder / f"{self._index:07}.{stream}.{os.getpid()}.tmp"


def part_file(folder: Path, index: int, stream: str) -> Path:
    """Return the file of one stream of one batch."""
    return folder / f"{index:07}.{stream}"


def finished_tally(folder: Path, index: int) -> Tally | None:
    """Return the tally of a batch that is wholly on disk, None when it has to be done (again)."""
    try:
        value: dict[str, Any] = orjson.loads(part_file(folder, index, "tally").read_bytes())
        whole = all(
            part_file(folder, index, stream).stat().st_size == size for stream, size in value["sizes"].items()
        )
        return Tally.from_dict(value["tally"]) if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def join_parts(
    folder: Path,
    indexes: Iterable[int],
    stream: str,
    target: Path,
    *,
    change: Callable[[int, Iterable[bytes]], Iterable[bytes]] | None = None,
) -> None:
    """Write one stream of all batches, in their order, into `target`, which appears only when complete.

    Args:
        folder: of the parts.
        indexes: of the batches.
        stream: one of `STREAMS`.
        target: the file.
        change: is given the index of a batch and its lines, and returns those to write.
    """
    hidden = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with hidden.open("wb") as out:
            for index in indexes:
                with part_file(folder, index, stream).open("rb") as part:
                    if change is not None:
                        out.writelines(change(index, part))
                        continue
                    while block := part.read(1 << 20):
                        out.write(block)
            _settle(out)
        hidden.replace(target)
    finally:
        hidden.unlink(missing_ok=True)
    sync_folder(target.parent)


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring renames to disk, where the platform can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
