"""What a supervisor needs to know of one process that it keeps running."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Child:
    """One process to keep running.

    Attributes:
        answers: one short look whether the child serves; called again and again.
        environment: added to the supervisor's own.
        before_start: called before each start, for example to remove a mark that the last one left.
        start_timeout_seconds: how long the first start may take.
    """

    name: str
    argv: Sequence[str]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    before_start: Callable[[], None] = lambda: None
    start_timeout_seconds: float = 120.0


@dataclass(frozen=True)
class Backoff:
    """Pauses before a restart: `first_seconds`, doubled each time up to `longest_seconds`.

    A child that has run for `steady_seconds` begins anew with the first pause.
    """

    first_seconds: float = 0.5
    longest_seconds: float = 15.0
    steady_seconds: float = 60.0

    def pause_seconds(self, failures: int) -> float:
        """The pause after so many failures in a row, the first being 1."""
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(failures - 1, 30))
