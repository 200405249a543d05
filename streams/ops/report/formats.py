"""Values as the report shows them. `–` stands for NULL: a figure that does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Format = Callable[[Any], str]
NOTHING = "–"


def text(value: object) -> str:
    """The value itself; what has no name is nothing, too."""
    return NOTHING if value in (None, "") else str(value)


def count(value: int | float | None) -> str:
    """Thousands are separated; a count has no fraction."""
    return NOTHING if value is None else f"{value:,.0f}"


def tenths(value: float | None) -> str:
    """One decimal: percentages, scores, days."""
    # Plus 0: rounded, -0.04 would be -0.0. So too below.
    return NOTHING if value is None else f"{round(value, 1) + 0:,.1f}"


def share(value: float | None) -> str:
    """As `tenths`, but empty where the period of a cohort has not come yet."""
    return "" if value is None else tenths(value)


FINEST: Final[Mapping[Format, float]] = {count: 1, tenths: 0.1}
"""The least difference that a format shows."""


def number(value: float | None) -> str:
    """Up to two decimals, as a person would type it."""
    return NOTHING if value is None else f"{round(value, 2) + 0:,.2f}".rstrip("0").rstrip(".")


def percent_of_one(ratio: float | None) -> str:
    """A ratio as a percentage."""
    return NOTHING if ratio is None else f"{round(100 * ratio) + 0:,.0f} %"


def duration(seconds: float | None) -> str:
    """In the largest unit of which there is one: `45 s`, `12.5 min`, `3.1 h`."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
