"""`python -m tests.bench.latency`: how long an event takes from `send` until v_customer_360 shows it.

One worker, at shares of what it can do on this machine. As in life, events are newer than those before: the
event times of each load begin where those of the one before have ended. A probe is the first event of a
customer of its own. The view is asked for those probes whose row has come, which a query of a tenth of its
cost finds out; asked for all of them again and again, the view would keep a third of a core busy. So a time
is too long by the time of both queries and the pause behind them at most: `resolution_ms`, in the median.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, NamedTuple, Optional

import typer
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from streams.ops.kafka_client import open_sender
from streams.ops.visibility import probe_events, utc_now
from tests.bench.load import Load, sending
from tests.bench.measurements import Write, as_command, percentile, report
from tests.bench.servers import Servers
from tests.bench.worker import Worker, wait_drained
from tests.bench.workload import SPAN_MS, Workload

SHARES_PCT: Final = (25, 50, 80)

_NAME: Final = "latency"
_EVENTS_PER_CUSTOMER: Final = 10
_PROBES_PER_SECOND: Final = 10
_PAUSE_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 60.0
_OVERLOAD_SECONDS: Final = 20.0
_COME: Final = "SELECT customer_id FROM customer_state WHERE customer_id IN {ids:Array(String)}"
_SHOWN: Final = "SELECT customer_id FROM v_customer_360 WHERE customer_id IN {ids:Array(String)}"


class Latency(NamedTuple):
    """Seconds from `send` until visible, at a rate of events.

    `sent_per_s` is less than `offered_per_s` where the machine had no time left for sending. `load` is the
    load average.
    """

    share_pct: int
    capacity_per_s: float
    offered_per_s: float
    sent_per_s: float
    probes: int
    p50_s: float
    p95_s: float
    p99_s: float
    resolution_ms: float
    load: float


def main(
    events: Annotated[
        int, typer.Option(envvar="BENCH_EVENTS", help="To measure the capacity with.")
    ] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="Of load, for each share of the capacity.")] = 40,
    capacity: Annotated[
        Optional[float],  # noqa: UP045 (typer reads it on Python 3.10 too)
        typer.Option(help="Events per second; measured if not given."),
    ] = None,
    write: Write = True,
) -> None:
    """Measure, print a table and write results/latency.csv."""
    workload = Workload(events, events // _EVENTS_PER_CUSTOMER)
    # Before those of each load.
    workload = workload._replace(until_ms=workload.until_ms - (1 + len(SHARES_PCT)) * SPAN_MS)
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as path, Servers(Path(path)) as servers:
        servers.preload(workload)
        servers.migrate(_NAME)
        settings = servers.settings(_NAME)
        with Worker(settings, settings.data_dir) as worker:
            worker.wait_ready()
            measured = _sustained(settings, workload, _events_per_second(settings, workload))
            rows = []
            for number, share_pct in enumerate(SHARES_PCT, 2):
                later = _later(workload, number)
                rows.append(at_share(settings, share_pct, capacity or measured, seconds, later))
    report("latency", "Seconds until visible", rows, write)


def _events_per_second(settings: Settings, workload: Workload) -> float:
    """At which rate the worker works off what is there."""
    begun = time.monotonic()
    wait_drained(settings)
    return workload.events / (time.monotonic() - begun)


def _sustained(settings: Settings, workload: Workload, per_second: float) -> float:
    """At which rate it works off what is being sent, at more than it can do.

    That is less than of what is there: the machine sends as well, and flushes do not get as large.
    """
    load = Load(
        bootstrap=settings.kafka_bootstrap,
        partitions=settings.partitions,
        customers=workload.customers,
        per_second=per_second,
        seconds=_OVERLOAD_SECONDS,
        seed=1,
        until_ms=_later(workload, 1).until_ms,
    )
    with sending(load):
        begun = time.monotonic()
    wait_drained(settings)
    return load.events / (time.monotonic() - begun)


def _later(workload: Workload, number: int) -> Workload:
    """The same customers, `number` times the span of its event times later."""
    return workload._replace(until_ms=workload.until_ms + number * SPAN_MS)


def at_share(
    settings: Settings, share_pct: int, capacity: float, seconds: float, spread: Workload
) -> Latency:
    """Load the worker with a share of its capacity, and probe it meanwhile; ends when it has caught up.

    `spread` has customers and event times of the load.
    """
    load = Load(
        bootstrap=settings.kafka_bootstrap,
        partitions=settings.partitions,
        customers=spread.customers,
        per_second=capacity * share_pct / 100,
        seconds=seconds,
        # Other events for each share.
        seed=1 + share_pct,
        until_ms=spread.until_ms,
    )
    with sending(load) as sent:
        probes = probe(settings, f"share-{share_pct}", seconds)
    wait_drained(settings)
    return Latency(
        share_pct=share_pct,
        capacity_per_s=capacity,
        offered_per_s=load.per_second,
        sent_per_s=load.events / sent.seconds,
        probes=len(probes.seconds),
        p50_s=percentile(probes.seconds, 50),
        p95_s=percentile(probes.seconds, 95),
        p99_s=percentile(probes.seconds, 99),
        resolution_ms=statistics.median(probes.looks_seconds) * 1000,
        load=os.getloadavg()[0],
    )


class Probes(NamedTuple):
    """How long each probe took, and how long it was from one look to the next."""

    seconds: list[float]
    looks_seconds: list[float]


def probe(settings: Settings, name: str, seconds: float) -> Probes:
    """Send probes at a steady rate for so long, and look for them until each one has been seen.

    Raises:
        TimeoutError: one has not been seen within a minute.
    """
    client = connect(settings)
    events = probe_events(name, utc_now)
    probes, waiting = Probes([], []), dict[str, float]()
    begun = looked = time.monotonic()
    sent = 0
    with open_sender(settings) as sender:
        while (elapsed := time.monotonic() - begun) < seconds or waiting:
            while elapsed < seconds and sent < elapsed * _PROBES_PER_SECOND:
                customer_id, event = next(events)
                waiting[customer_id] = time.monotonic()
                sender.send(event)
                sent += 1
            if waiting:
                come = _ids(client, _COME, waiting)
                shown = _ids(client, _SHOWN, come) if come else []
                now = time.monotonic()
                probes.seconds.extend(now - waiting.pop(customer_id) for customer_id in shown)
                probes.looks_seconds.append(now - looked)
                looked = now
                if waiting and now - min(waiting.values()) > _PATIENCE_SECONDS:
                    raise TimeoutError(f"a probe is not visible after {_PATIENCE_SECONDS:g} s")
            time.sleep(_PAUSE_SECONDS)
    client.close()
    return probes


def _ids(client: Client, query: str, among: Iterable[str]) -> list[str]:
    return [customer_id for (customer_id,) in client.query(query, {"ids": list(among)}).result_rows]


if __name__ == "__main__":
    as_command(main)
