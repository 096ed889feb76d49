"""Reviews of recorded calls that the service keeps: queued, run in processes of their own, gone on with, deleted.

A folder each below `reviews/`: review.json, in/ (what was uploaded), out/ (what `coach review` writes).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from coach.errors import ConfigError, MessageError
from coach.service.review_listeners import Listeners
from coach.service.review_order import DONE, FAILED, OUT, STOPPED
from coach.service.review_record import (
    DOWNLOADS,
    ENDED,
    UNFINISHED,
    ReviewOptions,
    ReviewRecord,
)
from coach.service.review_runner import read_summary, run_review
from coach.service.review_share import INCOMING, ReviewShare
from coach.service.uploads import IN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from coach.config import Settings
    from coach.service.review_share import Ask

log = logging.getLogger(__name__)


_LOOK_S: Final = 60.0
_SWEEP_S: Final = 3600.0
_DAY_S: Final = 86_400


class Reviews:
    """All reviews of one data folder.

    Args:
        clock: seconds since 1970.
        shared: other workers have the same folder; one of them runs the reviews (`review_share`).
    """

    def __init__(self, *, settings: Settings, clock: Callable[[], float], shared: bool = False) -> None:
        self._settings = settings
        self._clock = clock
        self._root = settings.data_dir.resolve() / "reviews"
        self._records: dict[str, ReviewRecord] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._listeners = Listeners()
        self._turns = asyncio.Semaphore(settings.review_parallel)
        self._looks = asyncio.Semaphore(1)
        self._saving = asyncio.Lock()
        self._run = partial(run_review, root=self._root, settings=settings)
        self._share = ReviewShare(self._root)
        self._shared = shared
        self._leads = False
        self._background: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Read what is there, take away what was never wholly received, and go on with what is unfinished.

        Raises:
            ConfigError: the folder cannot be used.
        """
        try:
            await asyncio.to_thread(self._load)
        except OSError as error:
            raise ConfigError(f"data_dir: 无法使用 {self._root}：{error.strerror or error}") from error
        if self._leads:
            await self._resume()
        self._background.append(asyncio.create_task(self._sweep(), name="reviews-sweep"))
        if self._shared:
            work = self._share.follow(refresh=self._refresh, take_over=self._take_over, do=self._do)
            self._background.append(asyncio.create_task(work, name="reviews-follow"))

    async def close(self) -> None:
        """End the processes; what they have done stays, and the next start goes on."""
        tasks = [*self._tasks.values(), *self._background]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._share.release()

    def listed(self, owner: str) -> list[ReviewRecord]:
        """List the reviews that `owner` may see ("": all), youngest first."""
        self._refresh()
        seen = [record for record in self._records.values() if owner in {"", record.owner}]
        return sorted(seen, key=lambda record: record.created_at, reverse=True)

    def get(self, review_id: str, owner: str = "") -> ReviewRecord:
        """Return one review.

        Raises:
            MessageError: `not_found`.
        """
        self._refresh()
        record = self._records.get(review_id)
        if record is None or owner not in {"", record.owner}:
            raise MessageError("not_found", "没有这次质检，可能已经删除", field="id")
        return record

    def out(self, review_id: str) -> Path:
        """Return the output directory of a review."""
        return self._root / review_id / OUT

    def told(self, record: ReviewRecord) -> dict[str, Any]:
        """Return what the wire tells of a review."""
        there: tuple[str, ...] = ()
        if record.state == "finished":
            out = self.out(record.id)
            there = tuple(name for name in DOWNLOADS if (out / name).is_file())
        return record.as_message(downloads=there)

    @contextlib.asynccontextmanager
    async def incoming(self) -> AsyncIterator[Path]:
        """Give a folder in which to receive files; unless `add` took it, it is gone afterwards.

        Raises:
            MessageError: `busy`: so many reviews are kept already.
        """
        self._refresh()
        if len(self._records) >= self._settings.review_kept:
            raise MessageError(
                "busy",
                f"已保存 {len(self._records)} 次质检，上限 {self._settings.review_kept}；请先删掉不用的",
            )
        folder = self._share.incoming()
        await asyncio.to_thread((folder / IN).mkdir, parents=True, mode=0o700)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def add(
        self,
        incoming: Path,
        *,
        owner: str,
        title: str,
        folder: str,
        files: tuple[str, ...],
        size: int,
        options: ReviewOptions,
        start: bool,
    ) -> ReviewRecord:
        """Keep what was received; begin at once, or first look at it. The arguments are those of `ReviewRecord`."""
        review_id = f"r{secrets.token_hex(6)}"
        now = self._clock()
        record = ReviewRecord(
            review_id,
            owner,
            title or files[0] + (f" 等 {len(files)} 个文件" if len(files) > 1 else ""),
            folder,
            files,
            size,
            now,
            now,
            state="queued" if start else "received",
            options=options,
        )
        await asyncio.to_thread(record.write, incoming)
        await asyncio.to_thread(incoming.rename, self._root / review_id)
        self._records[review_id] = record
        if self._leads:
            self._begin(review_id)
        return record

    async def start(self, review_id: str, options: ReviewOptions | None) -> ReviewRecord:
        """Queue a review that was received, or go on with one that was cancelled or failed.

        Raises:
            MessageError: `conflict`: it waits, runs or is finished.
        """
        record = self.get(review_id)
        if record.state not in {"received", "cancelled", "failed"}:
            raise MessageError(
                "conflict",
                f"state: 这次质检是 {record.state}，应为 received、cancelled 或 failed",
                field="state",
            )
        if not self._leads:
            return await self._ask(review_id, "start", options) or self.get(review_id)
        self._stop(review_id)
        changed = self._change(
            review_id, state="queued", options=options or record.options, problem="", progress={}
        )
        self._begin(review_id)
        return await changed

    async def remove(self, review_id: str) -> ReviewRecord | None:
        """Cancel a review that waits or runs; delete any other with its files, and return None."""
        unfinished = self.get(review_id).state in UNFINISHED
        if not self._leads:
            return await self._ask(review_id, "remove", None)
        task = self._stop(review_id)
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        if not unfinished:
            await self._delete(review_id)
            return None
        if self._records[review_id].state in UNFINISHED:
            await self._change(review_id, state="cancelled")
        return self._records[review_id]

    async def watch(self, review_id: str) -> AsyncGenerator[ReviewRecord]:
        """Yield a review now and after each change, the last state of those that came meanwhile; ends with it."""
        async for _ in self._listeners.wakings(review_id):
            record = self._records.get(review_id)
            if record is None:
                return
            yield record
            if record.state in ENDED:
                return

    def _load(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._leads = not self._shared or self._share.lead()
        if self._leads:
            for folder in self._share.abandoned():
                shutil.rmtree(folder, ignore_errors=True)
        found, _ = self._share.changed()
        self._records = {record.id: record for record in found}

    async def _resume(self) -> None:
        """Go on with what is unfinished."""
        for record in sorted(self._records.values(), key=lambda each: each.created_at):
            if record.state in UNFINISHED:
                await self._change(record.id, state="queued")
            self._begin_new(record.id)

    def _begin_new(self, review_id: str) -> None:
        record = self._records[review_id]
        waits = record.state == "queued" or (record.state == "received" and record.look is None)
        if waits and review_id not in self._tasks:
            self._begin(review_id)

    async def _take_over(self) -> None:
        log.info("质检由本进程接手")
        self._leads = True
        self._refresh()
        await self._resume()

    def _refresh(self) -> None:
        """Take over what is new on disk; whoever runs the reviews knows better of those that he knows."""
        if not self._shared:
            return
        found, present = self._share.changed()
        for record in found:
            if not self._leads:
                self._records[record.id] = record
                self._listeners.wake(record.id)
            elif record.id not in self._records:
                self._records[record.id] = record
                self._begin_new(record.id)
        if not self._leads:
            for gone in self._records.keys() - present:
                del self._records[gone]
                self._listeners.wake(gone)

    async def _ask(
        self, review_id: str, action: Literal["start", "remove"], options: ReviewOptions | None
    ) -> ReviewRecord | None:
        """Let the worker that runs the reviews do something; return the review as it is then.

        Raises:
            MessageError: `busy`: he has not done it in time.
        """
        await self._share.ask(review_id, action, options)
        self._refresh()
        return self._records.get(review_id)

    async def _do(self, ask: Ask) -> None:
        if ask.action == "start":
            await self.start(ask.review_id, ask.options)
        else:
            await self.remove(ask.review_id)

    def _change(self, review_id: str, **changes: Any) -> asyncio.Future[ReviewRecord]:  # noqa: ANN401 - any field
        """Change a record and tell it at once; the future is done when it is on disk."""
        record = self._records[review_id].changed(at=self._clock(), **changes)
        self._records[review_id] = record
        self._listeners.wake(review_id)
        return asyncio.ensure_future(self._save(review_id))

    async def _save(self, review_id: str) -> ReviewRecord:
        async with self._saving:
            # The newest: what was queued before it is part of it.
            record = self._records[review_id]
            try:
                await asyncio.to_thread(record.write, self._root / review_id)
            except OSError as error:
                log.error("质检 %s: 写不了 review.json：%s", review_id, error)  # noqa: TRY400 - no trace
            return record

    def _begin(self, review_id: str) -> None:
        queued = self._records[review_id].state == "queued"
        work = self._review(review_id) if queued else self._look(review_id)
        task = asyncio.create_task(work, name=f"review-{review_id}")
        self._tasks[review_id] = task
        task.add_done_callback(lambda done: self._forget(review_id, done))

    def _forget(self, review_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(review_id) is task:
            del self._tasks[review_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("质检 %s 出错", review_id, exc_info=error)
            if review_id in self._records:
                self._change(review_id, state="failed", problem="服务内部出错，已记入日志；可以重新开始")

    def _stop(self, review_id: str) -> asyncio.Task[None] | None:
        task = self._tasks.pop(review_id, None)
        if task is not None:
            task.cancel()
        return task

    async def _review(self, review_id: str) -> None:
        async with self._turns:
            record = await self._change(review_id, state="running", progress={})
            problems: list[str] = []

            def hear(told: dict[str, Any]) -> None:
                if told.pop("type", "") == "progress":
                    # Not written down: the journal knows better.
                    self._records[review_id] = self._records[review_id].changed(
                        at=self._clock(), progress=told
                    )
                    self._listeners.wake(review_id)
                    if self._shared:
                        with contextlib.suppress(OSError):
                            self._share.tell_progress(review_id, told)
                elif "message" in told:
                    problems.append(str(told["message"]))

            try:
                code = await self._run("run", record, hear)
            except (MessageError, OSError) as error:
                code, problems = FAILED, [str(error)]
        if code == DONE:
            summary = await asyncio.to_thread(read_summary, self.out(review_id))
            await self._change(review_id, state="finished", summary=summary, problem="")
            # Nobody needs the words as they came any more.
            await asyncio.to_thread(shutil.rmtree, self._root / review_id / IN, ignore_errors=True)
        elif code == STOPPED:
            await self._change(review_id, state="cancelled", problem="质检进程被外部结束；可以接着做")
        else:
            problem = problems[-1] if problems else f"质检进程意外结束（退出码 {code}）；可以接着做"
            log.warning("质检 %s 没有做完：%s", review_id, problem)
            await self._change(review_id, state="failed", problem=problem)

    async def _look(self, review_id: str) -> None:
        seen: list[dict[str, Any]] = []

        def hear(told: dict[str, Any]) -> None:
            if told.pop("type", "") == "look":
                seen.append(told)

        problem = ""
        async with self._looks:
            try:
                async with asyncio.timeout(_LOOK_S):
                    code = await self._run("look", self._records[review_id], hear)
            except TimeoutError:
                problem = f"{_LOOK_S:.0f} 秒内只看了 {len(seen)} 个文件；可以直接开始质检"
            else:
                if code != DONE:
                    problem = "没能预览这些文件，原因在 job.log；可以直接开始质检"
                    log.warning("质检 %s: 预览进程意外结束（退出码 %s）", review_id, code)
        if self._records[review_id].state == "received":
            await self._change(review_id, look=tuple(seen), problem=problem)

    async def _delete(self, review_id: str) -> None:
        self._records.pop(review_id, None)
        self._listeners.wake(review_id)
        # Under a name that the next start clears away, should this one be killed meanwhile.
        gone = self._root / f"{INCOMING}{review_id}"
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread((self._root / review_id).rename, gone)
        await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)

    async def _sweep(self) -> None:
        """Delete what is older than the days it may be kept."""
        while True:
            oldest = self._clock() - self._settings.review_keep_days * _DAY_S
            for record in list(self._records.values()) if self._leads else ():
                if record.created_at < oldest and record.state not in UNFINISHED:
                    log.info("质检 %s 已过保留期，删除", record.id)
                    with contextlib.suppress(OSError):
                        await self._delete(record.id)
            await asyncio.sleep(_SWEEP_S)
