"""How endpoints, dead letters and attempts are written as JSON, for the HTTP side and the command line alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coach.service.render import timestamp

if TYPE_CHECKING:
    from coach.service.webhooks.endpoints import Endpoint
    from coach.service.webhooks.outbox import DeadLetter
    from coach.service.webhooks.sender import Attempt


def render_endpoint(endpoint: Endpoint, *, secret: bool = False) -> dict[str, Any]:
    """Render an endpoint; its secret only when it was just made."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "state": endpoint.state,
        "reason": endpoint.reason,
        "created_at": timestamp(endpoint.created_at),
        "failing_since": None if endpoint.failing_since is None else timestamp(endpoint.failing_since),
        **({"secret": endpoint.secret} if secret else {}),
    }


def render_dead(letter: DeadLetter) -> dict[str, Any]:
    """Render a dead letter."""
    return {
        "id": letter.id,
        "webhook": letter.endpoint_id,
        "url": letter.url,
        "type": letter.type,
        "call_id": letter.call_id,
        "at": timestamp(letter.at),
        "tries": letter.tries,
        "status": letter.status,
        "says": letter.says,
    }


def render_attempt(url: str, attempt: Attempt) -> dict[str, Any]:
    """Render what came of a ping."""
    return {
        "url": url,
        "delivered": attempt.delivered,
        "status": attempt.status,
        "took_ms": attempt.took_ms,
        "says": attempt.says,
    }
