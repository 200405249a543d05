"""`python -m tests.bench.recovery`: how long a worker takes until it serves, with an empty disk and its own.

The time from the start of the process to its ready file has these parts, by the worker's files and log:
starting (interpreter, imports, a look at the servers, opening the store), joining (until the group has
assigned partitions), recovering (reading the changelog), taking over (checking lineage, beginning a term).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from kafka.errors import GroupIdNotFoundError

from streams.config import Settings
from streams.ops.kafka_client import open_admin
from streams.ops.topics import create_topics
from tests.bench.measurements import Write, as_command, report
from tests.bench.preload import send
from tests.bench.servers import Servers
from tests.bench.spread import at_random, once_each
from tests.bench.worker import Worker, wait_drained

EMPTY_DISK: Final = "empty disk"
KILLED_AT_ONCE: Final = "killed, started again at once"
KILLED_STATIC: Final = "killed, started again at once, ENGAGE_INSTANCE_ID set"
KILLED_LATER: Final = "killed, started again after its session"

_NAME: Final = "recovery"
_EVENTS_PER_CUSTOMER: Final = 2
_BURST_EVENTS: Final = 50_000
_BURST_CUSTOMERS: Final = 10_000
_READY_SECONDS: Final = 600.0
_FORGOTTEN_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.002


class Recovery(NamedTuple):
    """Seconds until a worker serves, medians; `records` are those of the changelog that it has read."""

    customers: int
    case: str
    runs: int
    records: int
    starting_s: float
    joining_s: float
    recovering_s: float
    taking_over_s: float
    total_s: float
    load: float


class Start(NamedTuple):
    """One start of a worker. Times are seconds since 1970."""

    spawned_at: float
    opened_at: float
    assigned_at: float
    recovered_at: float
    ready_at: float
    records: int


def main(
    customers: Annotated[
        str,
        typer.Option(envvar="BENCH_RECOVERY_CUSTOMERS", help="In the state; several are measured in turn."),
    ] = "100_000 1_000_000",
    runs: Annotated[int, typer.Option(help="Of each case; medians are reported.")] = 3,
    write: Write = True,
) -> None:
    """Fill the state, recover it again and again, print a table and write results/recovery.csv."""
    rows = [row for count in customers.split() for row in measure(int(count), runs)]
    report("recovery", "Seconds until a worker serves", rows, write)


def measure(customers: int, runs: int) -> list[Recovery]:
    """All cases, with so many customers in the state."""
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as path, Servers(Path(path)) as servers:
        settings = servers.settings(_NAME)
        create_topics(settings)
        servers.migrate(_NAME)
        _fill(settings, customers)
        return [
            _median(customers, EMPTY_DISK, [_with_empty_disk(settings) for _ in range(runs)]),
            _median(customers, KILLED_AT_ONCE, list(_killed(settings, runs, at_once=True))),
            _median(
                customers,
                KILLED_STATIC,
                list(_killed(settings, runs, at_once=True, ENGAGE_INSTANCE_ID=_NAME)),
            ),
            _median(customers, KILLED_LATER, list(_killed(settings, runs, at_once=False))),
        ]


def _fill(settings: Settings, customers: int) -> None:
    """Have a worker count events of every customer, and end in order."""
    for seed in range(_EVENTS_PER_CUSTOMER):
        send(settings.kafka_bootstrap, once_each(customers, settings.partitions, seed))
    with Worker(settings, settings.data_dir) as worker:
        worker.wait_ready()
        wait_drained(settings)


def _with_empty_disk(settings: Settings) -> Start:
    shutil.rmtree(settings.data_dir / "state")
    return _start(settings, Worker.stop)


def _killed(settings: Settings, runs: int, *, at_once: bool, **environment: str) -> Iterator[Start]:
    """Kill a worker at work and start it again on its disk, as often as is said."""

    def kill_at_work(worker: Worker) -> None:
        burst = at_random(_BURST_EVENTS, _BURST_CUSTOMERS, settings.partitions, seed=time.monotonic_ns())
        send(settings.kafka_bootstrap, burst)
        worker.kill()

    _start(settings, kill_at_work, **environment)
    for run in range(runs):
        if not at_once:
            _wait_until_forgotten(settings)
        yield _start(settings, Worker.stop if run == runs - 1 else kill_at_work, **environment)
    # A static member does not leave its group.
    _wait_until_forgotten(settings)


def _start(settings: Settings, end: Callable[[Worker], None], **environment: str) -> Start:
    """Start a worker, note when it has got how far, and end it."""
    log = settings.data_dir / "worker.log"
    logged_before = log.stat().st_size
    database = settings.data_dir / "state" / "LOG"
    opened_before = _identity(database)
    spawned_at = time.time()
    with Worker(settings, settings.data_dir, **environment) as worker:
        # RocksDB begins a new file when it is opened.
        while _identity(database) in (None, opened_before):
            worker.check()
            time.sleep(_LOOK_SECONDS)
        opened_at = time.time()
        worker.wait_ready(_READY_SECONDS)
        ready_at = (settings.data_dir / "ready").stat().st_mtime
        end(worker)
    lines = _lines_by_event(log, logged_before)
    return Start(
        spawned_at=spawned_at,
        opened_at=opened_at,
        assigned_at=_logged_at(lines["partitions_assigned"]),
        recovered_at=_logged_at(lines["state_recovered"]),
        ready_at=ready_at,
        records=lines["state_recovered"]["records"],
    )


def _identity(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None


def _lines_by_event(log: Path, position: int) -> dict[str, dict[str, Any]]:
    """The last line of each kind behind `position`."""
    with log.open("rb") as file:
        file.seek(position)
        lines = [json.loads(line) for line in file if line.startswith(b"{")]
    return {line["event"]: line for line in lines}


def _logged_at(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).timestamp()


def _wait_until_forgotten(settings: Settings) -> None:
    """Return once the group has no members: the killed one's session is over."""
    deadline = time.monotonic() + _FORGOTTEN_SECONDS
    with open_admin(settings) as admin:
        while _members(admin, settings.group_id):
            if time.monotonic() > deadline:
                raise TimeoutError("the group does not forget the killed worker")
            time.sleep(_LOOK_SECONDS)


def _members(admin: Any, group: str) -> Sequence[Any]:
    try:
        members: Sequence[Any] = admin.describe_groups([group])[group]["members"]
    except GroupIdNotFoundError:
        return ()
    return members


def _median(customers: int, case: str, starts: Sequence[Start]) -> Recovery:
    def seconds(of: Callable[[Start], float]) -> float:
        return statistics.median(of(start) for start in starts)

    return Recovery(
        customers=customers,
        case=case,
        runs=len(starts),
        records=max(start.records for start in starts),
        starting_s=seconds(lambda start: start.opened_at - start.spawned_at),
        joining_s=seconds(lambda start: start.assigned_at - start.opened_at),
        recovering_s=seconds(lambda start: start.recovered_at - start.assigned_at),
        taking_over_s=seconds(lambda start: start.ready_at - start.recovered_at),
        total_s=seconds(lambda start: start.ready_at - start.spawned_at),
        load=os.getloadavg()[0],
    )


if __name__ == "__main__":
    as_command(main)
