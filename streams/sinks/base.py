"""The seam between the pipeline and the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from schemas.rows import Row
from streams.core.project import Columns
from streams.core.restate import Fact

#: A customer and a day (days since 1970-01-01).
FactKey = tuple[str, int]


class NotStorable(Exception):
    """Some rows can never be stored. `refused` maps their index in the insert to the reason."""

    def __init__(self, refused: dict[int, str]) -> None:
        super().__init__(f"{len(refused)} rows cannot be stored")
        self.refused = refused


class Interrupted(Exception):
    """The call gave up waiting because `Sink.interrupt` was called."""


class Sink(Protocol):
    """Blocking calls, made in a worker thread. They return when done, however long the database is away."""

    def insert(self, row: type[Row], columns: Columns) -> None:
        """Insert rows given as columns in the order of the row model's fields.

        Raises:
            NotStorable: the other rows are in; these never will be.
        """

    def facts(self, days: Collection[FactKey]) -> list[Fact]:
        """Every fact, counted once per event id, of the given customers' days."""

    def interrupt(self) -> None:
        """From another thread: let the call at hand raise `Interrupted` instead of waiting on."""

    def resume(self) -> None:
        """Wait again; the counterpart of `interrupt`."""
