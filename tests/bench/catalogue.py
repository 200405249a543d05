"""Who takes part, and what each promises."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.workload import Workload, expected

PEERS_PYTHON: Final = Path(".venv-bench/bin/python").absolute()
_OURS: Final = Path(sys.executable)


class End(Enum):
    """How to see that a contender is done: its group has committed everything, or it says so."""

    COMMITTED = "committed"
    SAID = "said"


class Contender(NamedTuple):
    """One row of the comparison.

    `share` is the part of the workload that it reads: a slow one would take very long for all of it.
    `told` is what it must tell to have counted, for those that do not write to the ClickHouse server.
    """

    name: str
    argv: tuple[str, ...]
    end: End
    guarantees: str
    share: float = 1.0
    reads_files: bool = False
    told: Callable[[Workload], Sequence[int]] | None = None

    @property
    def is_peer(self) -> bool:
        return self.argv[0] == str(PEERS_PYTHON)


def _module(python: Path, name: str) -> tuple[str, ...]:
    return str(python), "-m", f"tests.bench.contenders.{name}"


CONTENDERS: Final = (
    Contender(
        "worker",
        (str(_OURS), "-m", "streams.cli", "worker"),
        End.COMMITTED,
        "exactly-once effect; ids remembered for 7 days, 65,536 per customer; writes state and five-minute "
        "rows as well",
    ),
    Contender(
        "faust",
        _module(PEERS_PYTHON, "faust_table"),
        End.COMMITTED,
        "at least once; 64 ids per customer and channel remembered; table, changelog and offsets are written "
        "one by one, so that a crash may count older events twice; a failed changelog write is only logged",
        share=0.1,
    ),
    Contender(
        "quix",
        _module(PEERS_PYTHON, "quix_state"),
        End.COMMITTED,
        "at least once; 64 ids per customer and channel remembered; rows, changelog and offsets are "
        "written one by one per checkpoint, so that a crash may count older events twice",
    ),
    Contender(
        "bytewax",
        _module(PEERS_PYTHON, "bytewax_recovery"),
        End.SAID,
        "at least once; 64 ids per customer and channel remembered; state in memory, snapshots every "
        "second on this disk alone; no consumer group, so nobody takes over",
    ),
    Contender(
        "aiokafka",
        _module(_OURS, "aiokafka_getmany"),
        End.SAID,
        "none: reads and does nothing",
        told=lambda workload: [workload.events],
    ),
    Contender(
        "chdb",
        _module(_OURS, "chdb_insert"),
        End.SAID,
        "none: one pass over files, on all cores",
        reads_files=True,
        told=expected,
    ),
)
