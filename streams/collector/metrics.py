"""The collector's Prometheus metrics; their names stand in `streams.metrics`."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streams.metrics import BOTS, EVENTS, FLUSH_SECONDS, IN_FLIGHT, REFUSED, REQUEST_SECONDS, REQUESTS

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one collector, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(*REQUESTS, registry=self.registry)
        self.events = Counter(*EVENTS, registry=self.registry)
        self.refused = Counter(*REFUSED, registry=self.registry)
        self.bots = Counter(*BOTS, registry=self.registry)
        self.request_seconds = Histogram(*REQUEST_SECONDS, buckets=_SECONDS, registry=self.registry)
        self.flush_seconds = Histogram(*FLUSH_SECONDS, buckets=_SECONDS, registry=self.registry)
        self.in_flight = Gauge(*IN_FLIGHT, registry=self.registry)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)
