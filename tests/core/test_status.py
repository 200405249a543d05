"""Churn status: a history in words, and against a simulation of every day."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.state import CustomerState
from streams.core.status import tell, transitions
from tests.core.samples import day, ms
from tests.core.status_oracle import DAY_MS, Change, simulate

GAP_DAYS = 30.0
FIRST_MS = ms("2026-01-01 10:00")

#: Days and times of day that tie, touch midnight, and leave every kind of silence behind them.
order_times = st.lists(
    st.builds(
        lambda day_number, in_day_ms: FIRST_MS // DAY_MS * DAY_MS + day_number * DAY_MS + in_day_ms,
        st.one_of(st.integers(0, 40), st.integers(0, 400)),
        st.sampled_from((0, 0, 1, 36_000_000, DAY_MS - 1)),
    ),
    max_size=8,
).map(sorted)
gaps = st.sampled_from((1.0, 7.5, 30.0, 45.1))


def told_at(orders: Sequence[str], now: str) -> list[tuple[str, str, str]]:
    state = CustomerState(order_times_ms=sorted(map(ms, orders)))
    return [
        (change.to_status.value, _text(change.changed_at_ms), change.reason)
        for change in tell(state, GAP_DAYS, ms(now))
    ]


def _text(at_ms: int) -> str:
    return f"day {at_ms // DAY_MS - day('2026-01-01')}" + (" midnight" if at_ms % DAY_MS == 0 else "")


def test_a_customer_who_falls_silent_is_at_risk_then_churned_and_an_order_wins_them_back() -> None:
    """One order, so 30 days are expected: at risk after 45, churned after 90. The second gap was 100 days."""
    assert told_at(["2026-01-01 10:00", "2026-04-11 10:00"], "2027-01-01") == [
        ("active", "day 0", "first order"),
        ("at_risk", "day 45 midnight", "45 days since last order, expected 30"),
        ("churned", "day 90 midnight", "90 days since last order, expected 30"),
        ("won_back", "day 100", "order after 100 days, expected 30"),
        ("active", "day 130 midnight", "30 days since last order, expected 53"),
        ("at_risk", "day 180 midnight", "80 days since last order, expected 53"),
        ("churned", "day 260 midnight", "160 days since last order, expected 53"),
    ]


def test_an_order_of_the_very_midnight_comes_before_silence() -> None:
    assert told_at(["2026-01-01", "2026-02-15"], "2026-02-20") == [
        ("active", "day 0 midnight", "first order")
    ]


def test_an_order_at_risk_is_active_again() -> None:
    told = told_at(["2026-01-01 10:00", "2026-02-20 10:00"], "2026-03-01")

    assert told[-1] == ("active", "day 50", "order after 50 days, expected 30")


def test_within_thirty_days_of_winning_back_nothing_else_counts() -> None:
    """A week after coming back the customer orders once more, which alone would last for 24 days."""
    often = [f"2026-01-{number:02} 10:00" for number in range(1, 11)]
    told = told_at([*often, "2026-06-01 10:00", "2026-06-08 10:00"], "2026-07-02")

    assert [status for status, *_ in told] == ["active", "at_risk", "churned", "won_back", "active"]
    assert told[-1][1] == f"day {day('2026-07-01') - day('2026-01-01')} midnight"


def test_an_anonymous_visitor_has_no_status() -> None:
    state = CustomerState(is_anonymous=True, order_times_ms=[FIRST_MS])

    assert tell(state, GAP_DAYS, FIRST_MS + 400 * DAY_MS) == []
    assert (state.told_ms, state.due_day) == (0, 0)


@given(order_times, st.integers(0, 900), gaps)
@settings(max_examples=400)
def test_the_history_is_what_a_day_by_day_simulation_gives(
    orders_ms: list[int], days: int, gap_days: float
) -> None:
    now_ms = max([FIRST_MS, *orders_ms]) + days * DAY_MS
    state = CustomerState(order_times_ms=orders_ms)

    told = tell(state, gap_days, now_ms)

    assert [Change(c.changed_at_ms, c.from_status, c.to_status) for c in told] == simulate(
        orders_ms, now_ms, gap_days
    )


@given(order_times, gaps)
@settings(max_examples=100)
def test_the_due_day_is_that_of_the_next_change_and_telling_it_leads_to_the_end(
    orders_ms: list[int], gap_days: float
) -> None:
    state = CustomerState(order_times_ms=orders_ms)
    told = tell(state, gap_days)
    while state.due_day:
        assert state.due_day * DAY_MS > state.told_ms
        told = tell(state, gap_days, state.due_day * DAY_MS)
        assert state.told_ms == state.swept_ms == told[-1].changed_at_ms

    assert told == list(transitions(orders_ms, gap_days))


@given(order_times, st.integers(0, 400), gaps)
@settings(max_examples=100)
def test_told_on_the_way_or_all_at_once_is_the_same(orders_ms: list[int], days: int, gap_days: float) -> None:
    now_ms = max([FIRST_MS, *orders_ms]) + days * DAY_MS
    at_once, by_and_by = CustomerState(order_times_ms=orders_ms), CustomerState()
    whole = tell(at_once, gap_days, now_ms)
    for count in range(len(orders_ms) + 1):
        by_and_by.order_times_ms = orders_ms[:count]
        tell(by_and_by, gap_days)
    tell(by_and_by, gap_days, now_ms)

    assert tell(by_and_by, gap_days, now_ms) == whole
    assert by_and_by == at_once


@given(st.lists(order_times, max_size=4), gaps, st.lists(st.integers(0, 200), min_size=4, max_size=4))
@settings(max_examples=400)
def test_orders_behind_those_told_add_what_the_whole_history_has_behind_theirs(
    flushes: list[list[int]], gap_days: float, silences: list[int]
) -> None:
    """Each flush brings later orders than the one before; some of the silence between is told before it."""
    state, whole, before_ms = CustomerState(), CustomerState(), 0
    for orders_ms, silent_days in zip(flushes, silences, strict=False):
        told_orders = len(state.order_times_ms)
        times = state.order_times_ms + [
            before_ms + at_ms - FIRST_MS // DAY_MS * DAY_MS for at_ms in orders_ms
        ]
        state.order_times_ms, whole.order_times_ms = list(times), list(times)
        new = tell(state, gap_days, told_orders=told_orders)
        told = tell(whole, gap_days)
        assert state == whole
        assert told[len(told) - len(new) :] == new
        before_ms = max(times, default=FIRST_MS) + silent_days * DAY_MS
        told = tell(whole, gap_days, before_ms)
        assert told == tell(state, gap_days, before_ms)
        before_ms = max(before_ms, state.told_ms + 1)
