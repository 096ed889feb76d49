"""One tenant of a service: rules, calls, reviews and decisions of its own, in a folder of its own.

Nothing here knows another tenant. Routes and sockets find theirs by who is asking, never by what is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from coach.service.audit import Audit
from coach.service.board import Board
from coach.service.calls import Calls
from coach.service.connector_desk import ConnectorDesk
from coach.service.connector_settings import connectors_of
from coach.service.database import DEFAULT_TENANT, Database
from coach.service.decisions import Decisions
from coach.service.erasure import Erasure
from coach.service.hub import Hub
from coach.service.idempotency import Answers
from coach.service.quota import Rate
from coach.service.rates import TeamRates
from coach.service.retention import Retention
from coach.service.reviews import Reviews
from coach.service.seen_reviews import SeenReviews
from coach.service.snapshots import agent_topic
from coach.service.store import Store
from coach.service.supervision import Supervision
from coach.service.webhooks.webhooks import Webhooks
from coach.service.whispers import Whispers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from coach.service.bus import Bus
    from coach.service.connector_settings import ConnectorSettings
    from coach.service.meter import Meter
    from coach.service.ownership import Held
    from coach.service.ruleset import RuleSource
    from coach.service.signing import Secrets
    from coach.service.tenants_file import TenantPlan

log = logging.getLogger(__name__)

DEFAULT: Final = DEFAULT_TENANT
# What a tenant is built around. Folders of rules stay, the rules in them are loaded again when they change.
_AT_RESTART: Final = (
    "rules_dir",
    "phrasebook_dir",
    "packs",
    "overrides",
    "review_dir",
    "masking",
    "store",
)
# Workers find a changed file within seconds of each other.
_NOTED_S: Final = 60


class Tenant:
    """What one tenant has. `running()` is the life of it.

    Args:
        plan: what it is to be; its settings are the service's with this tenant's own in their place.
        rules: loaded; tenants with the same rules share one.
        meter: of the service; tenants are counted together.
        clock: seconds since 1970.
        bus: between the workers, if there are several.
        secrets: key the hashes of customers.

    Attributes:
        title: the name for people.
        quotas: what it may use.
    """

    def __init__(
        self,
        plan: TenantPlan,
        *,
        rules: RuleSource,
        meter: Meter,
        connectors: ConnectorSettings,
        clock: Callable[[], float],
        bus: Bus | None = None,
        secrets: Secrets,
    ) -> None:
        name, settings = plan.name, plan.settings
        self.name = name
        self.title = plan.title
        self.settings = settings
        self.quotas = plan.quotas
        self.rules = rules
        self.database = Database.of(settings, tenant=name)
        self.audit = Audit(self.database, clock=clock)
        self.webhooks = Webhooks(self.database, tenant=name, settings=settings, clock=clock)
        self.store = Store(
            self.database,
            max_waiting=settings.max_waiting,
            meter=meter,
            # What was said would wait on the disk for its delivery.
            events=self.webhooks.writer if settings.store == "words" else None,
            words=settings.store == "words",
        )
        self._channel = None if bus is None else bus.channel(name)
        self.hub = Hub(keep=settings.resume_events, meter=meter, channel=self._channel)
        self.board = Board(self.hub, clock=clock, escalate_after=settings.escalate_after)
        self.calls = Calls(
            store=self.store,
            hub=self.hub,
            rules=rules,
            max_calls=settings.max_calls,
            idle_s=settings.call_idle_s,
            timeout_s=settings.call_timeout_s,
            masking=settings.masking,
            board=self.board,
            secrets=secrets,
            clock=clock,
        )
        self._limit_events()
        self._retention_of = partial(
            Retention,
            Erasure(self.database, clock=clock),
            audit=self.audit,
            secrets=secrets,
            reviews_dir=settings.data_dir / "reviews",
            clock=clock,
            held=self._held,
            forget=self._forget,
        )
        self.retention = self._retention_of(days=settings.retention_days)
        self._sweeping: asyncio.Task[None] | None = None
        self.answers = Answers(self.store, clock=clock)
        self.reviews = Reviews(settings=settings, clock=clock, shared=bus is not None)
        self.seen_reviews = SeenReviews(self.reviews)
        self.decisions = Decisions(self.database, masking=settings.masking, clock=clock)
        self.supervision = Supervision(
            board=self.board,
            rates=TeamRates(self.database, clock=clock),
            whispers=Whispers(
                self.database, masking=settings.masking, words=settings.store == "words", clock=clock
            ),
            calls=self.calls,
            hub=self.hub,
        )
        self._connectors = connectors
        self.desk = ConnectorDesk(
            store=self.store,
            calls=self.calls,
            settings=connectors_of(plan, connectors),
            max_calls=settings.max_calls,
        )

    @property
    def terms(self) -> dict[str, str]:
        """What a socket is told besides `ready`: where an ack does not mean what it usually means."""
        return {} if self.settings.store == "words" else {"store": self.settings.store}

    async def notes(self, what: str) -> bool:
        """Tell whether it falls to this worker to note what every worker finds."""
        if await self.calls.ownership.may(what, for_s=_NOTED_S):
            return True
        # While Redis is away each worker notes it: rather twice than not at all.
        return self._channel is not None and not self._channel.up

    def follow(self, plan: TenantPlan) -> tuple[str, ...]:
        """Be what a plan says from now on; return the fields that need a restart for it, and are as they were."""
        now, then = self.settings, plan.settings
        waiting = tuple(name for name in _AT_RESTART if getattr(now, name) != getattr(then, name))
        self.settings = then.model_copy(update={name: getattr(now, name) for name in waiting})
        self.title, self.quotas = plan.title, plan.quotas
        self.calls.max_calls = self.desk.max_calls = then.max_calls
        self._limit_events()
        self.desk.settings = connectors_of(plan, self._connectors)
        if then.retention_days != now.retention_days:
            self.retention = self._retention_of(days=then.retention_days)
            if self._sweeping is not None:
                self._sweeping.cancel()
                self._sweeping = self._sweep()
        return waiting

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the store, bring back the running calls, let time pass; at the end write what waits."""
        await self.store.open()
        if not self.calls.ownership.shared:
            # Of several workers, whoever gets a call's next event brings it back.
            await self.calls.revive_open()
        tasks = [
            asyncio.create_task(self.calls.run_clock(), name=f"clock-{self.name}"),
            asyncio.create_task(self.calls.abandoned.end_forever(), name=f"call-sweep-{self.name}"),
            asyncio.create_task(self.board.run(), name=f"board-{self.name}"),
            asyncio.create_task(
                self.audit.note_rules_forever(self.rules, mine=self._notes_rules),
                name=f"rules-audit-{self.name}",
            ),
        ]
        for task in tasks:
            task.add_done_callback(report_death)
        self._sweeping = self._sweep()
        await self.reviews.open()
        try:
            # Of a file there is one service; a server's may be several.
            alone = self.database.file is not None and not self.calls.ownership.shared
            async with self.webhooks.running(self.rules, alone=alone):
                yield
        finally:
            tasks.append(self._sweeping)
            self._sweeping = None
            for task in tasks:
                task.cancel()
            await self.reviews.close()
            await self.calls.ownership.close()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()
            await self.database.close()

    def let_go(self) -> None:
        """Leave nothing behind in what tenants share: the rest goes with the last request or socket that has it."""
        self.calls.close()
        self.hub.close()
        if self._channel is not None:
            self._channel.close()

    def _limit_events(self) -> None:
        # Quotas that stay as they are go on counting.
        pace, quota = self.calls.pace, self.quotas.events_per_second
        if quota is None:
            pace.limit = None
        elif pace.limit is None or pace.limit.per_second != quota:
            pace.limit = Rate(quota)

    def _sweep(self) -> asyncio.Task[None]:
        sweeping = self.retention.sweep_forever(self._sweeps)
        task = asyncio.create_task(sweeping, name=f"retention-{self.name}")
        task.add_done_callback(report_death)
        return task

    async def _held(self, call_ids: Iterable[str]) -> Held:
        # Calls that have just ended leave memory with the next tick.
        self.calls.tick()
        return await self.calls.ownership.ask_held(call_ids)

    async def _sweeps(self, for_s: int) -> bool:
        return await self.calls.ownership.may("retention", for_s=for_s)

    async def _notes_rules(self, digest: str) -> bool:
        return await self.notes(f"rules-{digest}")

    def _forget(self, agent_id: str) -> None:
        """Drop what a sidebar that comes back would be sent again."""
        self.hub.erase(agent_topic(agent_id))


def report_death(task: asyncio.Task[None]) -> None:
    """Log the end of a task that should have gone on for ever."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("后台任务 %s 意外停止", task.get_name(), exc_info=task.exception())
