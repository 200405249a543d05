"""The seam between the pipeline and the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from schemas.rows import Row
from streams.core.identity import Claim, Link
from streams.core.project import Cells, Columns
from streams.core.refold import FactRow
from streams.core.restate import Fact

#: A customer and a day (days since 1970-01-01).
FactKey = tuple[str, int]


class StoredLink(NamedTuple):
    """A link as the database has it."""

    link: Link
    is_void: bool


class Cell(NamedTuple):
    """A day or five minutes of a customer on a channel; `bucket` counts them from 1970."""

    customer_id: str
    is_day: bool
    bucket: int
    channel: str


class Clock(NamedTuple):
    """`as_of_ms` as `v_clock` says it, and a rule in force: the population's gap between purchase days."""

    as_of_ms: int
    population_gap_days: float


class NotStorable(Exception):
    """Some rows can never be stored. `refused` maps their index in the insert to the reason."""

    def __init__(self, refused: dict[int, str]) -> None:
        super().__init__(f"{len(refused)} rows cannot be stored")
        self.refused = refused


class Interrupted(Exception):
    """The call gave up waiting because `Sink.interrupt` was called."""


T = TypeVar("T")


class InThread(Protocol):
    """Runs a call that blocks on the sink."""

    async def __call__(self, call: Callable[..., T], *args: Any) -> T: ...


class Sink(Protocol):
    """Blocking calls, made in a worker thread. They return when done, however long the database is away."""

    def insert(self, row: type[Row], columns: Columns) -> None:
        """Insert rows given as columns in the order of the row model's fields.

        Raises:
            NotStorable: the other rows are in; these never will be.
        """

    def facts(self, days: Collection[FactKey]) -> list[Fact]:
        """Every fact, counted once per event id, of the given customers' days."""

    def claims(self, anonymous_ids: Collection[str]) -> list[Claim]:
        """Every claim among the facts to these anonymous ids (as stored)."""

    def links(
        self, *, anonymous_ids: Collection[str] = (), customer_ids: Collection[str] = ()
    ) -> list[StoredLink]:
        """Links of these anonymous ids and to these customers, void ones included."""

    def history(self, customer_ids: Collection[str]) -> Iterable[FactRow]:
        """All facts of these stored ids, each once."""

    def filled(self, since_ms: Mapping[str, int]) -> list[Cell]:
        """Cells with events in the rows of these customers: all days, and five minutes from `since_ms` on."""

    def transitions(self, customer_ids: Collection[str]) -> list[Cells]:
        """Changes of status of these customers that hold, in the form of `project.transition_row`."""

    def clock(self) -> Clock:
        """For which instant, and by which rule, figures hold now."""

    def interrupt(self) -> None:
        """From another thread: let the call at hand raise `Interrupted` instead of waiting on."""

    def resume(self) -> None:
        """Wait again; the counterpart of `interrupt`."""
