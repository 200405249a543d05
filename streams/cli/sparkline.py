"""A row of numbers as a row of bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """One character per value, from the lowest to the highest of them; a space where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, span = min(known), (max(known) - min(known)) or 1
    top = len(_BARS) - 1
    return "".join(" " if v is None else _BARS[round((v - low) / span * top)] for v in values)
