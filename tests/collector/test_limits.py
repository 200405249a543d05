"""Rate limits and quotas, with the time as an argument."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.collector.limits import Allowance, refund, spend, unused

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z
HOUR = 3600.0


def test_without_limits_everything_is_granted() -> None:
    free = Allowance()
    usage, wait = spend(free, unused(free, NOON), 10**9, NOON)
    assert wait is None
    assert spend(free, usage, 10**9, NOON).retry_after_seconds is None


def test_a_burst_is_granted_and_then_the_rate() -> None:
    limit = Allowance(events_per_second=10, burst=50)
    usage, wait = spend(limit, unused(limit, NOON), 50, NOON)
    assert wait is None
    usage, wait = spend(limit, usage, 20, NOON + 1)
    assert wait == 1.0  # ten are there, ten more are needed
    usage, wait = spend(limit, usage, 20, NOON + 2)
    assert wait is None


def test_a_batch_larger_than_the_burst_passes_a_full_bucket_and_leaves_it_in_debt() -> None:
    limit = Allowance(events_per_second=10, burst=50)
    usage, wait = spend(limit, unused(limit, NOON), 80, NOON)
    assert wait is None
    assert spend(limit, usage, 1, NOON).retry_after_seconds == 3.1


def test_a_quota_ends_at_midnight_utc() -> None:
    limit = Allowance(events_per_day=100)
    usage, wait = spend(limit, unused(limit, NOON), 100, NOON)
    assert wait is None
    usage, wait = spend(limit, usage, 1, NOON + HOUR)
    assert wait == 11 * HOUR
    assert spend(limit, usage, 1, NOON + 12 * HOUR).retry_after_seconds is None


def test_what_was_not_delivered_is_given_back() -> None:
    limit = Allowance(events_per_second=10, burst=50, events_per_day=50)
    usage = spend(limit, unused(limit, NOON), 50, NOON).usage
    assert spend(limit, refund(usage, 50), 50, NOON).retry_after_seconds is None


def test_a_clock_that_is_set_back_punishes_nobody() -> None:
    limit = Allowance(events_per_second=10, burst=10)
    usage = spend(limit, unused(limit, NOON), 5, NOON).usage
    assert spend(limit, usage, 5, NOON - 60).retry_after_seconds is None


@given(
    st.floats(0.1, 1000),
    st.integers(1, 500),
    st.lists(st.tuples(st.integers(1, 300), st.floats(0, 10)), max_size=50),
)
def test_never_is_more_granted_than_rate_and_burst_allow(
    rate: float, burst: int, requests: list[tuple[int, float]]
) -> None:
    limit = Allowance(events_per_second=rate, burst=burst)
    usage, now, granted = unused(limit, NOON), NOON, 0
    for events, passed_seconds in requests:
        now += passed_seconds
        usage, wait = spend(limit, usage, events, now)
        if wait is None:
            granted += events
        else:
            assert spend(limit, usage, events, now + wait + 1e-6).retry_after_seconds is None
    # One batch may exceed the burst, by as much as it is larger.
    assert granted <= burst + rate * (now - NOON) + 300 + 1e-6
