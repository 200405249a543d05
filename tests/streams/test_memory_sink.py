"""The sink in memory answers as ClickHouse does with FINAL."""

from __future__ import annotations

import pytest

from schemas.rows import CustomerStateRow, EventRow, columns
from streams.core.project import transpose
from streams.core.restate import Fact
from streams.sinks.base import NotStorable
from streams.sinks.memory import MemorySink
from tests.core.samples import day, ms

NOON = ms("2026-06-15 12:00")


def state(n_applied: int, epoch: int = 0, events_total: int = 0) -> tuple[object, ...]:
    return ("c-1", 0, None, None, None, None, events_total, 0, epoch, n_applied, 0, 0, None, None, None)


def fact(event_id: str, appended_at: int = NOON, offset: int = 0, **changes: object) -> tuple[object, ...]:
    row = dict.fromkeys(columns(EventRow), "") | {
        "event_id": event_id,
        "customer_id": "c-1",
        "channel": "website",
        "type": "page_viewed",
        "occurred_at": NOON,
        "properties": "{}",
        "source_partition": 0,
        "source_offset": offset,
        "appended_at": appended_at,
    }
    return tuple((row | changes).values())


@pytest.mark.parametrize(
    ("rows", "winner"),
    [
        ([state(1), state(2)], 1),
        ([state(2), state(1)], 0),
        ([state(2, events_total=1), state(2, events_total=2)], 1),
        ([state(2, epoch=1), state(3, epoch=0)], 0),
    ],
)
def test_of_rows_with_one_key_the_highest_version_holds_and_of_equals_the_last(
    rows: list[tuple[object, ...]], winner: int
) -> None:
    sink = MemorySink()
    for row in rows:
        sink.insert(CustomerStateRow, transpose([row]))

    (held,) = sink.final(CustomerStateRow.TABLE, "customer_id").values()
    assert tuple(held.values()) == rows[winner]


@pytest.mark.parametrize("turned", [False, True])
def test_of_deliveries_of_a_fact_the_one_appended_first_holds(turned: bool) -> None:
    sink = MemorySink()
    rows = [fact("e-1", NOON, 5), fact("e-1", NOON + 1, 4), fact("e-1", NOON, 6)]
    sink.insert(EventRow, transpose(rows[::-1] if turned else rows))

    (held,) = sink.final(EventRow.TABLE, "customer_id", "event_id").values()
    assert (held["appended_at"], held["source_offset"]) == (NOON, 5)


def test_facts_of_a_day_come_once_per_event_and_say_what_a_recount_needs() -> None:
    sink = MemorySink()
    rows = [
        fact("e-1"),
        fact("e-1", NOON + 1),
        fact("e-2", type="message_sent", properties='{"author":"bot"}'),
        fact("e-3", type="order_completed", properties='{"order_id":"o-1"}'),
        fact("e-4", type="order_refunded", properties='{"order_id":"o-1"}'),
        fact("e-5", occurred_at=NOON - 86_400_000),
        fact("e-6", customer_id="c-2"),
    ]
    sink.insert(EventRow, transpose(rows))
    date = day("2026-06-15")

    assert sink.facts({("c-1", date)}) == [
        Fact("c-1", date, "website", "page_viewed", True, NOON, "e-1", ""),
        Fact("c-1", date, "website", "message_sent", False, NOON, "e-2", ""),
        Fact("c-1", date, "website", "order_completed", True, NOON, "e-3", "o-1"),
        Fact("c-1", date, "website", "order_refunded", True, NOON, "e-4", ""),
    ]


def test_rows_that_are_refused_are_told_by_their_index_and_the_others_are_in() -> None:
    sink = MemorySink(lambda row: "too odd" if row["event_id"] == "e-2" else None)

    with pytest.raises(NotStorable) as refused:
        sink.insert(EventRow, transpose([fact("e-1"), fact("e-2"), fact("e-3")]))

    assert refused.value.refused == {1: "too odd"}
    assert [row["event_id"] for row in sink.rows[EventRow.TABLE]] == ["e-1", "e-3"]


def test_inserting_nothing_is_nothing() -> None:
    sink = MemorySink()

    sink.insert(EventRow, [])

    assert sink.facts({("c-1", 1)}) == []
