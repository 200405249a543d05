"""The registry of scenarios: pytest runs each with one seed, `python -m tests.faults` with many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.traffic import Traffic

Run = Callable[[Rig, int], None]


class Scenario(NamedTuple):
    """`selected`: part of `make test`. `repetitions`: in `make faults`, each with a seed of its own."""

    name: str
    run: Run
    repetitions: int
    selected: bool


SCENARIOS: dict[str, Scenario] = {}


def scenario(*, repetitions: int, selected: bool = False) -> Callable[[Run], Run]:
    """Register a function under its name; it raises AssertionError when the system has failed."""

    def register(run: Run) -> Run:
        name = getattr(run, "__name__", "").replace("_", " ")
        SCENARIOS[name] = Scenario(name, run, repetitions, selected)
        return run

    return register


def ledger_for(rig: Rig, seed: int, **ratios: float) -> Ledger:
    return Ledger(Traffic(seed, PARTITIONS, **ratios), rig.settings.kafka_bootstrap)


def start(rig: Rig, *numbers: int) -> None:
    """Start workers and wait until they consume."""
    for number in numbers:
        rig.start_worker(number)
    rig.wait_ready(*numbers)


@contextmanager
def behind(rig: Rig, proxy: Proxy, timeout_seconds: float = 30, failpoint: str = "") -> Iterator[Proxy]:
    """Worker 0 reaches ClickHouse through the proxy; it gives a request up after `timeout_seconds`.

    It is waited for, unless it has a failpoint.
    """
    url = rig.settings.clickhouse_url.replace(f":{rig.clickhouse_port}/", f":{proxy.port}/")
    try:
        timeout = str(timeout_seconds)
        rig.start_worker(0, failpoint, ENGAGE_CLICKHOUSE_URL=url, ENGAGE_CLICKHOUSE_TIMEOUT_SECONDS=timeout)
        if not failpoint:
            rig.wait_ready(0)
        yield proxy
    finally:
        proxy.close()


def seconds(name: str, default: float) -> float:
    """A duration that `ENGAGE_FAULTS_…_SECONDS` may set, such as that of an outage."""
    return float(os.environ.get(f"ENGAGE_FAULTS_{name}_SECONDS", default))
