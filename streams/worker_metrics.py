"""What a worker counts and times; the names stand in `streams.metrics`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.rejections import RejectReason
from schemas.topics import REKEYED, SOURCE_TOPICS
from streams import metrics

_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_RECORDS: Final = (1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000)


class WorkerMetrics:
    """The metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.records = Counter(*metrics.WORKER_RECORDS, registry=registry)
        self.rejected = Counter(*metrics.WORKER_REJECTED, registry=registry)
        self.duplicates = Counter(*metrics.WORKER_DUPLICATES, registry=registry)
        self.flush_records = Histogram(*metrics.WORKER_FLUSH_RECORDS, buckets=_RECORDS, registry=registry)
        self.step_seconds = Histogram(*metrics.WORKER_STEP_SECONDS, buckets=_SECONDS, registry=registry)
        self.rows = Counter(*metrics.WORKER_ROWS, registry=registry)
        self.insert_retries = Counter(*metrics.WORKER_INSERT_RETRIES, registry=registry)
        self.last_flush = Gauge(*metrics.WORKER_LAST_FLUSH, registry=registry)
        self.last_insert = Gauge(*metrics.WORKER_LAST_INSERT, registry=registry)
        self.changelog_bytes = Counter(*metrics.WORKER_CHANGELOG_BYTES, registry=registry)
        self.state_bytes = Gauge(*metrics.WORKER_STATE_BYTES, registry=registry)
        self.disk_free_bytes = Gauge(*metrics.WORKER_DISK_FREE_BYTES, registry=registry)
        self.cache_lookups = Counter(*metrics.WORKER_CACHE_LOOKUPS, registry=registry)
        self.recovering = Gauge(*metrics.WORKER_RECOVERING, registry=registry)
        self.recovery_remaining = Gauge(*metrics.WORKER_RECOVERY_REMAINING, registry=registry)
        self.generation = Gauge(*metrics.WORKER_GENERATION, registry=registry)
        self.partitions = Gauge(*metrics.WORKER_PARTITIONS, registry=registry)
        self.transitions = Counter(*metrics.WORKER_TRANSITIONS, registry=registry)
        # From 0 on: what a series has when Prometheus first sees it, a sender's first burst, does not count.
        for reason in RejectReason:
            self.rejected.labels(reason.value)
        for topic in (*SOURCE_TOPICS, REKEYED):
            self.records.labels(topic)

    def steps(self) -> Callable[[str], None]:
        """A clock for the steps of a flush: called with the name of each step when it has ended."""
        began = time.perf_counter()

        def ended(step: str) -> None:
            nonlocal began
            now = time.perf_counter()
            self.step_seconds.labels(step).observe(now - began)
            began = now

        return ended

    def inserted(self, table: str, rows: int) -> None:
        """Rows of a table are durable."""
        self.rows.labels(table).inc(rows)
        self.last_insert.set_to_current_time()
