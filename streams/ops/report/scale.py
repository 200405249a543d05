"""Axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

_STEPS_WANTED: Final = 4
_SAME: Final = 1e-6
"""Values that differ by no more than this share of them are one."""


class Scale(NamedTuple):
    """Values from `low` to `high`, with `ticks` at multiples of a round step."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where a value lies: 0 at `low`, 1 at `high`."""
        return (value - self.low) / (self.high - self.low)


def scale(values: Sequence[float], finest_step: float) -> Scale:
    """A scale with round ends that holds all (finite) values; around a single one there is room.

    `finest_step` is a power of ten: steps below it would look alike where they are written.
    """
    low, high = min(values), max(values)
    if high - low <= _SAME * max(1, abs(low), abs(high)):
        low, high = low - finest_step, high + finest_step
    step = max(_round_step((high - low) / _STEPS_WANTED), finest_step)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(first * step, last * step, tuple(n * step for n in range(first, last + 1)))


def _round_step(wanted: float) -> float:
    """1, 2 or 5 times a power of ten, not below what is wanted."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)
