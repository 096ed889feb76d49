"""`GET /metrics`: what the meter counted, in the text format of Prometheus (docs/operations.md lists it all).

Gauges are looked up when asked for, so nobody pays for them in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from coach import __version__
from coach.config import is_loopback
from coach.errors import MessageError
from coach.service.access import check_right, known, service_of
from coach.service.database import DEFAULT_TENANT
from coach.service.metrics_merge import WorkersCollector, numbers_of
from coach.service.webhooks.metrics import webhook_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from coach.service.meter import Histogram
    from coach.service.service import Service

# A proxy on this machine makes every request look local; one that says so is believed.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

router = APIRouter()


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "example": "# TYPE coach_calls gauge\ncoach_calls 812.0\ncoach_acks_total 40961.0\n",
                }
            }
        }
    },
)
async def metrics(request: Request) -> Response:
    """Give the metrics, to an API key or by the `metrics` setting."""
    await _check_allowed(request)
    registry = await _registry_of_all(service_of(request))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def registry_of(service: Service) -> CollectorRegistry:
    """Return a registry of one service's metrics and those of its process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(service))
    ProcessCollector(registry=registry)
    return registry


async def _registry_of_all(service: Service) -> CollectorRegistry:
    registry = registry_of(service)
    if service.siblings is None:
        return registry
    numbers = {service.siblings.number: numbers_of(registry), **await service.siblings.gather()}
    everybody = CollectorRegistry(auto_describe=False)
    everybody.register(WorkersCollector(service.siblings, numbers))
    return everybody


