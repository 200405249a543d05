"""What the lag exporter answers to Prometheus and to probes."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from streams.core.lag import Measurement
from streams.ops.lag_metrics import LagCollector
from streams.ops.lag_monitor import LagMonitor
from streams.ops.lag_rows import LagRows
from streams.probes import Probes

#: A measurement ends long before, well or not: clients of Kafka give a request up after 15 s.
_STUCK_SECONDS: Final = 120.0


def listen(host: str, port: int, monitor: LagMonitor, rows: LagRows) -> Probes:
    """A server that takes connections; raises as `Probes` does."""
    registry = CollectorRegistry()
    registry.register(LagCollector(monitor, rows))

    def not_alive() -> str:
        silent_seconds = monitor.silent_seconds
        is_alive = silent_seconds < monitor.interval_seconds + _STUCK_SECONDS
        return "" if is_alive else f"no measurement has ended for {silent_seconds:.0f} s"

    def not_ready() -> str:
        latest = monitor.latest
        return "" if isinstance(latest, Measurement) else str(latest)

    return Probes(host, port, registry, not_alive, not_ready)
