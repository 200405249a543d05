"""One contender, once: start it, wait until all is done, see what it used, check what it counted.

The clock runs from the moment the contender has its partitions and is about to take its first record until
all of them are visible in ClickHouse and committed. CPU time and memory are those of the same span.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from streams.config import Settings
from streams.embedded.child_process import spawn, terminate
from streams.ops.drain import drain
from tests.bench.catalogue import Contender, End
from tests.bench.contenders.task import Task
from tests.bench.servers import Servers
from tests.bench.usage import Peak, cpu_seconds
from tests.bench.verify import compare, verify
from tests.bench.worker import worker_environment
from tests.bench.workload import Workload, expected

_START_SECONDS: Final = 120.0
_RUN_SECONDS: Final = 1800.0
_STOP_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.005
_LOG_LINES: Final = 30
_TICK_SECONDS: Final = 0.01


class ContenderFailed(Exception):
    """It has ended, or takes too long; the message holds the end of its log."""


class Measured(NamedTuple):
    """What a run took. CPU seconds are user and system time, `peak_mib` is resident memory."""

    events: int
    seconds: float
    worker_cpu_seconds: float
    broker_cpu_seconds: float
    clickhouse_cpu_seconds: float
    peak_mib: float


def run(contender: Contender, servers: Servers, workload: Workload, task: Task) -> Measured:
    """Run a contender that reads `workload` from where `task` says.

    Raises:
        ContenderFailed: it ended or took too long.
        WrongCounts: it has not counted every event once.
    """
    servers.migrate(task.name)
    process = _Process(contender, servers.settings(task.name), task)
    try:
        process.wait_for(task.started_file, _START_SECONDS)
        measured = _measure(process, servers, workload)
        process.verify(workload)
        return measured
    finally:
        process.stop()
        servers.drop(task.name)


def _measure(process: _Process, servers: Servers, workload: Workload) -> Measured:
    pids = (process.pid, servers.kafka_pid, servers.clickhouse_pid)
    before = [cpu_seconds(pid) for pid in pids]
    begun = time.monotonic()
    with Peak(process.pid) as peak:
        process.wait_until_done()
        seconds = time.monotonic() - begun
        after = [cpu_seconds(pid) for pid in pids]
    worker, broker, clickhouse = (late - early for early, late in zip(before, after, strict=True))
    # The kernel counts in ticks: a small run of a quick contender may take less than one.
    worker = max(worker, _TICK_SECONDS)
    return Measured(workload.events, seconds, worker, broker, clickhouse, peak.mib)


class _Process:
    """A contender that runs."""

    def __init__(self, contender: Contender, settings: Settings, task: Task) -> None:
        self._contender, self._settings, self._task = contender, settings, task
        directory = Path(task.directory)
        directory.mkdir(parents=True)
        self._log = directory / "contender.log"
        environment = worker_environment(settings, directory, task.started_file) | task.to_environment()
        self._process = spawn(contender.argv, self._log, environment)
        self.pid = self._process.pid

    def wait_for(self, path: Path, timeout_seconds: float = _RUN_SECONDS) -> None:
        check = self._check_within(timeout_seconds)
        while not path.exists():
            check()
            time.sleep(_LOOK_SECONDS)

    def wait_until_done(self) -> None:
        if self._contender.end is End.SAID:
            self.wait_for(self._task.ended_file)
            return
        check = self._check_within(_RUN_SECONDS)
        drain(self._settings, _RUN_SECONDS, on_lag=lambda _: check(), sources=self._task.topics)

    def verify(self, workload: Workload) -> None:
        if self._contender.told is None:
            verify(self._settings, expected(workload))
            return
        self.wait_for(self._task.counts_file)
        compare(json.loads(self._task.counts_file.read_text()), self._contender.told(workload))

    def stop(self) -> None:
        terminate([self._process], _STOP_SECONDS)

    def _check_within(self, timeout_seconds: float) -> Callable[[], None]:
        """A function that raises ContenderFailed once the process has ended or the time is up."""
        deadline = time.monotonic() + timeout_seconds

        def check() -> None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
                raise ContenderFailed("\n".join([f"{self._contender.name} ended or takes too long:", *lines]))

        return check
