"""The journal of an output directory: what is reviewed with what, and which batches are done.

A run that was broken off goes on where it stopped; one with other inputs, rules or options never mixes in.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from coach import __version__
from coach.errors import ConfigError, cause
from coach.review.batch import finished_tally, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from coach.review.tally import Tally

FOLDER: Final = ".review"
_NAMED: Final = 3
_RESULTS: Final = ("results.jsonl", "rejects.jsonl", "differences.jsonl", "compare.json", "summary.json")
# What the journal keeps, as an operator calls it.
_WORDS: Final = {
    "coach": "coach 版本",
    "rules": "规则",
    "old_rules": "用来比较的旧规则",
    "scorecard": "评分卡",
    "masked": "是否遮盖个人信息",
    "since": "--since",
    "reading": "读取选项（--agent-is、--format 等）",
    "plan": "文件的切分",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is about; two runs with equal terms give equal results.

    Attributes:
        rules, old_rules, scorecard: digests.
        reading: the options of the readers, as text.
        plan: digest over the slices.
        inputs: size and time of change by file.
    """

    rules: str
    old_rules: str
    scorecard: str
    masked: bool
    since: str
    reading: str
    plan: str
    inputs: Mapping[str, tuple[int, int]]
    coach: str = __version__


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the file holds."""

    terms: dict[str, Any] = field(default_factory=dict)
    slice_bytes: int = 0
    finished: bool = False


class Journal:
    """The journal of one output directory. Use it as a context: it keeps other runs out.

    Args:
        directory: the output directory; made if it is missing.

    Raises:
        ConfigError: the directory cannot be used; says why.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.folder = directory / FOLDER
        self._file = self.folder / "journal.json"
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            if not self.folder.is_dir() and self.directory.is_dir() and any(self.directory.iterdir()):
                raise ConfigError(
                    f"{self.directory}: 目录里已有别的文件，而且不是 coach review 的输出；请换一个空的 --out"
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.folder / "lock")
        except OSError as error:
            raise ConfigError(f"{self.directory}: 不能写入：{cause(error)}") from error
        if self._lock is None:
            raise ConfigError(
                f"{self.directory}: 另一个 coach review 正在写这个目录；请等它结束，或换一个 --out"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            _unlock(self._lock)
            self._lock = None

    def slice_bytes(self, suggested: int, *, fresh: bool = False) -> int:
        """Return how large slices are: as in the run that is gone on with, or as suggested for a new one."""
        kept = None if fresh else self._read()
        return kept.slice_bytes if kept else suggested

    def open(self, terms: Terms, *, slice_bytes: int, fresh: bool = False) -> bool:
        """Begin a run, or go on with it.

        Args:
            terms: of this run.
            slice_bytes: how large its slices are.
            fresh: throw away what an earlier run did.

        Returns:
            Whether an earlier run with these terms finished: then nothing is left to do.

        Raises:
            ConfigError: the directory belongs to a run with other terms; says which.
        """
        wanted: dict[str, Any] = orjson.loads(orjson.dumps(asdict(terms)))
        kept = None if fresh else self._read()
        if kept is None:
            # The journal goes first: parts without one are nobody's.
            self._file.unlink(missing_ok=True)
            self._clear()
            # What an earlier run found must not lie beside the parts of this one as if it were its result.
            for name in _RESULTS:
                (self.directory / name).unlink(missing_ok=True)
            self._write(_Kept(wanted, slice_bytes))
            return False
        if kept.terms != wanted:
            raise ConfigError(_refusal(self.directory, kept, wanted))
        return kept.finished

    def done(self, indexes: Iterable[int]) -> dict[int, Tally]:
        """Return the tallies of the batches that are wholly on disk."""
        tallies = {index: finished_tally(self.folder, index) for index in indexes}
        return {index: tally for index, tally in tallies.items() if tally is not None}

    def finish(self) -> None:
        """Note that the results are complete; the parts are no longer needed."""
        if (kept := self._read()) is not None:
            self._write(replace(kept, finished=True))
        self._clear()

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name in {"lock", self._file.name}:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _read(self) -> _Kept | None:
        try:
            value = orjson.loads(self._file.read_bytes())
            return _Kept(value["terms"], value["slice_bytes"], value["finished"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{self._file}: 运行日志读不懂（{error}）；加 --fresh 重新开始，或换一个 --out"
            ) from error

    def _write(self, kept: _Kept) -> None:
        hidden = self._file.with_suffix(".tmp")
        with hidden.open("wb") as file:
            file.write(orjson.dumps(kept, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(self._file)
        sync_folder(self.folder)


def _refusal(directory: Path, kept: _Kept, wanted: dict[str, Any]) -> str:
    state = "已经完成的" if kept.finished else "做了一半的"
    lines = [f"{directory}: 里面是{state}质检，但这次的条件变了，混在一起结果就不可信："]
    lines += [
        f"  {word}: 上次 {_shown(kept.terms.get(key))}，这次 {_shown(wanted[key])}"
        for key, word in _WORDS.items()
        if kept.terms.get(key) != wanted[key]
    ]
    before, after = kept.terms.get("inputs", {}), wanted["inputs"]
    for word, names in (
        ("新增的文件", after.keys() - before.keys()),
        ("不见的文件", before.keys() - after.keys()),
        ("改过的文件", {name for name in before.keys() & after.keys() if before[name] != after[name]}),
    ):
        if names:
            listed = "、".join(sorted(names)[:_NAMED])
            lines.append(f"  {word}: {listed}{f' 等 {len(names)} 个' if len(names) > _NAMED else ''}")
    lines.append("请换一个 --out；要重新开始就加 --fresh（会删掉上次的结果）；要接着做就把条件改回去。")
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value) if value not in (None, "") else "没有"


if sys.platform == "win32":
    import msvcrt

    def _lock(path: Path) -> int | None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(handle)
            return None
        return handle

    def _unlock(handle: int) -> None:
        os.close(handle)
else:
    import fcntl

    # A forked worker shares the lock of its parent and would keep it after the parent was killed.
    _held: set[int] = set()

    def _let_go() -> None:
        for handle in _held:
            os.close(handle)
        _held.clear()

    os.register_at_fork(after_in_child=_let_go)

    def _lock(path: Path) -> int | None:
        """Take the lock; it goes with the process, however that ends. None: another one holds it."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        _held.add(handle)
        return handle

    def _unlock(handle: int) -> None:
        _held.discard(handle)
        os.close(handle)
