"""The webhooks of one tenant, put together: who is told, what waits, who delivers it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from coach.service.audit import Audit
from coach.service.webhooks.delivery import LEASE_MARGIN_S, Delivery, new_owner, report_death
from coach.service.webhooks.endpoints import PING, Endpoints
from coach.service.webhooks.events import EventWriter, message_body, message_id
from coach.service.webhooks.meter import WebhookMeter
from coach.service.webhooks.outbox import Outbox
from coach.service.webhooks.retry import RetryPolicy
from coach.service.webhooks.scoring import Scores
from coach.service.webhooks.sender import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from coach.config import Settings
    from coach.service.database import Database
    from coach.service.ruleset import RuleSource
    from coach.service.webhooks.sender import Attempt

_HOUR_S: Final = 3600.0


class Webhooks:
    """What one tenant has of webhooks. `running()` delivers; the rest works without it, for the command line.

    Args:
        database: of the tenant; closed by whoever made it.
        tenant: its name, told in every webhook.
        settings: of the tenant.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, *, tenant: str, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._settings = settings
        self._clock = clock
        self.meter = WebhookMeter()
        self.audit = Audit(database, clock=clock)
        self.writer = EventWriter(tenant, clock=clock)
        self.endpoints = Endpoints(database, private=settings.webhook_private, clock=clock)
        self.outbox = Outbox(database, owner=new_owner(), lease_s=settings.webhook_timeout_s + LEASE_MARGIN_S)

    @contextlib.asynccontextmanager
    async def running(self, rules: RuleSource, *, alone: bool) -> AsyncIterator[None]:
        """Deliver in the background.

        Args:
            rules: what scores are made with.
            alone: no other process delivers from this database.
        """
        scores = Scores(self._database, tenant=self._tenant, rules=rules, settings=self._settings)
        delivery = Delivery(
            endpoints=self.endpoints,
            outbox=self.outbox,
            sender=self._sender(),
            policy=RetryPolicy(tries=self._settings.webhook_tries),
            score=scores.body,
            meter=self.meter,
            parallel=self._settings.webhook_parallel,
            attempt_s=self._settings.webhook_timeout_s,
            disable_s=self._settings.webhook_disable_h * _HOUR_S,
            clock=self._clock,
            alone=alone and self._settings.workers == 1,
        )
        self.writer.on_written(delivery.wake)
        task = asyncio.create_task(delivery.run(), name=f"webhooks-{self._tenant}")
        task.add_done_callback(report_death)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            scores.close()

    async def ping(self, url: str, *, signing: Sequence[str]) -> Attempt:
        """Send a signed `ping` once, and say what came of it."""
        now = self._clock()
        identity = message_id(self._tenant, PING, url, str(now))
        data: dict[str, Any] = {"url": url}
        body = message_body(PING, identity, at=now, tenant=self._tenant, data=data)
        sender = self._sender()
        try:
            return await sender.send(url, webhook_id=identity, body=body.encode(), signing=signing)
        finally:
            await sender.close()

    async def retry(self, webhook_id: str | None) -> int:
        """Let dead letters be tried anew, one event or (None) all of them; return how many."""
        count = await self.outbox.retry(webhook_id, now=self._clock())
        self.writer.committed()
        return count

    def _sender(self) -> Sender:
        return Sender(
            timeout_s=self._settings.webhook_timeout_s,
            private=self._settings.webhook_private,
            clock=self._clock,
        )
