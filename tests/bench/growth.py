"""`python -m tests.bench.growth`: what an event costs as customers and workers become more.

Every customer has an event in the state before the measured ones. Those are measured twice: with the power
law of `tests.bench.workload`, and spread evenly, which is the worst case: with many customers hardly two
events of a flush are of the same one, and most of them have to be read from disk.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from streams.config import Settings
from streams.ops.kafka_client import open_admin
from streams.ops.topics import create_topics
from tests.bench.measurements import Write, as_command, report
from tests.bench.preload import send
from tests.bench.servers import Servers
from tests.bench.spread import at_random, once_each
from tests.bench.usage import Peak, cpu_seconds
from tests.bench.worker import Worker, wait_drained
from tests.bench.workload import BenchRecord, Workload, records

POWER_LAW: Final = "power law"
EVEN: Final = "even"

_NAME: Final = "growth"
_SHARED_CUSTOMERS: Final = 100_000
#: Workers are held while events are sent, for longer than the group would wait by default.
_SESSION_SECONDS: Final = 300
_START_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.1


class Cost(NamedTuple):
    """What events cost all workers together; `worker_mib` is the most resident memory, of all workers."""

    workers: int
    customers: int
    activity: str
    events: int
    events_per_s: float
    cpu_s_per_million: float
    worker_mib: float
    gib_per_million_customers: float
    load: float


def main(
    customers: Annotated[
        str, typer.Option(envvar="BENCH_GROWTH_CUSTOMERS", help="In the state, in turn.")
    ] = "10_000 100_000 1_000_000 5_000_000",
    workers: Annotated[
        str,
        typer.Option(envvar="BENCH_GROWTH_WORKERS", help="Sharing 100,000 customers, in turn."),
    ] = "2 4",
    events: Annotated[int, typer.Option(envvar="BENCH_EVENTS", help="Measured events.")] = 1_000_000,
    write: Write = True,
) -> None:
    """Measure, print a table and write results/growth.csv."""
    cases = [(1, int(count)) for count in customers.split()]
    cases += [(int(count), _SHARED_CUSTOMERS) for count in workers.split()]
    rows = [row for count, size in cases for row in measure(count, size, events)]
    report("growth", "What events cost the workers", rows, write)


def measure(workers: int, customers: int, events: int) -> list[Cost]:
    """Events of `customers` that are in the state already, counted by so many workers."""
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as path, Servers(Path(path)) as servers:
        settings = servers.settings(_NAME)
        create_topics(settings)
        servers.migrate(_NAME)
        partitions = settings.partitions
        with ExitStack() as stack:
            group = _Group(stack, settings, workers)
            group.count(once_each(customers, partitions, seed=1))
            return [
                group.cost(POWER_LAW, customers, events, records(Workload(events, customers, 2), partitions)),
                group.cost(EVEN, customers, events, at_random(events, customers, partitions, seed=3)),
            ]


class _Group:
    """Workers with empty disks, each with its share of the partitions."""

    def __init__(self, stack: ExitStack, settings: Settings, workers: int) -> None:
        self._settings = settings
        session = {"ENGAGE_SESSION_TIMEOUT_SECONDS": str(_SESSION_SECONDS)}
        self._workers = [
            stack.enter_context(Worker(settings, settings.data_dir / f"worker-{number}", **session))
            for number in range(workers)
        ]
        for worker in self._workers:
            worker.wait_ready()
        _wait_until_shared(settings, workers)
        self._peaks = [stack.enter_context(Peak(worker.pid)) for worker in self._workers]

    def cost(self, activity: str, customers: int, events: int, measured: Iterable[BenchRecord]) -> Cost:
        """What counting the events costs; the memory is the most since the start."""
        cpu_before = self._cpu_seconds()
        seconds = self.count(measured)
        cpu = self._cpu_seconds() - cpu_before
        mib = sum(peak.mib for peak in self._peaks)
        return Cost(
            workers=len(self._workers),
            customers=customers,
            activity=activity,
            events=events,
            events_per_s=events / seconds,
            cpu_s_per_million=cpu / events * 1e6,
            worker_mib=mib,
            gib_per_million_customers=mib / 1024 / (customers / 1e6),
            load=os.getloadavg()[0],
        )

    def count(self, sent: Iterable[BenchRecord]) -> float:
        """Have all of the records counted; returns the seconds from when they are all there."""
        with self._held():
            send(self._settings.kafka_bootstrap, sent)
        begun = time.monotonic()
        wait_drained(self._settings)
        return time.monotonic() - begun

    @contextmanager
    def _held(self) -> Iterator[None]:
        """The workers do nothing inside the block: what is sent then waits for them as a whole."""
        for worker in self._workers:
            worker.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in self._workers:
                worker.process.send_signal(signal.SIGCONT)

    def _cpu_seconds(self) -> float:
        return sum(cpu_seconds(worker.pid) for worker in self._workers)


def _wait_until_shared(settings: Settings, workers: int) -> None:
    """Return once the group is stable with so many members."""
    deadline = time.monotonic() + _START_SECONDS
    with open_admin(settings) as admin:
        while True:
            group = admin.describe_groups([settings.group_id])[settings.group_id]
            if group["group_state"] == "Stable" and len(group["members"]) == workers:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{workers} workers do not share the partitions: {group}")
            time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    as_command(main)
