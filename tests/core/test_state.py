"""How a customer is written down."""

from __future__ import annotations

import copy
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core import five_cells
from streams.core.dedupe import ChunkMeta
from streams.core.five_cells import FiveCell
from streams.core.state import (
    NO_SOURCE,
    CustomerState,
    DayCell,
    OrderEntry,
    applied_only,
    decode_orders,
    decode_state,
    encode_orders,
    encode_state,
    source_id,
)
from streams.core.windows import DAY_MS, FIVE_MINUTES_MS

numbers = st.integers(0, 2**63 - 1)
small = st.integers(0, 1000)
texts = st.text(max_size=8)
#: Bucket keys of the hundred days (or five minutes) before the newest event of `states`.
NEWEST_DAY = 20_000
day_keys = st.integers(NEWEST_DAY - 99, NEWEST_DAY).flatmap(
    lambda day: st.sampled_from([day << 2, day << 2 | 2])
)
NEWEST_FIVE = NEWEST_DAY * 288
five_keys = st.integers(NEWEST_FIVE - 610, NEWEST_FIVE).map(lambda five: five << 2 | 1)

day_cells = st.dictionaries(
    day_keys, st.builds(DayCell, small, st.dictionaries(texts, small, max_size=4)), max_size=6
)
five_minute_cells = st.dictionaries(five_keys, st.builds(FiveCell, small, small, small, small), max_size=20)

states = st.builds(
    CustomerState,
    n_applied=numbers,
    is_anonymous=st.booleans(),
    events_total=numbers,
    orders_total=numbers,
    newest_ms=st.just(NEWEST_DAY * DAY_MS),
    first_seen_ms=numbers,
    seen_ms=st.lists(numbers, min_size=3, max_size=3),
    applied=st.dictionaries(numbers, numbers, max_size=4),
    order_times_ms=st.lists(numbers, max_size=4),
    recent_ids=st.binary(max_size=40),
    id_chunks=st.lists(st.builds(ChunkMeta, small, small, small), max_size=3),
    told_ms=numbers,
    due_day=small,
)
entries = st.lists(st.builds(OrderEntry, numbers, texts, st.integers(0, 2), small, small), max_size=5)


@given(states)
@settings(max_examples=60)
def test_a_state_survives_encoding(state: CustomerState) -> None:
    assert decode_state(encode_state(state)) == state


@given(entries)
@settings(max_examples=60)
def test_orders_survive_encoding(orders: list[OrderEntry]) -> None:
    assert decode_orders(encode_orders(orders)) == orders


def cells_of(state: CustomerState) -> tuple[dict[int, DayCell | None], dict[int, FiveCell]]:
    return {key: state.day(key) for key in state.days}, five_cells.unpack(state.fives)


@given(states, day_cells, five_minute_cells, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_settled_states_that_are_equal_are_equal_bytes(
    state: CustomerState, days: dict[int, DayCell], fives: dict[int, FiveCell], chance: Random
) -> None:
    """Buckets all at once, or some at a time in any order."""
    other = copy.deepcopy(state)
    state.settle(days, fives)
    for key in chance.sample(list(days), len(days)):
        other.settle({key: DayCell(0, {})}, {})
        other.settle({key: days[key]}, {})
    for key in chance.sample(list(fives), len(fives)):
        other.settle({}, {key: FiveCell(1, 0, 0, 0)})
        other.settle({}, {key: fives[key]})

    assert encode_state(other) == encode_state(state)


@given(states, day_cells, five_minute_cells)
@settings(max_examples=100)
def test_settling_drops_what_is_out_of_the_horizon_and_nothing_else(
    state: CustomerState, days: dict[int, DayCell], fives: dict[int, FiveCell]
) -> None:
    before = copy.deepcopy(state)
    state.settle(days, fives)

    oldest_five = NEWEST_DAY * DAY_MS // FIVE_MINUTES_MS - 599
    assert cells_of(state) == (
        {key: cell for key, cell in days.items() if key >> 2 >= NEWEST_DAY - 96},
        {key: cell for key, cell in fives.items() if key >> 2 >= oldest_five},
    )
    before.days, before.fives = state.days, state.fives
    assert state == before


@given(states, states)
@settings(max_examples=60)
def test_version_prefixes_compare_as_versions_do(one: CustomerState, other: CustomerState) -> None:
    a, b = encode_state(one)[:8], encode_state(other)[:8]

    assert (a < b) == (one.n_applied < other.n_applied)


def test_every_topic_and_partition_has_a_source_id_of_its_own() -> None:
    ids = {source_id(topic, partition) for topic in range(3) for partition in (0, 1, 7, 1023)}

    assert len(ids) == 12


def test_orders_of_one_id_are_sorted_by_time_and_then_by_event_id() -> None:
    first, second, third = (
        OrderEntry(1, "b", 2, 9, 9),
        OrderEntry(2, "a", 0, 0, 0),
        OrderEntry(2, "b", 0, 0, 0),
    )

    assert sorted([third, second, first]) == [first, second, third]


def test_order_entries_that_a_rebuild_took_from_a_topic_that_is_gone_are_counted() -> None:
    entry = OrderEntry(1, "a", 0, NO_SOURCE, 5)

    assert applied_only([entry], CustomerState()) == [entry]


def test_order_entries_that_a_crash_left_ahead_of_the_state_are_told_apart() -> None:
    state = CustomerState(applied={0: 5})
    counted, ahead, elsewhere = (
        OrderEntry(1, "a", 0, 0, 5),
        OrderEntry(2, "b", 0, 0, 6),
        OrderEntry(3, "c", 0, 1, 0),
    )

    assert applied_only([counted, ahead, elsewhere], state) == [counted]
