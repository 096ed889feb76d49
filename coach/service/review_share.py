"""The reviews of one data folder under several workers: one runs them, all know them by what is on disk.

Whoever holds the lock of the folder runs them; the kernel lets go of it when he dies. The others ask him by files.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from dataclasses import asdict, dataclass, replace
from typing import IO, TYPE_CHECKING, Any, Final, Literal

import orjson

from coach.errors import MessageError
from coach.service.review_record import FILE, ReviewOptions, ReviewRecord, read_record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

log = logging.getLogger(__name__)

_LOCK: Final = ".runner"
_ASKS: Final = ".asks"
_PROGRESS: Final = "progress.json"
# Other workers see what one does within this time.
_FOLLOW_S: Final = 0.25
# Ending a review takes the time of one call.
_ASK_S: Final = 20.0
_ASK_AGAIN_S: Final = 0.05
INCOMING: Final = ".incoming-"


@dataclass(frozen=True, slots=True)
class Ask:
    """What another worker wants done with a review. `file` is taken away once it is."""

    file: Path
    review_id: str
    action: Literal["start", "remove"]
    options: ReviewOptions | None


class ReviewShare:
    """One worker's look at a folder of reviews."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock: IO[bytes] | None = None
        # By review: when its record and its progress were last written, in ns.
        self._seen: dict[str, tuple[int, int]] = {}

    def lead(self) -> bool:
        """Tell whether this worker runs the reviews, from now on if nobody else does."""
        if self._lock is not None:
            return True
        stream = (self._root / _LOCK).open("ab")
        try:
            import fcntl  # noqa: PLC0415 - absent on Windows, where there is one process only

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except BlockingIOError:
            stream.close()
            return False
        self._lock = stream
        return True

    async def follow(
        self,
        *,
        refresh: Callable[[], None],
        take_over: Callable[[], Awaitable[None]],
        do: Callable[[Ask], Awaitable[None]],
    ) -> None:
        """Keep up with what other workers do in the folder, until cancelled.

        Args:
            refresh: looks at what changed.
            take_over: begins to run the reviews, once nobody else does.
            do: does what another worker asks, while the reviews are run here.
        """
        running: dict[Path, asyncio.Task[None]] = {}
        try:
            while True:
                await asyncio.sleep(_FOLLOW_S)
                try:
                    refresh()
                    if self._lock is None and self.lead():
                        await take_over()
                    asks = self._asks() if self._lock is not None else []
                except OSError as error:
                    log.error("%s: 读不了：%s", self._root, error)  # noqa: TRY400 - no trace
                    continue
                for ask in asks:
                    if ask.file not in running:
                        running[ask.file] = asyncio.create_task(_fulfil(ask, do), name="review-ask")
                running = {file: task for file, task in running.items() if not task.done()}
        finally:
            for task in running.values():
                task.cancel()

    def release(self) -> None:
        """Let another worker run them."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def incoming(self) -> Path:
        """Return a new name for a folder that is being received."""
        return self._root / f"{INCOMING}{os.getpid()}-{secrets.token_hex(8)}"

    def abandoned(self) -> list[Path]:
        """Return the folders that were being received, or deleted, by processes that are gone."""
        return [folder for folder in self._root.glob(f"{INCOMING}*") if not _is_received(folder.name)]

    def changed(self) -> tuple[list[ReviewRecord], set[str]]:
        """Return the reviews that changed on disk since the last time, and the ids of all that are there."""
        found: list[ReviewRecord] = []
        present: set[str] = set()
        for folder in self._root.iterdir():
            if folder.name.startswith("."):
                continue
            written = _written_at(folder / FILE), _written_at(folder / _PROGRESS)
            if not written[0]:
                continue
            present.add(folder.name)
            if self._seen.get(folder.name) == written:
                continue
            try:
                record = read_record(folder)
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.error("%s: 读不懂 review.json，已略过：%s", folder, error)  # noqa: TRY400 - no trace
            else:
                found.append(_with_progress(record, folder))
            self._seen[folder.name] = written
        self._seen = {name: seen for name, seen in self._seen.items() if name in present}
        return found, present

    def tell_progress(self, review_id: str, progress: dict[str, Any]) -> None:
        """Let the others know how far a review is; of no use after its end."""
        _write(self._root / review_id / _PROGRESS, progress)

    async def ask(
        self, review_id: str, action: Literal["start", "remove"], options: ReviewOptions | None = None
    ) -> None:
        """Ask whoever runs the reviews, and wait until it is done.

        Raises:
            MessageError: `busy`: he has not done it in time.
        """
        file = await asyncio.to_thread(self._write_ask, review_id, action, options)
        try:
            async with asyncio.timeout(_ASK_S):
                while file.exists():  # noqa: ASYNC110 - another process takes it away
                    await asyncio.sleep(_ASK_AGAIN_S)
        except TimeoutError as error:
            file.unlink(missing_ok=True)
            raise MessageError("busy", "负责质检的进程没有应答，请稍后重试") from error

    def _asks(self) -> list[Ask]:
        """Return what others ask, the oldest first."""
        found = []
        for file in sorted((self._root / _ASKS).glob("*.json"), key=_written_at):
            try:
                value = orjson.loads(file.read_bytes())
                options = value["options"]
                if options is not None:
                    options |= {name: tuple(options[name]) for name in ("agent_is", "customer_is")}
                    options = ReviewOptions(**options)
                found.append(Ask(file, value["id"], value["action"], options))
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.error("%s: 读不懂，已删除：%s", file, error)  # noqa: TRY400 - no trace
                file.unlink(missing_ok=True)
        return found

    def _write_ask(self, review_id: str, action: str, options: ReviewOptions | None) -> Path:
        folder = self._root / _ASKS
        folder.mkdir(exist_ok=True, mode=0o700)
        file = folder / f"{secrets.token_hex(8)}.json"
        value = {"id": review_id, "action": action, "options": None if options is None else asdict(options)}
        _write(file, value)
        return file


async def _fulfil(ask: Ask, do: Callable[[Ask], Awaitable[None]]) -> None:
    try:
        await do(ask)
    except MessageError as error:
        # It was decided otherwise meanwhile; whoever asked sees how it stands.
        log.info("质检 %s: %s", ask.review_id, error.message)
    finally:
        ask.file.unlink(missing_ok=True)


def _is_received(name: str) -> bool:
    """Tell whether the process that receives into a folder still lives."""
    pid = name.removeprefix(INCOMING).partition("-")[0]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _written_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _with_progress(record: ReviewRecord, folder: Path) -> ReviewRecord:
    if record.state != "running":
        return record
    try:
        return replace(record, progress=orjson.loads((folder / _PROGRESS).read_bytes()))
    except (OSError, ValueError):
        return record


def _write(file: Path, value: object) -> None:
    part = file.with_name(f".{file.name}.tmp")
    part.write_bytes(orjson.dumps(value))
    part.replace(file)
