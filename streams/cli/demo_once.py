"""`engage demo --once`: a fixed load, and whether everything adds up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat
from typing import Any

from rich.console import Console

from streams.cli.demo_stack import Stack
from streams.cli.display import money, table
from streams.config import Settings
from streams.ops.clickhouse_client import open_client
from streams.ops.demo_counts import Counts, problems, read_counts
from streams.ops.demo_load import DemoLoad, Tally
from streams.ops.drain import drain
from streams.ops.kafka_client import open_sender
from streams.ops.pace import paced
from streams.ops.visibility import Latency, latency, probe_events, seconds_until_visible, utc_now

_RECORDS = 5_000
_PROBES_AT_LEAST = 10
_DRAIN_SECONDS = 300.0
_TOP = """
SELECT customer_id, score, events_1h, events_30d, orders_total, revenue_minor_total, currency
FROM v_customer_360 ORDER BY score DESC, events_total DESC, customer_id LIMIT 5
"""


def run(stack: Stack, rate: float, console: Console) -> bool:
    """Send 5,000 records at `rate` per second, drain, print the summary; tells whether the counts add up."""
    settings = stack.settings
    load = DemoLoad(seed=1, started_at=utc_now())
    console.print(f"sending {_RECORDS:,} records at {rate:g} per second")
    measured = _send_and_measure(load, rate, settings)
    drain(settings, _DRAIN_SECONDS)
    stack.check()
    with open_client(settings) as client:
        counts = read_counts(client, load.run_id)
        top = list(client.query(_TOP).result_rows)
    _print_summary(console, load.tally, latency(measured), counts, top)
    wrong = problems(load.tally, len(measured), counts)
    for line in wrong:
        console.print(f"does not add up: {line}", style="red", highlight=False, markup=False)
    if not wrong:
        console.print("all counts add up", style="green")
    return not wrong


def _send_and_measure(load: DemoLoad, rate: float, settings: Settings) -> list[float]:
    """Send the load in a thread; meanwhile measure in this one, in seconds, how fast single events show."""
    given_up = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        sending = pool.submit(_send, load, rate, settings, given_up)
        try:
            measured = _measure(load.run_id, settings, sending)
            sending.result()
        finally:
            given_up.set()
    return measured


def _send(load: DemoLoad, rate: float, settings: Settings, given_up: threading.Event) -> None:
    with open_sender(settings) as sender:
        for _ in paced(repeat(None, _RECORDS), rate):
            if given_up.is_set():
                return
            sender.send(load.next(utc_now()))


def _measure(run_id: str, settings: Settings, sending: Future[None]) -> list[float]:
    measured: list[float] = []
    with open_client(settings) as client, open_sender(settings) as sender:
        for customer_id, event in probe_events(run_id, utc_now):
            measured.append(seconds_until_visible(client, sender, customer_id, event))
            if sending.done() and len(measured) >= _PROBES_AT_LEAST:
                return measured
    raise AssertionError("probe_events is endless")


def _print_summary(
    console: Console, sent: Tally, measured: Latency, counts: Counts, top: Sequence[Sequence[Any]]
) -> None:
    bad = sum(sent.bad.values())
    distinct = sent.distinct + measured.probes
    rows = [
        ("records sent", f"{distinct + sent.duplicates + bad:,}"),
        ("… different events", f"{distinct:,}"),
        ("… second deliveries", f"{sent.duplicates:,}"),
        ("… not valid", f"{bad:,}"),
        ("events visible", f"{counts.facts:,}"),
        ("duplicates removed", f"{distinct + sent.duplicates - counts.facts:,}"),
        ("records rejected", f"{sum(counts.rejected.values()):,}"),
        ("customers", f"{counts.customers:,}"),
        *((f"orders, net revenue in {code}", f"{n:,}, {money(net, code)}") for code, n, net in counts.orders),
        ("visible after, p50", f"{measured.p50_seconds * 1000:.0f} ms"),
        ("visible after, p95", f"{measured.p95_seconds * 1000:.0f} ms of {measured.probes} probes"),
    ]
    console.print(table("this run", ["", "value"], rows))
    lines = [(*row[:5], money(row[5], row[6])) for row in top]
    columns = ["customer", "score", "events 1h", "events 30d", "orders", "revenue"]
    console.print(table("top customers by score, all runs", columns, lines))
