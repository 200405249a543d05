"""A steady rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def paced(
    items: Iterable[T],
    per_second: float | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """The items, each not before its time; `None`: as fast as they are taken.

    Item n is due n / `per_second` seconds after the first, so a taker that fell behind catches up.
    """
    started = clock()
    for number, item in enumerate(items):
        if per_second is not None:
            wait_seconds = started + number / per_second - clock()
            if wait_seconds > 0:
                sleep(wait_seconds)
        yield item
