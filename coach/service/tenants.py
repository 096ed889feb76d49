"""The tenants of one process. While it serves they follow their file: new ones begin, others change or end.

What is wrong with the file is told, and everything stays as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coach.errors import CoachError, ConfigError
from coach.service.ruleset import RuleSource
from coach.service.tenant import DEFAULT, Tenant, report_death
from coach.service.tenant_changes import changes_between
from coach.service.tenants_file import plan_tenants, read_text, secret_files, tenants_file, told_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from coach.config import Settings
    from coach.service.ruleset import RuleSet
    from coach.service.siblings import Siblings
    from coach.service.tenant_changes import TenantChanges
    from coach.service.tenants_file import TenantPlan

log = logging.getLogger(__name__)

# A file is read once two looks have seen it the same: by then nobody is still writing it.
_LOOK_S: Final = 1.0
# For the sockets of a tenant that is over; who does not go by then does not read.
_GOODBYE_S: Final = 5.0

# The name under which workers keep the file.
KEPT: Final = "tenants"

Stamp = tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """What the file said at some moment.

    Attributes:
        stale: why it is not what it says now; "" when it is.
        stamp: of the file and the secrets it names, at that moment.
    """

    plans: tuple[TenantPlan, ...]
    stale: str
    stamp: Stamp


def read_declared(settings: Settings, *, model: Tenants | None, siblings: Siblings | None = None) -> Declared:
    """Read the file at the start.

    While it is wrong, a worker that died must come back all the same: as its siblings serve.

    Args:
        model: the parent's tenants, which serve if the file has been right only at the start.
        siblings: keep the file as it was when it was right last.

    Raises:
        ConfigError: it is wrong, and there is no parent.
    """
    file, stale = tenants_file(settings), ""
    stamp = _stamp_of(file)
    try:
        plans = plan_tenants(settings, read_text(settings))
    except ConfigError as error:
        if model is None:
            raise
        stale = str(error)
        log.error("租户文件有误，使用它上次正确时的租户：\n%s", error)  # noqa: TRY400 - the message is the list
        plans = _last_right(settings, siblings) or model.plans
    return Declared(plans, stale, (stamp, *map(_stamp_of, secret_files(file, plans))))


def _last_right(settings: Settings, siblings: Siblings | None) -> tuple[TenantPlan, ...] | None:
    """Return the tenants of the file as it was right last, with the secrets of today; None when they cannot be had."""
    kept = siblings.kept(KEPT) if siblings is not None else None
    if kept is None:
        return None
    try:
        return plan_tenants(settings, kept)
    except ConfigError as error:
        log.error("它上次正确时的内容现在也用不了，使用服务启动时的租户：\n%s", error)  # noqa: TRY400 - as above
        return None


class Tenants(Mapping[str, Tenant]):
    """The tenants that are served, by name; `default` is always there.

    Args:
        settings: of the service.
        declared: what the file said.
        ruleset: rules of the default tenant that are loaded already.
        model: the parent's, whose rules are taken over.
        siblings: keep the file for a worker that starts again.
        make: makes a tenant of a plan and its rules.

    Attributes:
        stale: why what the file says is not wholly in force; "" when it is.

    Raises:
        RulebookError, PhrasebookError: rules cannot be loaded.
    """

    def __init__(
        self,
        settings: Settings,
        declared: Declared,
        *,
        ruleset: RuleSet | None,
        model: Tenants | None,
        siblings: Siblings | None = None,
        make: Callable[[TenantPlan, RuleSource], Tenant],
    ) -> None:
        self._settings = settings
        self._file = tenants_file(settings)
        self._make = make
        self._siblings = siblings
        self._plans, self.stale = declared.plans, declared.stale
        self._in_force = declared.stamp
        self._sources: dict[tuple[object, ...], RuleSource] = {}
        self._served: dict[str, Tenant] = {}
        # What waits for a restart waits for that of the parent: workers must not differ in it.
        first = {plan.name: plan for plan in model.plans} if model else {}
        for plan in self._plans:
            begun = first.get(plan.name, plan)
            known = model._sources.get(begun.rules) if model else None  # noqa: SLF001 - of its own kind
            loaded = known.current if known else ruleset if plan.name == DEFAULT else None
            if begun.rules not in self._sources:
                self._sources[begun.rules] = _source(begun)
                self._sources[begun.rules].load(loaded)
            self._served[plan.name] = make(begun, self._sources[begun.rules])
            told = self._told_waiting(plan, self._served[plan.name].follow(plan))
            self.stale = "\n".join([*([self.stale] if self.stale else []), *told])
        self._stacks: dict[str, contextlib.AsyncExitStack] = {}
        self._keepers: dict[tuple[object, ...], _Keeper] = {}
        self._heard: Callable[[], None] = lambda: None
        self._emptied: Callable[[str], Awaitable[None]] = _nobody_waits
        self._noted: Callable[[TenantChanges, tuple[TenantPlan, ...]], None] = lambda _changes, _plans: None
        self._changing = asyncio.Lock()

    def __getitem__(self, name: str) -> Tenant:
        return self._served[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._served)

    def __len__(self) -> int:
        return len(self._served)

    @property
    def plans(self) -> tuple[TenantPlan, ...]:
        """What the file said when it was read last and right."""
        return self._plans

    @property
    def sources(self) -> tuple[RuleSource, ...]:
        """The rules of all tenants, each once."""
        return tuple(self._sources.values())

    def on_change(
        self,
        listener: Callable[[], None],
        *,
        emptied: Callable[[str], Awaitable[None]],
        noted: Callable[[TenantChanges, tuple[TenantPlan, ...]], None],
    ) -> None:
        """Call `listener` whenever tenants came, changed or went.

        Args:
            emptied: waits until a tenant that went has no sockets any more.
            noted: is told what another file has changed, and all that it says.
        """
        self._heard = listener
        self._emptied = emptied
        self._noted = noted

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run every tenant; at the end take all of them apart, the default one last."""
        try:
            for tenant in self._served.values():
                await self._begin(tenant)
            yield
        finally:
            # Whatever is being changed is changed first.
            async with self._changing:
                for name in reversed(list(self._stacks)):
                    await self._end(name)

    async def keep_rules(self, *, watched: bool) -> None:
        """Keep the rules compiled and, if they are watched, fresh; until cancelled."""
        try:
            while True:
                for key, source in self._sources.items():
                    if key not in self._keepers:
                        self._keepers[key] = _Keeper(source, watched=watched)
                await asyncio.sleep(_LOOK_S)
        finally:
            await asyncio.gather(*(each.close() for each in self._keepers.values()))

    async def follow_forever(self) -> None:
        """Read the file again when it, or a secret it names, has changed; until cancelled."""
        seen = self._in_force
        while True:
            await asyncio.sleep(_LOOK_S)
            seen = await self.look(seen)

    async def look(self, seen: Stamp) -> Stamp:
        """Read the file if it has changed and is as it was `seen` last; return how it is now."""
        stamp = self._stamp()
        if stamp == seen and stamp != self._in_force:
            await self.reload()
        return stamp

    async def reload(self) -> None:
        """Do what the file says now; on any problem keep everything as it is and say so."""
        async with self._changing:
            file = _stamp_of(self._file)
            try:
                stale = await self._change()
            except (CoachError, OSError, UnicodeDecodeError) as error:
                stale = str(error)
                log.error("租户文件未能重新加载，一切照旧：\n%s", stale)  # noqa: TRY400 - the message is the list
            self.stale = stale
            # Secrets may have other names now; the file may have been changed once more.
            self._in_force = (file, *self._stamp()[1:])

    async def _change(self) -> str:
        """Bring what is served in line with the file; return what has to wait for a restart, a line each.

        Raises:
            CoachError: the file is wrong, or a new tenant cannot begin; nothing has changed.
        """
        if not self._file.exists() and len(self._plans) > 1:
            raise ConfigError(f"{self._file}: 没有这个文件了；不要任何租户时应留下空文件")
        text = await asyncio.to_thread(read_text, self._settings)
        plans = await asyncio.to_thread(plan_tenants, self._settings, text)
        fresh = await self._prepared([plan for plan in plans if plan.name not in self._served])
        waiting = {
            plan.name: self._served[plan.name].follow(plan) for plan in plans if plan.name in self._served
        }
        changes = changes_between(self._plans, plans, waiting=waiting)
        gone = [name for name in self._served if name not in {plan.name for plan in plans}]
        self._plans = plans
        if self._siblings is not None:
            self._siblings.keep(KEPT, text)
        self._served |= {tenant.name: tenant for tenant in fresh}
        leaving = [self._served.pop(name) for name in gone]
        kept = {tenant.rules for tenant in self._served.values()}
        unused = [key for key, source in self._sources.items() if source not in kept]
        self._heard()
        if changes:
            self._noted(changes, plans)
        for tenant in leaving:
            await self._leave(tenant)
        for key in unused:
            await self._let_rules_go(key)
        log.info("租户文件已重新加载：%s", changes)
        told = "\n".join(
            line for plan in plans for line in self._told_waiting(plan, waiting.get(plan.name, ()))
        )
        if told:
            log.warning("租户文件里有要重启才生效的改动：\n%s", told)
        return told

    async def _prepared(self, plans: list[TenantPlan]) -> list[Tenant]:
        """Make and begin tenants; all or none.

        Raises:
            CoachError: one cannot begin; says which.
        """
        begun: list[Tenant] = []
        sources = dict(self._sources)
        try:
            for plan in plans:
                try:
                    if plan.rules not in sources:
                        source = _source(plan)
                        await asyncio.to_thread(source.load)
                        sources[plan.rules] = source
                    tenant = self._make(plan, sources[plan.rules])
                    await self._begin(tenant)
                except (CoachError, OSError) as error:
                    message = f"这个新租户不能开始：\n{error}"
                    raise ConfigError(told_at(self._file, plan.places, (plan.name,), message)) from error
                begun.append(tenant)
        except BaseException:
            for tenant in begun:
                await self._end(tenant.name)
            raise
        self._sources = sources
        return begun

    async def _begin(self, tenant: Tenant) -> None:
        async with contextlib.AsyncExitStack() as stack:
            # Also if it cannot begin.
            stack.callback(tenant.let_go)
            await stack.enter_async_context(tenant.running())
            self._stacks[tenant.name] = stack.pop_all()

    async def _end(self, name: str) -> None:
        await self._stacks.pop(name).aclose()

    async def _leave(self, tenant: Tenant) -> None:
        """End a tenant whose keys are refused by now: first its sockets, then what it has not written, then the rest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._emptied(tenant.name)
                await tenant.store.settle()
        await self._end(tenant.name)

    async def _let_rules_go(self, key: tuple[object, ...]) -> None:
        """Free rules that nobody has any more; whoever comes back has them loaded anew."""
        source = self._sources.pop(key)
        if (keeper := self._keepers.pop(key, None)) is not None:
            await keeper.close()
        source.let_go()

    def _told_waiting(self, plan: TenantPlan, fields: tuple[str, ...]) -> list[str]:
        message = "改动要重启服务才生效，现在仍按原来的值"
        return [told_at(self._file, plan.places, (plan.name, each), message) for each in fields]

    def _stamp(self) -> Stamp:
        """Return what changes whenever the file or one of the secrets it names does."""
        return tuple(_stamp_of(file) for file in (self._file, *secret_files(self._file, self._plans)))


async def _nobody_waits(_tenant: str) -> None:
    """Wait for no sockets: there are none yet."""


def _stamp_of(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _source(plan: TenantPlan) -> RuleSource:
    settings = plan.settings
    return RuleSource(
        rules_dir=settings.rules,
        phrasebook_dir=settings.phrasebook,
        packs=settings.packs,
        overrides=settings.overrides,
        proven=settings.data_dir / "proven-rules",
    )


class _Keeper:
    """Keeps one set of rules compiled and fresh."""

    def __init__(self, source: RuleSource, *, watched: bool) -> None:
        self._stop = asyncio.Event()
        self._warming = asyncio.create_task(source.keep_warm(), name="rules-warm")
        self._tasks = [self._warming]
        if watched:
            self._tasks.append(asyncio.create_task(source.watch(self._stop), name="rules-watch"))
        for task in self._tasks:
            task.add_done_callback(report_death)

    async def close(self) -> None:
        """Let the rules be."""
        self._stop.set()
        self._warming.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
