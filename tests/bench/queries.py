"""`python -m tests.bench.queries`: how long BI waits for one customer, and for a day of traffic.

The queries go over HTTP with clickhouse-connect to the embedded ClickHouse, as those of BI tools do.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from clickhouse_connect.driver.client import Client

from streams import migrations
from streams.clickhouse import connect
from streams.config import load_settings
from streams.embedded import clickhouse
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from tests.bench.facts import customer_id, fill
from tests.bench.measurements import Write, as_command, percentile, report, show
from tests.bench.usage import cpu_seconds

LOOKUP: Final = "SELECT * FROM v_customer_360 WHERE customer_id = {id:String}"
DAY: Final = (
    "SELECT * FROM v_activity_5m"
    " WHERE bucket_at >= toStartOfDay(now() - toIntervalDay({days:UInt8}))"
    " AND bucket_at < toStartOfDay(now() - toIntervalDay({days:UInt8} - 1))"
)

_SEED: Final = 1
_WARM_UP: Final = 20
_START_SECONDS: Final = 60.0
_FILL_SECONDS: Final = 600
_WHOLE_DAYS: Final = range(1, 90)


class Timing(NamedTuple):
    """How long a query took, in milliseconds.

    `server_cpu_ms` is the CPU time of ClickHouse's process per run. `load` is the machine's load average
    behind the runs: where it exceeds the number of cores, a part of each time is waiting for one.
    """

    query: str
    facts: int
    customers: int
    runs: int
    p50_ms: float
    p95_ms: float
    server_cpu_ms: float
    load: float


class Scan(NamedTuple):
    """What a query reads of a table: a granule is about 1,000 rows."""

    table: str
    parts: int
    granules: int
    granules_of_table: int


class Front(NamedTuple):
    """A ClickHouse with facts in it."""

    client: Client
    pid: int
    facts: int
    customers: int


def main(
    facts: Annotated[int, typer.Option(envvar="BENCH_FACTS", help="Events.")] = 10_000_000,
    customers: Annotated[int, typer.Option(envvar="BENCH_CUSTOMERS", help="Customers.")] = 1_000_000,
    runs: Annotated[int, typer.Option(help="Lookups of a customer; a day is read a tenth as often.")] = 1_000,
    write: Write = True,
) -> None:
    """Fill a ClickHouse, measure, print two tables and write results/queries.csv."""
    with (
        tempfile.TemporaryDirectory(prefix="engage-bench-") as path,
        filled(Path(path), facts, customers) as front,
    ):
        timings = measure(front, runs)
        scans = scans_of(front.client, LOOKUP, {"id": customer_id(customers // 2)})
    show("What a lookup reads", scans)
    report("queries", "Queries over HTTP", timings, write)


def measure(front: Front, runs: int) -> list[Timing]:
    """The two queries, and beside the lookup what of it is planning, and what any query costs."""
    chance = random.Random(_SEED)

    def one_customer() -> dict[str, object]:
        return {"id": customer_id(chance.randrange(front.customers))}

    def one_day() -> dict[str, object]:
        return {"days": chance.choice(_WHOLE_DAYS)}

    return [
        time_query(front, "SELECT 1", "SELECT 1", runs, dict),
        time_query(front, "v_customer_360 by id", LOOKUP, runs, one_customer),
        time_query(front, "v_customer_360 by id: planning", f"EXPLAIN {LOOKUP}", runs, one_customer),
        time_query(front, "v_activity_5m for a day", DAY, max(1, runs // 10), one_day),
    ]


def scans_of(client: Client, query: str, parameters: dict[str, object]) -> list[Scan]:
    """What `query` reads, table by table, after all indexes."""
    lines = [line for (line,) in client.query(f"EXPLAIN indexes = 1 {query}", parameters).result_rows]
    scans: dict[str, Scan] = {}
    table = ""
    for line in lines:
        if found := re.search(r"ReadFromMergeTree \(\w+\.(\w+)\)", line):
            table = found[1]
        elif found := re.search(r"Parts: (\d+)/", line):
            parts = int(found[1])
        elif found := re.search(r"Granules: (\d+)/(\d+)", line):
            # The first index of a table sees all of its granules, the last one what is left.
            whole = scans[table].granules_of_table if table in scans else int(found[2])
            scans[table] = Scan(table, parts, int(found[1]), whole)
    return list(scans.values())


@contextmanager
def filled(directory: Path, facts: int, customers: int, days: int = 90) -> Iterator[Front]:
    """A ClickHouse front of its own with so many facts and customers, until the block ends."""
    (port,) = free_ports(1)
    process = spawn(clickhouse.command(directory / "clickhouse", port), directory / "clickhouse.log")
    try:
        clickhouse.wait_until_ready(port, _START_SECONDS, alive=lambda: process.poll() is None)
        settings = load_settings(
            clickhouse_url=f"http://{LOOPBACK}:{port}/bench", clickhouse_timeout_seconds=_FILL_SECONDS
        )
        migrations.migrate(settings)
        client = connect(settings)
        fill(client, facts, customers, days)
        yield Front(client, process.pid, facts, customers)
        client.close()
    finally:
        terminate([process], grace_seconds=20)


def time_query(
    front: Front, name: str, query: str, runs: int, parameters: Callable[[], dict[str, object]]
) -> Timing:
    for _ in range(min(_WARM_UP, runs)):
        front.client.query(query, parameters=parameters())
    cpu_before = cpu_seconds(front.pid)
    times_ms = [_milliseconds(front.client, query, parameters()) for _ in range(runs)]
    cpu_ms = (cpu_seconds(front.pid) - cpu_before) / runs * 1000
    p50_ms, p95_ms = percentile(times_ms, 50), percentile(times_ms, 95)
    return Timing(name, front.facts, front.customers, runs, p50_ms, p95_ms, cpu_ms, os.getloadavg()[0])


def _milliseconds(client: Client, query: str, parameters: dict[str, object]) -> float:
    begun = time.perf_counter()
    client.query(query, parameters=parameters)
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    as_command(main)
