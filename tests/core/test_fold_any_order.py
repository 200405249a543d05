"""Properties of the fold: what matters is which events came, not how."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow
from streams.core import five_cells
from streams.core.dedupe import DedupeLimits
from streams.core.fold import Outcome, apply
from streams.core.state import CHANNEL_BITS, CHANNELS, CustomerState, encode_state
from tests.core import strategies as some
from tests.core.oracle import Expected, expect
from tests.core.worker_in_miniature import Arrival, Crash, MiniatureWorker

#: Small chunks, so that a dozen events spill.
SMALL_CHUNKS = DedupeLimits(tail_ids=3)


def worked_off(flushes: list[list[Arrival]]) -> MiniatureWorker:
    worker = MiniatureWorker(SMALL_CHUNKS)
    for flush in flushes:
        worker.flush(flush)
    return worker


def what_counts(state: CustomerState) -> bytes:
    """The state as it is stored, less what says how it came about: offsets and remembered ids."""
    return encode_state(msgspec.structs.replace(state, applied={}, recent_ids=b"", id_chunks=[]))


def assert_rows_are(worker: MiniatureWorker, expected: Expected) -> None:
    assert list(worker.table(CustomerStateRow).values()) == [expected.state]
    assert worker.table(CustomerDailyRow) == expected.daily
    fives = worker.table(Customer5mRow)
    held = expected.fives_held()
    assert {key: fives.get(key) for key in held} == held


@given(st.data())
@settings(max_examples=250)
def test_any_order_any_split_and_any_duplication_end_in_the_same_state_and_rows(data: st.DataObject) -> None:
    events = data.draw(some.events())
    one, other = (worked_off(data.draw(some.batches(data.draw(some.arrivals(events))))) for _ in range(2))

    assert what_counts(one.state) == what_counts(other.state)
    assert_rows_are(one, expect(events))
    assert_rows_are(other, expect(events))


@given(st.data())
@settings(max_examples=100)
def test_state_holds_exactly_the_days_and_five_minutes_of_the_horizon(data: st.DataObject) -> None:
    events = data.draw(some.events())
    state = worked_off(data.draw(some.batches(data.draw(some.arrivals(events))))).state
    expected = expect(events)

    mask = (1 << CHANNEL_BITS) - 1
    days = {(key >> CHANNEL_BITS, CHANNELS[key & mask]): state.day(key) for key in state.days}
    fives = {
        (key >> CHANNEL_BITS, CHANNELS[key & mask]): cell
        for key, cell in five_cells.unpack(state.fives).items()
    }
    assert {key: (cell.events, cell.counts) for key, cell in days.items() if cell} == {
        key: (row["events"], row["counts"]) for key, row in expected.days_held().items()
    }
    assert {
        (bucket * 300, channel): (cell.events, cell.orders, cell.conversations, cell.messages)
        for (bucket, channel), cell in fives.items()
    } == {
        key: (row["events"], row["orders"], row["conversations"], row["messages"])
        for key, row in expected.fives_held().items()
    }
    assert state.order_times_ms == expected.order_times_ms
    assert state.n_applied == state.events_total == expected.state["events_total"]


@given(st.data())
@settings(max_examples=100)
def test_the_split_into_flushes_does_not_show_in_a_single_byte(data: st.DataObject) -> None:
    arrivals = data.draw(some.arrivals(data.draw(some.events())))
    whole = worked_off([arrivals])
    split = worked_off(data.draw(some.batches(arrivals)))

    assert (split.hot, split.chunks, split.orders) == (whole.hot, whole.chunks, whole.orders)


@given(st.data())
@settings(max_examples=100)
def test_applying_any_suffix_again_changes_nothing_in_state(data: st.DataObject) -> None:
    arrivals = data.draw(some.arrivals(data.draw(some.events())))
    worker = worked_off(data.draw(some.batches(arrivals)))
    before = (worker.hot, dict(worker.chunks), dict(worker.orders), dict(worker.facts))
    worker.outcomes.clear()

    worker.flush(arrivals[data.draw(st.integers(0, len(arrivals) - 1)) :])

    assert (worker.hot, worker.chunks, worker.orders, worker.facts) == before
    assert set(worker.outcomes) == {Outcome.REPLAYED}


@given(st.data())
@settings(max_examples=100)
def test_a_replay_marks_every_row_that_its_events_had_changed(data: st.DataObject) -> None:
    arrivals = data.draw(some.arrivals(data.draw(some.events())))
    start = data.draw(st.integers(0, len(arrivals) - 1))
    worker = worked_off([arrivals[:start]] if start else [])
    customer = worker.load(arrival.event for arrival in arrivals[start:])
    for arrival in arrivals[start:]:
        apply(customer, *arrival, worker.limits)
    worker.flush(arrivals[start:], Crash.STATE)

    again = worker.load(arrival.event for arrival in arrivals[start:])
    for arrival in arrivals[start:]:
        apply(again, *arrival, worker.limits)

    changed_days = customer.late_days | {key >> CHANNEL_BITS for key in customer.dirty_days}
    assert changed_days <= again.late_days | {key >> CHANNEL_BITS for key in again.dirty_days}
    held = five_cells.unpack(again.state.fives)
    assert {key for key in customer.dirty_fives if key in held} <= again.dirty_fives.keys()


@given(st.data())
@settings(max_examples=300)
def test_crashes_at_any_step_are_healed_by_reading_again(data: st.DataObject) -> None:
    events = data.draw(some.events())
    waiting = data.draw(some.arrivals(events))
    worker = MiniatureWorker(SMALL_CHUNKS)
    for crash in [*data.draw(st.lists(st.sampled_from(Crash), max_size=5)), Crash.NONE]:
        size = len(waiting) if crash is Crash.NONE else data.draw(st.integers(0, len(waiting)))
        worker.flush(waiting[:size], crash)
        if crash is not Crash.NONE:
            # Nothing was committed, so all is read again: sources interleave anew, flushes are cut anew.
            waiting = data.draw(interleaved_anew(waiting))

    assert_rows_are(worker, expect(events))


@st.composite
def interleaved_anew(draw: st.DrawFn, arrivals: list[Arrival]) -> list[Arrival]:
    """The same arrivals; each source keeps its order, the sources mix in another way."""
    queues: dict[int, list[Arrival]] = {}
    for arrival in arrivals:
        queues.setdefault(arrival.source, []).append(arrival)
    order = draw(st.permutations([arrival.source for arrival in arrivals]))
    return [queues[source].pop(0) for source in order]
