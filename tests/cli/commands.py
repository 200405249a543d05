"""What the fixtures of this directory give to tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

PARTITIONS = 4


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


Engage = Callable[..., Ended]
