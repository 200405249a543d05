"""Medians of runs, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.table import Table

from tests.bench.catalogue import Contender
from tests.bench.run import Measured
from tests.bench.workload import Workload

_CONSTRAINTS: Final = Path(__file__).with_name("constraints.txt")
_PEERS: Final = ("faust-streaming", "quixstreams", "bytewax", "pydantic")
_OURS: Final = (
    "faust-streaming",
    "aiokafka",
    "pydantic",
    "msgspec",
    "rocksdict",
    "clickhouse-connect",
    "chdb",
)


class Result(NamedTuple):
    """Medians. `events_per_core_s` is by the CPU time of the contender's own processes."""

    contender: Contender
    runs: Sequence[Measured]

    @property
    def events(self) -> int:
        return self.runs[0].events

    @property
    def events_per_s(self) -> float:
        return self._median(lambda run: run.events / run.seconds)

    @property
    def events_per_core_s(self) -> float:
        return self._median(lambda run: run.events / run.worker_cpu_seconds)

    @property
    def cpu_s_per_million(self) -> dict[str, float]:
        return {
            "worker": self._median(lambda run: run.worker_cpu_seconds / run.events * 1e6),
            "broker": self._median(lambda run: run.broker_cpu_seconds / run.events * 1e6),
            "clickhouse": self._median(lambda run: run.clickhouse_cpu_seconds / run.events * 1e6),
        }

    @property
    def peak_mib(self) -> float:
        return self._median(lambda run: run.peak_mib)

    def _median(self, of: Callable[[Measured], float]) -> float:
        return statistics.median(of(run) for run in self.runs)

    def to_json(self) -> dict[str, Any]:
        return {
            "events_per_s": round(self.events_per_s),
            "events_per_core_s": round(self.events_per_core_s),
            "cpu_s_per_million": {who: round(s, 2) for who, s in self.cpu_s_per_million.items()},
            "peak_mib": round(self.peak_mib),
            "events": self.events,
            "share": self.contender.share,
            "guarantees": self.contender.guarantees,
            "runs": [run._asdict() for run in self.runs],
        }


_HEADINGS: Final = ("", "events", "events/s", "per core", "worker", "broker", "ClickHouse", "peak MiB")


def table(results: Sequence[Result]) -> Table:
    """One line per contender, and below what each promises."""
    made = Table(title="Medians; CPU seconds are per million events")
    for heading in _HEADINGS:
        made.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for result in results:
        cpu = result.cpu_s_per_million
        made.add_row(
            result.contender.name,
            f"{result.events:,}",
            f"{result.events_per_s:,.0f}",
            f"{result.events_per_core_s:,.0f}",
            *(f"{cpu[who]:.1f} s" for who in ("worker", "broker", "clickhouse")),
            f"{result.peak_mib:,.0f}",
        )
    return made


def promises(results: Sequence[Result]) -> str:
    """What each contender guarantees, one per line."""
    return "\n".join(f"{result.contender.name}: {result.contender.guarantees}" for result in results)


def as_json(results: Sequence[Result], workload: Workload) -> str:
    """One object per contender, and what was measured where."""
    content: dict[str, Any] = {result.contender.name: result.to_json() for result in results}
    content["workload"] = workload._asdict()
    content["machine"] = {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    content["versions"] = {name: version(name) for name in _OURS}
    content["peers_versions"] = _pinned(_PEERS)
    return json.dumps(content, indent=2) + "\n"


def _pinned(names: Sequence[str]) -> dict[str, str]:
    pins = dict(line.split("==") for line in _CONSTRAINTS.read_text().splitlines() if "==" in line)
    return {name: pins[name] for name in names}
