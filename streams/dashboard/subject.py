"""What can be looked at, and how it is asked: the seams between questions, ClickHouse and live pages."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar, Final, NamedTuple, Protocol

Row = dict[str, Any]
#: An answer as it is sent: rows of views under the names of the interface, with `as_of`.
Answer = dict[str, Any]

_AS_OF: Final = "SELECT as_of FROM v_clock"


class Rows(Protocol):
    """Asks views. Rows have the views' columns; times and dates are text, as they are sent."""

    async def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query whose values stand in `parameters`, as `{name:Type}` in the text.

        Raises:
            Refused: 503, ClickHouse cannot be asked.
        """
        ...


class Views(NamedTuple):
    """`live` asks every time; `slow` has rows of the last half minute, for what costs much."""

    live: Rows
    slow: Rows

    async def as_of(self) -> str:
        """The instant that figures hold for."""
        (row,) = await self.live.rows(_AS_OF)
        return str(row["as_of"])


class Look(NamedTuple):
    """One look; `notes` are for the subject itself, at its next look."""

    answer: Answer
    notes: Any = None


class Subject(Hashable, Protocol):
    """A question with its parameters, equal to one that asks the same. Immutable."""

    #: Seconds from look to look while somebody listens.
    every_seconds: ClassVar[float]

    async def look(self, views: Views, last: Look | None) -> Look:
        """What is to be seen now; `last` is the look before, None for the first one.

        Raises:
            Refused: there is no such thing (404), or ClickHouse cannot be asked (503).
        """
        ...
