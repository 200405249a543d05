"""The collector's Prometheus metrics: every name is here, with what it counts and in which unit."""

from __future__ import annotations

from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Spec(NamedTuple):
    """A metric: Prometheus name with unit, help, labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


REQUESTS: Final = Spec("engagement_collector_requests_total", "Requests answered", ("route", "status"))
EVENTS: Final = Spec(
    "engagement_collector_events_total",
    "Events acknowledged by Kafka; outcome: accepted, set_aside",
    ("source", "outcome"),
)
REFUSED: Final = Spec("engagement_collector_refused_total", "Requests refused", ("code",))
BOTS: Final = Spec(
    "engagement_collector_bot_events_total", "Events accepted whose user agent is a bot's", ("source",)
)
REQUEST_SECONDS: Final = Spec(
    "engagement_collector_request_seconds", "Seconds from headers to answer", ("route",)
)
FLUSH_SECONDS: Final = Spec("engagement_collector_flush_seconds", "Seconds until Kafka acknowledged a flush")
IN_FLIGHT: Final = Spec("engagement_collector_in_flight_requests", "Requests being read, mapped or delivered")
SPECS: Final = (REQUESTS, EVENTS, REFUSED, BOTS, REQUEST_SECONDS, FLUSH_SECONDS, IN_FLIGHT)


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
