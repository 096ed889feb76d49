"""What the process has: settings, keys, the gate, the meter; and its tenants, put together and taken apart in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from coach.errors import ConfigError, MessageError
from coach.service.auth import Gate
from coach.service.authenticator import Authenticator
from coach.service.channel import open_bus
from coach.service.connector_settings import load_connector_settings
from coach.service.handshake import Door, Lobby
from coach.service.identity_provider import load_identity_provider
from coach.service.keys import ApiKeys
from coach.service.meter import Meter
from coach.service.old_keys import FILE as OLD_KEYS
from coach.service.quota_share import TOPIC, QuotaShare
from coach.service.request_limits import RequestLimits
from coach.service.signing import load_secrets
from coach.service.tenant import DEFAULT, Tenant, report_death
from coach.service.tenant_changes import ChangeNotes
from coach.service.tenants import Tenants, read_declared
from coach.service.tickets import Tickets
from coach.service.tokens import Tokens
from coach.service.tracing import start_tracing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from coach.config import Settings
    from coach.service.auth import Principal
    from coach.service.reader import Reader
    from coach.service.review_requests import Visitor
    from coach.service.ruleset import RuleSet, RuleSource
    from coach.service.siblings import Siblings
    from coach.service.tenants_file import TenantPlan

log = logging.getLogger(__name__)

_DRAIN_STEP_S: Final = 0.02
# Half a second for the cards; a sidebar that reads no faster gets them from its next snapshot.
_DRAIN_STEPS: Final = 25
# For the last traces.
_TRACES_S: Final = 3.0


class Service:
    """Everything the routes need. `running()` is the life of it; nothing is global.

    Args:
        clock: seconds since 1970.
        ruleset: rules that are loaded already; None loads them from the folders of the settings.
        model: the parent's service, of which this is a worker's: its rules are taken over, its lock holds.
        siblings: the other workers.

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
        model: Service | None = None,
        siblings: Siblings | None = None,
    ) -> None:
        self.settings = settings
        self.siblings = siblings
        self.clock = clock
        declared = read_declared(settings, model=model.tenants if model else None, siblings=siblings)
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            given = settings.secret.get_secret_value() if settings.secret else ""
            secrets = load_secrets(settings.data_dir, given=given)
            self._lock = None if model else _lock(settings.data_dir / "lock")
        except OSError as error:
            raise ConfigError(f"data_dir: 无法使用 {settings.data_dir}：{error.strerror}") from error
        self.meter = Meter()
        self.bus = open_bus(settings)
        self._build = partial(
            Tenant,
            meter=self.meter,
            connectors=load_connector_settings(),
            clock=clock,
            bus=self.bus,
            secrets=secrets,
        )
        self.tenants: Tenants = Tenants(
            settings,
            declared,
            ruleset=ruleset,
            model=model.tenants if model else None,
            siblings=siblings,
            make=self._make,
        )
        # Before it is known who comes, every tenant's pages may.
        self.gate = self._gate_of()
        self._doors: dict[str, Door] = {}
        self._requests_of: dict[str, int | None] = {}
        default = self.default
        self.tokens = Tokens(secrets, clock=clock)
        self.tickets = Tickets(secrets, clock=clock)
        self.provider = load_identity_provider(settings, tenants=self.tenants)
        self.keys = ApiKeys(default.database, secrets, clock=clock)
        self._authenticator = Authenticator(
            keys=self.keys, tokens=self.tokens, provider=self.provider, tenants=self.tenants, clock=clock
        )
        self.limits = RequestLimits(
            per_key=settings.requests_per_minute,
            per_token=settings.token_requests_per_minute,
            failures=settings.failed_logins_per_minute,
            tenants=self._requests_of,
            meter=self.meter,
            redis_url=settings.redis_url.get_secret_value() if settings.redis_url else "",
        )
        self.lobby = Lobby(
            identify=self.identify,
            refused=self.refused,
            doors=lambda principal: self._doors.get(principal.tenant),
            gate=self.gate,
            limit=settings.max_connections,
            holds=self._authenticator.holds,
        )
        self._quotas = (
            None
            if self.bus is None
            else QuotaShare(self.tenants, channel=self.bus.channel(TOPIC), lobby=self.lobby)
        )
        self._changes = ChangeNotes(default.audit, secrets=secrets, mine=default.notes)
        self.tenants.on_change(self._follow_tenants, emptied=self.lobby.emptied, noted=self._changes.add)
        self._follow_tenants()
        # The key of a new installation, to be shown once.
        self.first_key: str | None = None
        self.ready = False

    @property
    def default(self) -> Tenant:
        """The tenant of whoever names none."""
        return self.tenants[DEFAULT]

    @property
    def rule_sources(self) -> tuple[RuleSource, ...]:
        """The rules of all tenants, each once."""
        return self.tenants.sources

    @property
    def problem(self) -> str:
        """What keeps a store from writing; "" when every one writes."""
        return next((tenant.store.error for tenant in self.tenants.values() if tenant.store.error), "")

    @property
    def calls_in_memory(self) -> int:
        """Calls of all tenants."""
        return sum(len(tenant.calls) for tenant in self.tenants.values())

    async def identify(self, credential: str) -> Principal | None:
        """Return whom a key or a token belongs to, None when nobody."""
        return await self._authenticator.identify(credential)

    async def refused(self, address: str) -> None:
        """Note that a wrong key or token came from an address.

        Raises:
            LimitedError: once too often.
        """
        await self.default.audit.refused(address)
        await self.limits.failed(address)

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
        tasks: list[asyncio.Task[None]] = []
        try:
            # Not before: the thread that sends must not be there when workers are forked.
            self.meter.tracing = start_tracing(on=self.settings.otel)
            async with contextlib.AsyncExitStack() as stack:
                if self.bus is not None:
                    await stack.enter_async_context(self.bus.running())
                await stack.enter_async_context(self.tenants.running())
                await self.keys.open(old_file=self.settings.data_dir / OLD_KEYS)
                self.first_key = await self.keys.first()
                watched = self.settings.reload_rules
                tasks += [
                    asyncio.create_task(self.keys.poll_forever(), name="keys-poll"),
                    asyncio.create_task(self.lobby.watch_forever(), name="sockets-watch"),
                    asyncio.create_task(self.tenants.keep_rules(watched=watched), name="rules"),
                ]
                if self._quotas is not None:
                    tasks.append(asyncio.create_task(self._quotas.run(), name="quotas"))
                if watched:
                    tasks.append(asyncio.create_task(self.tenants.follow_forever(), name="tenants-watch"))
                tasks.append(asyncio.create_task(self._changes.write_forever(), name="tenants-audit"))
                for task in tasks:
                    task.add_done_callback(report_death)
                self.ready = True
                try:
                    yield
                finally:
                    self.ready = False
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                    await self.limits.close()
                    if self.provider is not None:
                        await self.provider.close()
        finally:
            if self.meter.tracing is not None:
                # A collector that is away must not keep the process alive.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.to_thread(self.meter.tracing.close), _TRACES_S)
            if self._lock is not None:
                self._lock.close()

    def tenant_of(self, principal: Principal | Visitor) -> Tenant:
        """Return the tenant of somebody who was let in.

        Raises:
            MessageError: `not_authenticated`: it has gone since.
        """
        tenant = self.tenants.get(principal.tenant)
        if tenant is None:
            raise MessageError("not_authenticated", "租户已经不在这里了")
        return tenant

    def _make(self, plan: TenantPlan, rules: RuleSource) -> Tenant:
        if plan.name != DEFAULT:
            for folder in (plan.settings.data_dir.parent, plan.settings.data_dir):
                folder.mkdir(exist_ok=True, mode=0o700)
        if not plan.settings.masking:
            log.warning(
                "租户 %s 的个人信息脱敏已关闭（masking=off）：号码、姓名、地址会原样显示和保存", plan.name
            )
        return self._build(plan, rules=rules)

    def _follow_tenants(self) -> None:
        """Let in by what the tenants say now, and see off those whose tenant has gone."""
        tenants = self.tenants.values()
        self.gate.origins = tuple(origin for tenant in tenants for origin in tenant.settings.origins)
        self._doors.clear()
        self._requests_of.clear()
        for tenant in tenants:
            gate = self._gate_of(*tenant.settings.origins)
            self._doors[tenant.name] = Door(gate, tenant.quotas.max_connections, tenant.terms)
            self._requests_of[tenant.name] = tenant.quotas.requests_per_minute
        self.lobby.dismiss()

    def _gate_of(self, *origins: str) -> Gate:
        return Gate(origins=origins, hosts=self.settings.hosts, bound_to=self.settings.host)

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
