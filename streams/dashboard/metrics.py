"""The dashboard's Prometheus metrics; their names stand in `streams.metrics`."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streams.metrics import (
    DASHBOARD_CSP_REPORTS,
    DASHBOARD_LISTENERS,
    DASHBOARD_LOOK_SECONDS,
    DASHBOARD_QUERY_SECONDS,
    DASHBOARD_REQUEST_SECONDS,
    DASHBOARD_REQUESTS,
    DASHBOARD_TOPICS,
)

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one dashboard, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(*DASHBOARD_REQUESTS, registry=self.registry)
        self.request_seconds = Histogram(*DASHBOARD_REQUEST_SECONDS, buckets=_SECONDS, registry=self.registry)
        self.query_seconds = Histogram(*DASHBOARD_QUERY_SECONDS, buckets=_SECONDS, registry=self.registry)
        self.look_seconds = Histogram(*DASHBOARD_LOOK_SECONDS, buckets=_SECONDS, registry=self.registry)
        self.listeners = Gauge(*DASHBOARD_LISTENERS, registry=self.registry)
        self.topics = Gauge(*DASHBOARD_TOPICS, registry=self.registry)
        self.csp_reports = Counter(*DASHBOARD_CSP_REPORTS, registry=self.registry)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)
