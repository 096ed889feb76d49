"""What the service answers about webhooks, as types (docs/webhooks.md)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Literal

from coach.client.answers import Answer

WebhookState = Literal["active", "disabled"]


class WebhookEndpoint(Answer):
    """Who is told of what. `reason`: why it is disabled; `failing_since`: when it last began to fail."""

    id: str
    url: str
    events: tuple[str, ...]
    state: WebhookState
    reason: str
    created_at: datetime
    failing_since: datetime | None


class SecretWebhook(WebhookEndpoint):
    """An endpoint with the secret that was just made; it is not shown again."""

    secret: str


class WebhookList(Answer):
    """Every endpoint."""

    webhooks: tuple[WebhookEndpoint, ...]


class RemovedWebhook(Answer):
    """The id of an endpoint that is gone."""

    removed: str


class WebhookAttempt(Answer):
    """What came of a ping. `status` is 0 when nobody answered; `says` is why it failed."""

    url: str
    delivered: bool
    status: int
    took_ms: int
    says: str


class DeadLetter(Answer):
    """An event that could not be told. `says` is what the receiver said last, `status` 0 when nobody answered."""

    id: str
    webhook: str
    url: str
    type: str
    call_id: str
    at: datetime
    tries: int
    status: int
    says: str


class DeadLetterPage(Answer):
    """A page of dead letters, oldest first; `next` is the cursor of the next page, null on the last."""

    dead: tuple[DeadLetter, ...]
    next: str | None


class Retried(Answer):
    """How many dead letters are tried anew."""

    retried: int
