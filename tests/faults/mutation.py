"""The registry of mutations: patches, only for tests, that each switch one protective measure off."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from streams.failpoints import FAILPOINTS

if TYPE_CHECKING:
    from tests.faults.rig import Rig

Patch = Callable[[], None]
Change = Callable[["Rig"], None]

#: Scenarios that several mutations need; with this seed the first one crashes before the rows are inserted.
CRASH: Final = ("a crash after the last event", FAILPOINTS.index("state_written"))
ABANDONED: Final = ("a sigterm while clickhouse does not answer", 0)
REBALANCE: Final = ("a sigterm under load", 0)
IN_PART: Final = ("a changelog that kafka takes in part", 0)
READ_AGAIN: Final = ("everything read again from the beginning", 0)
STALE_ROWS: Final = "rows of a former owner that has counted more events but not these"


class Attempt(NamedTuple):
    scenario: str
    seed: int


class Mutation(NamedTuple):
    """What is switched off, where, and the scenarios that must notice, tried in this order until one does.

    A scenario notices by its verdict (`VerdictFailed`). `ends_with`: it shows otherwise, by an AssertionError
    with this text. `harmless_because`: it does not show at all, and all scenarios named must pass.
    """

    name: str
    switches_off: str
    attempts: tuple[Attempt, ...]
    patch: Callable[[], None] = lambda: None
    change_database: Callable[[Rig], None] = lambda rig: None
    ends_with: str = ""
    harmless_because: str = ""


MUTATIONS: dict[str, Mutation] = {}


def in_worker(*attempts: tuple[str, int], **options: str) -> Callable[[Patch], Patch]:
    """Register a function that patches a worker process; its name and its docstring are the mutation's."""

    def register(patch: Patch) -> Patch:
        _register(patch, attempts, patch=patch, **options)
        return patch

    return register


def in_database(*attempts: tuple[str, int]) -> Callable[[Change], Change]:
    """Register a function that changes a migrated database."""

    def register(change: Change) -> Change:
        _register(change, attempts, change_database=change)
        return change

    return register


def _register(function: Callable[..., None], attempts: Iterable[tuple[str, int]], **fields: Any) -> None:
    name = getattr(function, "__name__", "").replace("_", " ")
    text = " ".join((inspect.getdoc(function) or "").split())
    MUTATIONS[name] = Mutation(name, text, tuple(Attempt(*attempt) for attempt in attempts), **fields)
