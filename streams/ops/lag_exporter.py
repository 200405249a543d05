"""Lag for Prometheus, and as rows: a process of its own, so that dead workers are seen as well.

Three threads beside the main one, which waits: measuring (Kafka), writing rows (ClickHouse), HTTP.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from streams.config import Settings
from streams.ops.lag import Watched, measurements
from streams.ops.lag_http import listen
from streams.ops.lag_monitor import LagMonitor
from streams.ops.lag_rows import LagRows, insert_rows
from streams.probes import Probes

log = structlog.get_logger("streams.lag")


def export(settings: Settings, groups: Sequence[str], host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Kafka and ClickHouse may come later, and go and come back.

    Raises:
        MachineError: the port is not free.
    """
    rows = LagRows(partial(insert_rows, settings), settings.retry_backoff_max_seconds)
    monitor = LagMonitor(measurements(settings, Watched(groups)), settings.lag_interval_seconds, rows.put)
    with listen(host, port, monitor, rows) as server:
        log.info("lag_exporter_started", host=host, port=server.server_port, groups=list(groups))
        _run_until_stopped(monitor, rows, server)
    log.info("lag_exporter_stopped")


def _run_until_stopped(monitor: LagMonitor, rows: LagRows, server: Probes) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(part) for part in (monitor.run, rows.run, server.serve_forever)]
        for part in running:
            # None of them ends by itself, unless by a defect.
            part.add_done_callback(lambda _: stop.set())
        stop.wait()
        server.shutdown()
        monitor.stop()
        rows.stop()
    for part in running:
        part.result()