class ServiceCollector(Collector):
    """Reads a service's numbers as metric families."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: the registry is new each time."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self._identity()
        yield from self._gauges()
        yield from self._counters()
        yield from self._histograms()
        meters = {name: tenant.webhooks.meter for name, tenant in self._service.tenants.items()}
        yield from webhook_metrics(meters, now=self._service.clock())

    def _identity(self) -> Iterator[Metric]:
        rules = self._service.default.rules
        stale = any(source.stale for source in self._service.rule_sources)
        yield InfoMetricFamily("coach_build", "Version of coach.", {"version": __version__})
        yield InfoMetricFamily("coach_ruleset", "Rules in force.", {"digest": rules.current.rulebook.digest})
        yield GaugeMetricFamily("coach_rules", "Rules in force.", len(rules.current.rulebook.rules))
        yield GaugeMetricFamily(
            "coach_rules_stale", "1 while the files on disk are wrong and older rules stay in force.",
            float(stale),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "coach_tenants_stale", "1 while tenants.toml says what is not in force.",
            float(bool(self._service.tenants.stale)),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "coach_ready", "1 while calls can be taken.",
            float(self._service.ready and not self._service.problem),
        )  # fmt: skip

    def _gauges(self) -> Iterator[Metric]:
        service = self._service
        tenants = service.tenants.values()
        depths = [reader.depth for reader in service.readers()]
        yield GaugeMetricFamily("coach_calls", "Calls in memory.", service.calls_in_memory)
        yield GaugeMetricFamily(
            "coach_calls_limit",
            "Calls that fit in memory.",
            sum(tenant.settings.max_calls for tenant in tenants),
        )
        sockets = GaugeMetricFamily("coach_connections", "Open sockets.", labels=("role",))
        sockets.add_metric(("sidebar",), len(depths))
        sockets.add_metric(("producer",), max(0, service.lobby.open - len(depths)))
        yield sockets
        yield GaugeMetricFamily(
            "coach_connections_limit", "Sockets that may be open.", service.settings.max_connections
        )
        yield GaugeMetricFamily(
            "coach_feeds", "Agents with events in memory.", sum(len(tenant.hub) for tenant in tenants)
        )
        yield GaugeMetricFamily(
            "coach_sidebar_queue_messages", "Messages waiting for sidebars, all together.", sum(depths)
        )
        yield GaugeMetricFamily(
            "coach_sidebar_queue_longest_messages", "Messages waiting for the slowest sidebar.",
            max(depths, default=0),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "coach_store_queue_writes",
            "Writes waiting for the disk.",
            sum(tenant.store.waiting for tenant in tenants),
        )
        yield GaugeMetricFamily(
            "coach_store_queue_limit_writes", "Writes that may wait before producers are told `busy`.",
            sum(tenant.settings.max_waiting for tenant in tenants),
        )  # fmt: skip

        bus = service.bus
        if bus is not None:
            yield GaugeMetricFamily("coach_bus_up", "1 while Redis is there.", float(bus.up))
            yield GaugeMetricFamily(
                "coach_bus_queue_messages", "Messages waiting to be sent to Redis.", bus.waiting
            )
            yield GaugeMetricFamily(
                "coach_bus_spoiled_topics",
                "Topics whose key in Redis is no stream; their sidebars get the events of one worker only.",
                len(bus.spoiled),
            )

    def _counters(self) -> Iterator[Metric]:
        meter = self._service.meter
        for name, help_text, value in (
            ("coach_acks", "Acks sent; one covers every event before it.", meter.acks),
            (
                "coach_overtaken",
                "Partial results not heard because newer ones of their utterance waited behind them.",
                meter.overtaken,
            ),
            ("coach_store_writes", "Writes on disk.", meter.committed),
            (
                "coach_store_failed_commits",
                "Transactions the disk refused; tried again.",
                meter.failed_commits,
            ),
            ("coach_failed_logins", "Keys and tokens that were wrong.", meter.failed_logins),
            ("coach_sidebar_resyncs", "Sidebars that fell behind and were given a snapshot.", meter.resyncs),
            ("coach_sidebar_drops", "Sidebars closed because they stayed behind.", meter.dropped),
        ):
            yield CounterMetricFamily(name, help_text, value)
        events = CounterMetricFamily("coach_events", "Events of producers.", labels=("type",))
        for kind, count in list(meter.events.items()):
            events.add_metric((kind,), count)
        yield events
        advice = CounterMetricFamily("coach_advice", "Cards shown.", labels=("category", "severity"))
        for pair, count in list(meter.advice.items()):
            advice.add_metric(pair, count)
        yield advice
        refused = CounterMetricFamily(
            "coach_refused", "Frames and requests refused.", labels=("where", "code")
        )
        for pair, count in list(meter.refused.items()):
            refused.add_metric(pair, count)
        yield refused

    def _histograms(self) -> Iterator[Metric]:
        meter = self._service.meter
        for name, help_text, histogram in (
            (
                "coach_push_seconds",
                "From a producer's frame to its message in the sidebars' queues.",
                meter.push,
            ),
            (
                "coach_bus_hop_seconds",
                "From a message's way into Redis to its way out, of a worker's own messages.",
                meter.hop,
            ),
            ("coach_check_seconds", "Coaching of one utterance.", meter.check),
            ("coach_loop_lag_seconds", "How late the event loop ran its clock.", meter.lag),
            ("coach_store_commit_seconds", "One transaction.", meter.commit),
            ("coach_store_batch_writes", "Writes in one transaction.", meter.batch),
        ):
            yield HistogramMetricFamily(
                name, help_text, buckets=_cumulative(histogram), sum_value=histogram.total
            )


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    running = 0
    buckets = []
    bounds = [repr(bound) for bound in histogram.bounds]
    for bound, count in zip([*bounds, "+Inf"], histogram.counts, strict=True):
        running += count
        buckets.append((bound, float(running)))
    return buckets


async def _check_allowed(request: Request) -> None:
    """Let in an API key, or whom the setting lets in without one.

    Raises:
        MessageError: `not_found`, `not_authenticated` or `not_allowed`.
    """
    allowed = service_of(request).settings.metrics
    if allowed == "off":
        raise MessageError("not_found", "/metrics 已关闭（COACH_METRICS=off）")
    if allowed == "open" or (allowed == "loopback" and _is_local(request)):
        return
    principal = await known(request)
    check_right(principal, "metrics")
    if not principal.by_key or principal.tenant != DEFAULT_TENANT:
        raise MessageError("not_allowed", "/metrics 是整个进程的，需要默认租户的 API 密钥")


def _is_local(request: Request) -> bool:
    client = request.client
    return (
        client is not None
        and is_loopback(client.host)
        and not any(name in request.headers for name in _FORWARDED)
    )
