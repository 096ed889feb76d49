"""The metrics of webhooks, by tenant. How full an outbox is was looked up a few seconds ago, not for the asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

    from coach.service.webhooks.meter import WebhookMeter


def webhook_metrics(meters: Mapping[str, WebhookMeter], *, now: float) -> Iterator[Metric]:
    """Yield the families of all tenants; `now` in seconds since 1970."""
    endpoints = GaugeMetricFamily(
        "coach_webhook_endpoints", "Endpoints of webhooks.", labels=("tenant", "state")
    )
    waiting = GaugeMetricFamily("coach_webhook_waiting", "Webhooks not delivered yet.", labels=("tenant",))
    oldest = GaugeMetricFamily(
        "coach_webhook_oldest_seconds", "Age of the oldest that waits.", labels=("tenant",)
    )
    dead = GaugeMetricFamily("coach_webhook_dead_letters", "Webhooks given up, kept.", labels=("tenant",))
    delivered = CounterMetricFamily("coach_webhook_delivered", "Webhooks delivered.", labels=("tenant",))
    failed = CounterMetricFamily("coach_webhook_failed_attempts", "Attempts that failed.", labels=("tenant",))
    given_up = CounterMetricFamily("coach_webhook_given_up", "Webhooks given up.", labels=("tenant",))
    for tenant, meter in meters.items():
        for state, count in meter.endpoints.items():
            endpoints.add_metric((tenant, state), count)
        depth = meter.depth
        waiting.add_metric((tenant,), depth.waiting)
        oldest.add_metric((tenant,), max(0.0, now - depth.oldest_at) if depth.oldest_at else 0.0)
        dead.add_metric((tenant,), depth.dead)
        delivered.add_metric((tenant,), meter.delivered)
        failed.add_metric((tenant,), meter.failed)
        given_up.add_metric((tenant,), meter.dead)
    yield from (endpoints, waiting, oldest, dead, delivered, failed, given_up)
