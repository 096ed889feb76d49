"""Who is told of what by webhooks, and what could not be told (docs/webhooks.md); `webhooks` is for receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.client import webhook_requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from coach.client.carrier import AsyncCarrier, Carrier
    from coach.client.webhook_answers import (
        DeadLetter,
        SecretWebhook,
        WebhookAttempt,
        WebhookEndpoint,
        WebhookState,
    )


class Endpoints:
    """The webhooks of one tenant. Needs the role admin."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def list(self) -> tuple[WebhookEndpoint, ...]:
        """Return every endpoint, without secrets."""
        return self._carrier.ask(webhook_requests.list_webhooks()).webhooks

    def add(self, url: str, *, events: Iterable[str] | None = None) -> SecretWebhook:
        """Register an endpoint for some events, or all; keep its secret, it is not shown again.

        Raises:
            RefusedError: `invalid_field`: the address may not be told, or there is no such event.
        """
        return self._carrier.ask(webhook_requests.add(url, events=events))

    def change(
        self, webhook_id: str, *, events: Iterable[str] | None = None, state: WebhookState | None = None
    ) -> WebhookEndpoint:
        """Change what it is told of, or switch it on or off; what is not given stays."""
        return self._carrier.ask(webhook_requests.change(webhook_id, events=events, state=state))

    def remove(self, webhook_id: str) -> None:
        """Remove it, with all that waits for it and its dead letters."""
        self._carrier.ask(webhook_requests.remove(webhook_id))

    def rotate(self, webhook_id: str) -> SecretWebhook:
        """Make a new secret; the old one signs beside it for a day."""
        return self._carrier.ask(webhook_requests.rotate(webhook_id))

    def test(self, webhook_id: str) -> WebhookAttempt:
        """Send a signed `ping`; return what came of it."""
        return self._carrier.ask(webhook_requests.test(webhook_id))

    def dead(self, *, limit: int | None = None) -> Iterator[DeadLetter]:
        """Iterate over what could not be told, oldest first, at most `limit`."""
        paging = webhook_requests.dead(limit=limit)
        while (ask := paging.next()) is not None:
            page = self._carrier.ask(ask)
            paging.take(len(page.dead), page.next)
            yield from page.dead

    def retry(self, letter_id: str) -> int:
        """Try a dead letter anew; return at how many endpoints.

        Raises:
            RefusedError: `not_found`.
        """
        return self._carrier.ask(webhook_requests.retry(letter_id)).retried

    def retry_all(self) -> int:
        """Try every dead letter anew; return how many."""
        return self._carrier.ask(webhook_requests.retry(None)).retried


class AsyncEndpoints:
    """The same on an event loop; `Endpoints` describes the methods."""

    def __init__(self, carrier: AsyncCarrier) -> None:
        self._carrier = carrier

    async def list(self) -> tuple[WebhookEndpoint, ...]:
        """See `Endpoints.list`."""
        return (await self._carrier.ask(webhook_requests.list_webhooks())).webhooks

    async def add(self, url: str, *, events: Iterable[str] | None = None) -> SecretWebhook:
        """See `Endpoints.add`."""
        return await self._carrier.ask(webhook_requests.add(url, events=events))

    async def change(
        self, webhook_id: str, *, events: Iterable[str] | None = None, state: WebhookState | None = None
    ) -> WebhookEndpoint:
        """See `Endpoints.change`."""
        return await self._carrier.ask(webhook_requests.change(webhook_id, events=events, state=state))

    async def remove(self, webhook_id: str) -> None:
        """See `Endpoints.remove`."""
        await self._carrier.ask(webhook_requests.remove(webhook_id))

    async def rotate(self, webhook_id: str) -> SecretWebhook:
        """See `Endpoints.rotate`."""
        return await self._carrier.ask(webhook_requests.rotate(webhook_id))

    async def test(self, webhook_id: str) -> WebhookAttempt:
        """See `Endpoints.test`."""
        return await self._carrier.ask(webhook_requests.test(webhook_id))

    async def dead(self, *, limit: int | None = None) -> AsyncIterator[DeadLetter]:
        """See `Endpoints.dead`."""
        paging = webhook_requests.dead(limit=limit)
        while (ask := paging.next()) is not None:
            page = await self._carrier.ask(ask)
            paging.take(len(page.dead), page.next)
            for letter in page.dead:
                yield letter

    async def retry(self, letter_id: str) -> int:
        """See `Endpoints.retry`."""
        return (await self._carrier.ask(webhook_requests.retry(letter_id))).retried

    async def retry_all(self) -> int:
        """See `Endpoints.retry_all`."""
        return (await self._carrier.ask(webhook_requests.retry(None))).retried
