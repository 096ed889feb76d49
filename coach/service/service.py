"""What the process has: settings, keys, the gate, the meter; and its tenants, put together and taken apart in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import IO, TYPE_CHECKING, Final

from coach.errors import ConfigError
from coach.service.auth import Gate, KeyRing
from coach.service.channel import open_bus
from coach.service.connector_settings import load_connector_settings
from coach.service.handshake import Lobby
from coach.service.meter import Meter
from coach.service.ruleset import RuleSource
from coach.service.tenant import DEFAULT, Tenant, report_death

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from coach.config import Settings
    from coach.service.hub import Reader
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
        rules = RuleSource(
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
        rules.load(ruleset)
        self.gate = Gate(origins=settings.origins, hosts=settings.hosts, bound_to=settings.host)
        self.lobby = Lobby(keys=self.keys, gate=self.gate, limit=settings.max_connections)
        self.meter = Meter()
        self.bus = open_bus(settings)
        default = Tenant(
            DEFAULT,
            settings=settings,
            rules=rules,
            meter=self.meter,
            connectors=load_connector_settings(),
            clock=clock,
            bus=self.bus,
        )
        self.tenants = {default.name: default}
        self.ready = False

    @property
    def default(self) -> Tenant:
        """The tenant of whoever names none."""
        return self.tenants[DEFAULT]

    @property
    def rule_sources(self) -> tuple[RuleSource, ...]:
        """The rules of all tenants, each once."""
        return tuple({id(tenant.rules): tenant.rules for tenant in self.tenants.values()}.values())

    @property
    def problem(self) -> str:
        """What keeps a store from writing; "" when every one writes."""
        return next((tenant.store.error for tenant in self.tenants.values() if tenant.store.error), "")

    @property
    def calls_in_memory(self) -> int:
        """Calls of all tenants."""
        return sum(len(tenant.calls) for tenant in self.tenants.values())

    def readers(self) -> Iterator[Reader]:
        """Yield the sidebars of all tenants."""
        for tenant in self.tenants.values():
            yield from tenant.hub.readers()

    async def drain(self) -> None:
        """Get what came so far onto the disk, its acks to the producers and its cards to the sidebars.

        From here on `/readyz` says 503. What still comes is committed by the end of `running`, but not acked: its
        producer sends it again elsewhere.
        """
        self.ready = False
        await self._settle()
        for _ in range(_DRAIN_STEPS):
            if not any(reader.depth for reader in self.readers()):
                break
            await asyncio.sleep(_DRAIN_STEP_S)
        # What came meanwhile; then its acks are on their way to the writers of the sockets.
        await self._settle()
        await asyncio.sleep(_DRAIN_STEP_S)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run every tenant and keep its rules fresh."""
        stop = asyncio.Event()
        tasks: list[asyncio.Task[None]] = []
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self.bus is not None:
                    await stack.enter_async_context(self.bus.running())
                for tenant in self.tenants.values():
                    await stack.enter_async_context(tenant.running())
                for rules in self.rule_sources:
                    tasks.append(asyncio.create_task(rules.warm(), name="rules-warm"))
                    if self.settings.reload_rules:
                        tasks.append(asyncio.create_task(rules.watch(stop), name="rules-watch"))
                for task in tasks:
                    task.add_done_callback(report_death)
                self.ready = True
                try:
                    yield
                finally:
                    self.ready = False
                    stop.set()
                    await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._lock.close()

    async def _settle(self) -> None:
        await asyncio.gather(*(tenant.store.settle() for tenant in self.tenants.values()))


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
