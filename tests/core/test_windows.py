"""Bucket arithmetic, drawn. A digit is a bucket, counted back from the newest event's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.state import CHANNEL_BITS
from streams.core.windows import (
    DAY_MS,
    DAYS_HELD,
    FIVE_MINUTES_MS,
    FIVES_HELD,
    day_of,
    five_of,
    oldest_day_held,
    oldest_five_held,
)
from tests.core.samples import body, day, decoded, ms
from tests.core.worker_in_miniature import Arrival, MiniatureWorker


def buckets(times: str, *, start: str, step_ms: int, bucket_of: Callable[[int], int]) -> str:
    """One digit per mark of `times`: the bucket of that instant, relative to the first instant's."""
    first = ms(start)
    return "".join(
        str(bucket_of(first + at * step_ms) - bucket_of(first)) if mark == "x" else " "
        for at, mark in enumerate(times)
    )


@pytest.mark.parametrize(
    ("start", "times", "drawn"),
    [
        # one mark per minute            |5    |10
        ("2026-06-15 12:00", "xxxxxxxxxxx", "00000111112"),
        ("2026-06-15 12:03", "xxxxxxxxxxx", "00111112222"),
        ("2026-06-15 23:58", "x x x     x", "0 1 1     2"),
    ],
)
def test_five_minute_buckets_are_aligned_to_the_clock(start: str, times: str, drawn: str) -> None:
    assert buckets(times, start=start, step_ms=60_000, bucket_of=five_of) == drawn


@pytest.mark.parametrize(
    ("start", "times", "drawn"),
    [
        # one mark per six hours
        ("2026-06-15 00:00", "xxxxxxxxx", "000011112"),
        ("2026-06-15 18:00", "xxxxxxxxx", "011112222"),
        ("2026-02-28 23:59", "x   x   x", "0   1   2"),
        ("2028-02-28 23:59", "x   x   x", "0   1   2"),
    ],
)
def test_days_are_utc_dates(start: str, times: str, drawn: str) -> None:
    assert buckets(times, start=start, step_ms=6 * 3_600_000, bucket_of=day_of) == drawn


def test_a_bucket_ends_before_its_last_millisecond_is_over() -> None:
    assert day_of(ms("2026-06-15 23:59:59.999")) == day("2026-06-15")
    assert day_of(ms("2026-06-16")) == day("2026-06-16")
    assert five_of(ms("2026-06-15 12:04:59.999")) == five_of(ms("2026-06-15 12:00"))
    assert five_of(ms("2026-06-15 12:05")) == five_of(ms("2026-06-15 12:00")) + 1


def test_the_horizon_is_97_dates_and_600_five_minutes_with_the_newest_one_included() -> None:
    newest_ms = ms("2026-06-15 12:34:56")

    assert oldest_day_held(newest_ms) == day("2026-03-11") == day("2026-06-15") - 96
    assert oldest_five_held(newest_ms) == five_of(ms("2026-06-13 10:35"))


@given(st.integers(0, 2**43))
def test_every_instant_lies_in_its_own_buckets_and_within_its_own_horizon(at_ms: int) -> None:
    assert day_of(at_ms) * DAY_MS <= at_ms < (day_of(at_ms) + 1) * DAY_MS
    assert five_of(at_ms) * FIVE_MINUTES_MS <= at_ms < (five_of(at_ms) + 1) * FIVE_MINUTES_MS
    assert day_of(at_ms) - oldest_day_held(at_ms) + 1 == DAYS_HELD
    assert five_of(at_ms) - oldest_five_held(at_ms) + 1 == FIVES_HELD


def held_days(timeline: str) -> str:
    """Fold one event per `x` as drawn, ten days per mark; draw the days that the state still holds."""
    worker = MiniatureWorker()
    days = [day("2026-01-01") + 10 * at for at in range(len(timeline))]
    for offset, at in enumerate(at for at, mark in enumerate(timeline) if mark == "x"):
        seen = decoded(body("page_viewed", days[at] * DAY_MS, f"e-{offset}"), "website")
        worker.flush([Arrival(seen, 0, offset, 0)])
    return "".join("x" if number << CHANNEL_BITS in worker.state.days else " " for number in days)


@pytest.mark.parametrize(
    ("events", "held"),
    [
        # ten days per mark; the state reaches 97 days back from the newest event
        ("x        x", "x        x"),
        ("x         x", "          x"),
        ("xx  x     x", " x  x     x"),
        ("x x x x x x x x", "      x x x x x"),
    ],
)
def test_days_leave_the_state_when_newer_events_push_them_out(events: str, held: str) -> None:
    assert held_days(events) == held
