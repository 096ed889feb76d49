"""The parts of a running service, put together and taken apart in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import IO, TYPE_CHECKING, Final

from coach.errors import ConfigError
from coach.service.abandoned import end_abandoned_forever
from coach.service.auth import Gate, KeyRing
from coach.service.calls import Calls
from coach.service.decisions import Decisions
from coach.service.handshake import Lobby
from coach.service.hub import Hub
from coach.service.idempotency import Answers
from coach.service.meter import Meter
from coach.service.reviews import Reviews
from coach.service.ruleset import RuleSource
from coach.service.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from coach.config import Settings
    from coach.service.ruleset import RuleSet

log = logging.getLogger(__name__)

_DRAIN_STEP_S: Final = 0.02
# Half a second for the cards; a sidebar that reads no faster gets them from its next snapshot.
_DRAIN_STEPS: Final = 25


class Service:
    """Everything the routes need. `running()` is the life of it; nothing is global.

    Args:
        clock: seconds since 1970.
        ruleset: rules that are loaded already; None loads them from the folders of the settings.

    Raises:
        ConfigError: the data folder cannot be used.
        RulebookError, PhrasebookError: the rules cannot be loaded.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        ruleset: RuleSet | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.rules = RuleSource(
            rules_dir=settings.rules,
            phrasebook_dir=settings.phrasebook,
            packs=settings.packs,
            proven=settings.data_dir / "proven-rules",
        )
        try:
            self.keys = KeyRing(settings.data_dir, clock=clock)
            self._lock = _lock(settings.data_dir / "lock")
        except OSError as error:
            raise ConfigError(f"data_dir: 无法使用 {settings.data_dir}：{error.strerror}") from error
        if not settings.masking:
            log.warning("个人信息脱敏已关闭（COACH_MASKING=off）：号码、姓名、地址会原样显示和保存")
        self.rules.load(ruleset)
        self.gate = Gate(origins=settings.origins, hosts=settings.hosts, bound_to=settings.host)
        self.lobby = Lobby(keys=self.keys, gate=self.gate, limit=settings.max_connections)
        self.meter = Meter()
        self.store = Store(
            settings.data_dir / "coach.sqlite3", max_waiting=settings.max_waiting, meter=self.meter
        )
        self.hub = Hub(keep=settings.resume_events, meter=self.meter)
        self.calls = Calls(
            store=self.store,
            hub=self.hub,
            rules=self.rules,
            max_calls=settings.max_calls,
            idle_s=settings.call_idle_s,
            timeout_s=settings.call_timeout_s,
            masking=settings.masking,
            clock=clock,
        )
        self.answers = Answers(self.store, clock=clock)
        self.reviews = Reviews(settings=settings, clock=clock)
        self.decisions = Decisions(settings.data_dir / "coach.sqlite3", masking=settings.masking, clock=clock)
        self.ready = False

    async def drain(self) -> None:
        """Get what came so far onto the disk, its acks to the producers and its cards to the sidebars.

        From here on `/readyz` says 503. What still comes is committed by the end of `running`, but not acked: its
        producer sends it again elsewhere.
        """
        self.ready = False
        await self.store.settle()
        for _ in range(_DRAIN_STEPS):
            if not any(reader.depth for reader in self.hub.readers()):
                break
            await asyncio.sleep(_DRAIN_STEP_S)
        # What came meanwhile; then its acks are on their way to the writers of the sockets.
        await self.store.settle()
        await asyncio.sleep(_DRAIN_STEP_S)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the store, bring back the running calls, let time pass; at the end write what waits."""
        stop = asyncio.Event()
        try:
            await self.store.open()
            await self.calls.revive_open()
            sweep = end_abandoned_forever(self.calls, timeout_s=self.settings.call_timeout_s)
            clocks = [
                asyncio.create_task(self.calls.run_clock(), name="clock"),
                asyncio.create_task(sweep, name="call-sweep"),
            ]
            tasks = [*clocks]
            tasks.append(asyncio.create_task(self.rules.warm(), name="rules-warm"))
            if self.settings.reload_rules:
                tasks.append(asyncio.create_task(self.rules.watch(stop), name="rules-watch"))
            for task in tasks:
                task.add_done_callback(_report_death)
            await self.reviews.open()
            self.ready = True
            try:
                yield
            finally:
                self.ready = False
                stop.set()
                for clock in clocks:
                    clock.cancel()
                await self.reviews.close()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self.decisions.close()
                await self.store.close()
        finally:
            self._lock.close()


def _lock(file: Path) -> IO[bytes]:
    """Keep a second service off the same folder: two writers would drop each other's calls."""
    stream = file.open("ab")
    try:
        import fcntl  # noqa: PLC0415 - absent on Windows, where the folder is not guarded
    except ImportError:
        return stream
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise ConfigError(f"data_dir: {file.parent} 正被另一个 coach 服务使用") from error
    return stream


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("后台任务 %s 意外停止", task.get_name(), exc_info=task.exception())
