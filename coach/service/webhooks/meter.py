"""What the delivery of webhooks counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from coach.service.webhooks.outbox import Depth


@dataclass(slots=True)
class WebhookMeter:
    """The counters of one tenant's deliveries.

    Attributes:
        delivered: events that were taken.
        failed: attempts that failed.
        dead: events that are not tried any more.
        depth: how full the outbox was, a few seconds ago.
        endpoints: how many there are, by state.
    """

    delivered: int = 0
    failed: int = 0
    dead: int = 0
    depth: Depth = field(default_factory=Depth)
    endpoints: dict[str, int] = field(default_factory=dict)
