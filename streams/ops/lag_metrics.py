"""Lag as Prometheus sees it: measured when it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from streams.core.lag import Measurement
from streams.metrics import (
    GROUP_LAG,
    GROUP_LAG_SECONDS,
    GROUP_LAG_SUM,
    GROUP_MAX_LAG_SECONDS,
    GROUP_MEMBERS,
    GROUP_OFFSET,
    LAG_FAILURES,
    LAG_INSERT_FAILURES,
    LAG_MEASURE_SECONDS,
    LAG_MEASURED_AT,
    LAG_ROWS,
    LAG_ROWS_DROPPED,
    LAG_ROWS_WAITING,
    LAG_UP,
    Spec,
)
from streams.ops.lag_monitor import LagMonitor
from streams.ops.lag_rows import LagRows

Family = GaugeMetricFamily | CounterMetricFamily
Sample = tuple[tuple[str, ...], float]

#: Prometheus gives a scrape up after 10 s, unless told otherwise.
_PATIENCE_SECONDS: Final = 5.0


class LagCollector(Collector):
    """Each scrape measures. If that fails there are no lags in it: none is older than the question."""

    def __init__(self, monitor: LagMonitor, rows: LagRows) -> None:
        self._monitor = monitor
        self._rows = rows

    def collect(self) -> Iterator[Family]:
        outcome = self._monitor.fresh(_PATIENCE_SECONDS)
        if isinstance(outcome, Measurement):
            yield from group_families(outcome)
        yield gauge(LAG_UP, [((), float(isinstance(outcome, Measurement)))])
        yield from self._own_families()

    def _own_families(self) -> Iterator[Family]:
        progress, rows = self._monitor.progress, self._rows.counts
        yield gauge(LAG_MEASURED_AT, [((), progress.measured_at_ms / 1000)])
        yield gauge(LAG_MEASURE_SECONDS, [((), progress.measure_seconds)])
        yield counter(LAG_FAILURES, progress.failures)
        yield counter(LAG_ROWS, rows.written)
        yield gauge(LAG_ROWS_WAITING, [((), rows.waiting)])
        yield counter(LAG_ROWS_DROPPED, rows.dropped)
        yield counter(LAG_INSERT_FAILURES, rows.failures)


def group_families(measurement: Measurement) -> Iterator[Family]:
    """All that is served of the groups, in the order of `streams.metrics`."""
    groups = measurement.groups
    places = {(lag.group, lag.topic, str(lag.partition)): lag for lag in measurement.partitions}
    yield gauge(GROUP_LAG, [(place, lag.lag) for place, lag in places.items()])
    yield gauge(
        GROUP_LAG_SUM,
        [((group.group, topic), lag) for group in groups for topic, lag in group.lag_by_topic.items()],
    )
    yield gauge(GROUP_OFFSET, [(place, lag.committed_offset) for place, lag in places.items()])
    yield gauge(GROUP_MEMBERS, [((group.group,), group.members) for group in groups])
    yield gauge(GROUP_LAG_SECONDS, [(place, lag.lag_seconds) for place, lag in places.items()])
    yield gauge(GROUP_MAX_LAG_SECONDS, [((group.group,), group.max_lag_seconds) for group in groups])


def gauge(spec: Spec, samples: Iterable[Sample]) -> GaugeMetricFamily:
    """A gauge with a sample per tuple of label values."""
    family = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def counter(spec: Spec, total: int) -> CounterMetricFamily:
    """A counter without labels."""
    return CounterMetricFamily(spec.name, spec.help, value=total)
