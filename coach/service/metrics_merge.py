"""The metrics of several workers as one exposition: every sample with the label `worker`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry

    from coach.service.siblings import Siblings


def numbers_of(registry: CollectorRegistry) -> list[dict[str, Any]]:
    """Return all samples of a registry as plain values."""
    return [
        {
            "name": metric.name,
            "help": metric.documentation,
            "type": metric.type,
            "samples": [(sample.name, sample.labels, sample.value) for sample in metric.samples],
        }
        for metric in registry.collect()
    ]


class WorkersCollector(Collector):
    """What all workers said, and what their parent knows.

    Args:
        numbers: of each worker, by its number; see `numbers_of`.
    """

    def __init__(self, siblings: Siblings, numbers: dict[int, list[dict[str, Any]]]) -> None:
        self._siblings = siblings
        self._numbers = numbers

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: the registry is new each time."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every family once, with the samples of all workers."""
        families: dict[str, Metric] = {}
        for worker, metrics in sorted(self._numbers.items()):
            for told in metrics:
                family = families.setdefault(told["name"], Metric(told["name"], told["help"], told["type"]))
                for name, labels, value in told["samples"]:
                    family.add_sample(name, {**labels, "worker": str(worker)}, value)
        yield from families.values()
        status = self._siblings.status()
        yield GaugeMetricFamily("coach_workers", "Processes that should serve.", status["workers"])
        yield GaugeMetricFamily("coach_workers_up", "Processes that answered just now.", len(self._numbers))
        restarts = CounterMetricFamily(
            "coach_worker_restarts", "Times that the process of a place died.", labels=("worker",)
        )
        for worker, count in status["restarts"].items():
            restarts.add_metric((worker,), count)
        yield restarts
