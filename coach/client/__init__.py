"""A typed client of the service, for programs that feed calls in or read what agents are shown (docs/client.md).

It knows the wire and nothing of the inside of the service.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coach.client.async_http import AsyncClient
    from coach.client.errors import ClientError, RefusedError, UnreachableError
    from coach.client.http import Client
    from coach.client.producer import AsyncProducer, Producer
    from coach.client.webhooks import Webhook, WebhookError, verify_webhook

__all__ = [
    "AsyncClient",
    "AsyncProducer",
    "Client",
    "ClientError",
    "Producer",
    "RefusedError",
    "UnreachableError",
    "Webhook",
    "WebhookError",
    "verify_webhook",
]

_HOMES = {
    "AsyncClient": "coach.client.async_http",
    "AsyncProducer": "coach.client.producer",
    "Client": "coach.client.http",
    "ClientError": "coach.client.errors",
    "Producer": "coach.client.producer",
    "RefusedError": "coach.client.errors",
    "UnreachableError": "coach.client.errors",
    "Webhook": "coach.client.webhooks",
    "WebhookError": "coach.client.webhooks",
    "verify_webhook": "coach.client.webhooks",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import on first use: the service shares the types of its answers and must not wait for an HTTP client."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)
