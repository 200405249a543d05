"""What it costs a worker to notice who has fallen silent, in CPU time, in this process.

A store of a million customers, of whom every other one has ordered within the last half year. Kafka and
ClickHouse are left out, as in `flush`. Two things are measured: a look at which nobody is due, and a month of
midnights, each with all whose status changes then.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import structlog
import typer

from schemas.topics import partition_of
from streams.churn import Churn
from streams.config import load_settings
from streams.core.state import CustomerState, encode_state
from streams.core.status import tell
from streams.core.windows import DAY_MS
from streams.customers import CustomerCache
from streams.sinks.base import Clock
from streams.state_store import Change, StateStore, customer_key, stamped
from streams.worker_metrics import WorkerMetrics
from tests.bench.flush import BuiltAndForgotten
from tests.bench.measurements import Write, as_command, report

_PARTITIONS: Final = 8
_GAP_DAYS: Final = 30.0
_TODAY: Final = 20_000
_DAYS: Final = 30
_IDLE_LOOKS: Final = 1_000
_CUSTOMERS_PER_WRITE: Final = 50_000


class Cost(NamedTuple):
    """CPU of sweeps. `core_share_pct`: of one core, looks at the default interval and changes together."""

    customers: int
    days: int
    changes_per_day: float
    us_per_change: float
    us_per_idle_look: float
    core_share_pct: float


class Silent(BuiltAndForgotten):
    """With a clock that is set by hand."""

    now_ms = _TODAY * DAY_MS

    def clock(self) -> Clock:
        return Clock(self.now_ms, _GAP_DAYS)


def main(
    customers: Annotated[int, typer.Option(envvar="BENCH_CUSTOMERS", help="Customers.")] = 1_000_000,
    write: Write = True,
) -> None:
    """Fill a store, sweep it, print what it costs and write results/sweep.csv."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as directory:
        cost = asyncio.run(measure(Path(directory), customers))
    report("sweep", "Sweeps for customers who fall silent", [cost], write)


async def measure(directory: Path, customers: int) -> Cost:
    """Fill a store in `directory`, and sweep it."""
    settings = load_settings()
    store, stub = StateStore(directory / "state", block_cache_mib=settings.block_cache_mib), Silent()
    _fill(store, customers)
    churn = Churn(
        customers=CustomerCache(store, max_customers=settings.cache_max_customers),
        producer=stub,
        sink=stub,  # type: ignore[arg-type]
        in_thread=asyncio.to_thread,
        partitions=_PARTITIONS,
        population_gap_days=_GAP_DAYS,
        epoch=0,
        metrics=(metrics := WorkerMetrics()),
    )
    await _sweep(churn)
    idle_seconds = await _cpu_of_looks(churn)
    told_before = _told(metrics)
    began = time.process_time()
    for _ in range(_DAYS):
        stub.now_ms += DAY_MS
        await _sweep(churn)
    seconds, told = time.process_time() - began, _told(metrics) - told_before
    store.close()
    looks_per_day = 86_400 / settings.sweep_interval_seconds
    share = (looks_per_day * idle_seconds + seconds / _DAYS) / 86_400
    return Cost(
        customers, _DAYS, told / _DAYS, seconds / told * 1e6, idle_seconds * 1e6, core_share_pct=share * 100
    )


async def _sweep(churn: Churn) -> None:
    while await churn.sweep(range(_PARTITIONS), lambda: None):
        pass


async def _cpu_of_looks(churn: Churn) -> float:
    """Seconds of one look at which nobody is due."""
    began = time.process_time()
    for _ in range(_IDLE_LOOKS):
        await _sweep(churn)
    return (time.process_time() - began) / _IDLE_LOOKS


def _told(metrics: WorkerMetrics) -> float:
    return sum(
        sample.value
        for family in metrics.transitions.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    )


def _fill(store: StateStore, customers: int) -> None:
    """Customers whose history is told up to today."""
    chance = random.Random(1)
    for first in range(0, customers, _CUSTOMERS_PER_WRITE):
        changes: dict[int, list[Change]] = {number: [] for number in range(_PARTITIONS)}
        for number in range(first, min(first + _CUSTOMERS_PER_WRITE, customers)):
            customer_id = f"c-{number:07}"
            state = CustomerState(n_applied=1, order_times_ms=sorted(_orders_ms(chance)))
            tell(state, _GAP_DAYS, _TODAY * DAY_MS)
            partition = partition_of(customer_id, _PARTITIONS)
            changes[partition].append((customer_key(customer_id), stamped(0, encode_state(state))))
        store.write(changes, {})


def _orders_ms(chance: random.Random) -> Iterator[int]:
    for _ in range(chance.choice((0, 0, 0, 1, 1, 3))):
        yield (_TODAY - chance.randrange(180)) * DAY_MS - chance.randrange(DAY_MS)


if __name__ == "__main__":
    as_command(main)
