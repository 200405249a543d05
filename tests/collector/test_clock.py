"""When an event happened, however wrong the sender's clock is and however often it is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.clock import STEP_MS, correction_ms, instant_ms, to_text
from streams.collector.seen import REMEMBERED_MS, SeenTimes

NOW_MS = 1_795_320_000_000
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", None),  # before 1990: read leniently, and refused by `decode`
        ("2026-11-22T05:00:01.123Z", 1_795_323_601_123),
        ("2026-11-22T05:00:01.123456+00:00", 1_795_323_601_123),
        ("2026-11-22T06:00:01+01:00", 1_795_323_601_000),
        ("2026-11-22T05:00:01", 1_795_323_601_000),
        ("2026-11-22 05:00:01", 1_795_323_601_000),
    ],
)
def test_instants_are_iso_8601_and_utc_without_a_zone(text: str, ms: int | None) -> None:
    assert instant_ms(text) == (0 if ms is None else ms)


@pytest.mark.parametrize("value", [None, 7, "", "yesterday", "2026-13-01T00:00:00Z", "9" * 100, {}])
def test_anything_else_is_no_instant(value: object) -> None:
    assert instant_ms(value) is None


@pytest.mark.parametrize(
    ("ahead_ms", "correction_steps"),
    [
        (0, 0),
        (SECOND_MS, 0),
        (-5 * MINUTE_MS, 0),
        (5 * MINUTE_MS, 0),
        (-5 * MINUTE_MS - 1, 1),
        (5 * MINUTE_MS + 1, -1),
        (-7 * MINUTE_MS, 1),
        (-8 * MINUTE_MS, 2),
        (60 * MINUTE_MS, -12),
        (-60 * MINUTE_MS - 40 * SECOND_MS, 12),
    ],
)
def test_a_clock_is_corrected_beyond_five_minutes_and_in_such_steps(
    ahead_ms: int, correction_steps: int
) -> None:
    assert correction_ms(NOW_MS + ahead_ms, NOW_MS) == correction_steps * STEP_MS


def test_without_sent_at_nothing_is_corrected() -> None:
    assert correction_ms(None, NOW_MS) == 0


@given(st.integers(-(10**18), 10**18))
def test_any_number_has_a_text(ms: int) -> None:
    assert len(to_text(ms)) == len("2026-11-22T05:00:01.123Z")


def test_every_attempt_gets_the_time_of_the_first() -> None:
    seen = SeenTimes()
    assert seen.time_given("m", 5, NOW_MS) == 5
    assert seen.time_given("m", 7, NOW_MS + REMEMBERED_MS - 1) == 5
    assert seen.time_given("other", 7, NOW_MS) == 7


@pytest.mark.parametrize("first_ms", [NOW_MS, NOW_MS + REMEMBERED_MS // 2, NOW_MS + REMEMBERED_MS - 1])
def test_a_time_is_remembered_for_24_h_whenever_it_was_given(first_ms: int) -> None:
    seen = SeenTimes()
    seen.time_given("the first of all", 1, NOW_MS)
    seen.time_given("m", 5, first_ms)
    assert seen.time_given("m", 7, first_ms + REMEMBERED_MS - 1) == 5


def test_after_two_days_it_is_forgotten() -> None:
    seen = SeenTimes()
    seen.time_given("m", 5, NOW_MS)
    assert seen.time_given("m", 7, NOW_MS + 2 * REMEMBERED_MS) == 7


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    seen = SeenTimes(max_messages=100)
    for number in range(10_000):
        seen.time_given(number, number, NOW_MS)
        assert len(seen) <= 100
    assert seen.time_given(9_990, -1, NOW_MS) == 9_990
    assert seen.time_given(0, -1, NOW_MS) == -1
