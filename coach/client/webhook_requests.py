"""What a client may ask about webhooks, each request described once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.client.paging import Paging
from coach.client.requests import Ask, post, segment
from coach.client.webhook_answers import (
    DeadLetterPage,
    RemovedWebhook,
    Retried,
    SecretWebhook,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookList,
    WebhookState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEAD: Final = 200


def list_webhooks() -> Ask[WebhookList]:
    """Ask for every endpoint."""
    return Ask("GET", "/v1/webhooks", WebhookList)


def add(url: str, *, events: Iterable[str] | None = None) -> Ask[SecretWebhook]:
    """Register an endpoint, for all events unless some are named."""
    body: dict[str, Any] = {"url": url} | ({} if events is None else {"events": list(events)})
    return post("/v1/webhooks", body, SecretWebhook)


def change(
    webhook_id: str, *, events: Iterable[str] | None = None, state: WebhookState | None = None
) -> Ask[WebhookEndpoint]:
    """Change an endpoint; what is not given stays."""
    body: dict[str, Any] = {} if events is None else {"events": list(events)}
    body |= {} if state is None else {"state": state}
    return Ask("PATCH", _path(webhook_id), WebhookEndpoint, body=orjson.dumps(body))


def remove(webhook_id: str) -> Ask[RemovedWebhook]:
    """Remove an endpoint."""
    return Ask("DELETE", _path(webhook_id), RemovedWebhook)


def rotate(webhook_id: str) -> Ask[SecretWebhook]:
    """Make a new secret."""
    return Ask("POST", f"{_path(webhook_id)}/rotate", SecretWebhook)


def test(webhook_id: str) -> Ask[WebhookAttempt]:
    """Send a ping."""
    return Ask("POST", f"{_path(webhook_id)}/test", WebhookAttempt)


def dead(*, limit: int | None) -> Paging[DeadLetterPage]:
    """Ask for the pages of dead letters."""
    return Paging(Ask("GET", "/v1/webhooks/dead", DeadLetterPage), most=_DEAD, limit=limit)


def retry(letter_id: str | None) -> Ask[Retried]:
    """Try one dead letter anew, or all of them (None)."""
    return post("/v1/webhooks/dead/retry", {"all": True} if letter_id is None else {"id": letter_id}, Retried)


def _path(webhook_id: str) -> str:
    return f"/v1/webhooks/{segment(webhook_id=webhook_id)}"
