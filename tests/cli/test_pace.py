"""A steady rate, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

from streams.ops.pace import paced


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def times(per_second: float | None, count: int, busy_seconds: float = 0.0) -> list[float]:
    """When each item was handed out, counted from the first; taking one keeps the taker busy."""
    clock = Clock()
    handed_out = []
    for _ in paced(range(count), per_second, clock=lambda: clock.now, sleep=clock.sleep):
        handed_out.append(round(clock.now - 100.0, 6))
        clock.now += busy_seconds
    return handed_out


def test_items_are_handed_out_at_the_rate() -> None:
    assert times(10, 4) == [0.0, 0.1, 0.2, 0.3]


def test_a_taker_that_fell_behind_catches_up() -> None:
    assert times(10, 4, busy_seconds=0.25) == [0.0, 0.25, 0.5, 0.75]
    assert times(10, 4, busy_seconds=0.05) == [0.0, 0.1, 0.2, 0.3]


def test_without_a_rate_nobody_waits() -> None:
    assert times(None, 3) == [0.0, 0.0, 0.0]
