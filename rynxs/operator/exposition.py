"""Prometheus metrics in a registry of their own: labels are bounded, and text is what is read."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

OTHER: Final = "other"
_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


class Bounded(Generic[_Metric]):
    """A metric each of whose labels has known values, and "other"; the known are there at once."""

    def __init__(self, metric: _Metric, *known: frozenset[str]) -> None:
        """Have a series for each combination of known values, in the order of the labels."""
        self._metric = metric
        self._known = known
        for values in product(*map(sorted, known)):
            metric.labels(*values)

    def at(self, *values: str) -> _Metric:
        """Return the series of these values."""
        bounded = (
            value if value in known else OTHER
            for value, known in zip(values, self._known, strict=True)
        )
        return self._metric.labels(*bounded)


class Exposition:
    """Metrics by name, and those of the process, of Python and of its garbage collector."""

    def __init__(self) -> None:
        """Have none but those."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def info(self, name: str, meaning: str, facts: Mapping[str, str]) -> None:
        """Add facts that stay as they are; their name ends in ``_info``."""
        Info(name, meaning, registry=self._registry).info(dict(facts))

    def counter(self, name: str, meaning: str) -> Counter:
        """Add a counter; its name ends in ``_total``."""
        return Counter(name, meaning, registry=self._registry)

    def counters(self, name: str, meaning: str, **known: frozenset[str]) -> Bounded[Counter]:
        """Add a counter with labels, each with its values."""
        return Bounded(Counter(name, meaning, known, registry=self._registry), *known.values())

    def gauge(self, name: str, meaning: str) -> Gauge:
        """Add a gauge."""
        return Gauge(name, meaning, registry=self._registry)

    def gauges(self, name: str, meaning: str, **known: frozenset[str]) -> Bounded[Gauge]:
        """Add a gauge with labels, each with its values."""
        return Bounded(Gauge(name, meaning, known, registry=self._registry), *known.values())

    def duration(self, name: str, meaning: str) -> Histogram:
        """Add a histogram of seconds, from a millisecond to ten seconds."""
        return Histogram(name, meaning, registry=self._registry, buckets=_BUCKETS_S)

    def text(self) -> tuple[bytes, str]:
        """Return all metrics as text, and its media type."""
        return generate_latest(_Plain(self._registry)), _CONTENT_TYPE


class _Plain(Collector):
    """What a registry collects, without when each series was made: twice the lines, for little."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [each for each in metric.samples if not each.name.endswith("_created")]
            yield metric
