"""The fold, event by event."""

from __future__ import annotations

import pytest

from schemas.decode import Event
from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow
from streams.core.fold import Outcome
from tests.core.samples import day, event, ms
from tests.core.worker_in_miniature import Arrival, Crash, MiniatureWorker

NOON = "2026-06-15 12:00"


class Folded(MiniatureWorker):
    """A worker that has folded events given in order of arrival, each in a flush of its own."""

    def __init__(self, *events: Event) -> None:
        super().__init__()
        self.add(*events)

    def add(self, *events: Event, crash: Crash = Crash.NONE) -> None:
        for one in events:
            self.flush([Arrival(one, 0, len(self.outcomes), 0)], crash)

    def totals(self) -> dict[str, object]:
        (row,) = self.table(CustomerStateRow).values()
        return row

    def on(self, date: str, channel: str = "website") -> dict[str, object]:
        found: dict[str, object] = self.table(CustomerDailyRow)[day(date), channel]
        return found


def test_an_engagement_event_counts_everywhere() -> None:
    worker = Folded(event("conversation_started", NOON, channel="chat"))

    assert worker.totals() == {
        "is_anonymous": 0,
        "first_seen_at": ms(NOON),
        "website_seen_at": None,
        "chat_seen_at": ms(NOON),
        "purchase_seen_at": None,
        "events_total": 1,
        "orders_total": 0,
        "purchase_days": 0,
        "first_purchase_on": None,
        "last_purchase_at": None,
        "won_back_on": None,
    }
    assert worker.on("2026-06-15", "chat") == {
        "events": 1,
        "counts": {"conversation_started": 1},
        "orders": 0,
        "conversations": 1,
        "messages": 0,
    }
    assert worker.table(Customer5mRow) == {
        (ms(NOON) // 1000, "chat"): {"events": 1, "orders": 0, "conversations": 1, "messages": 0}
    }


@pytest.mark.parametrize(
    "quiet",
    [
        event("identify", NOON),
        event("alias", NOON),
        event("conversation_ended", NOON),
        event("message_sent", NOON, author="agent"),
        event("message_sent", NOON, author="bot"),
    ],
    ids=lambda quiet: quiet.type,
)
def test_an_event_that_is_no_engagement_counts_as_an_event_only(quiet: Event) -> None:
    worker = Folded(quiet)

    assert worker.totals()["events_total"] == 1
    assert worker.totals()["first_seen_at"] is worker.totals()["website_seen_at"] is None
    assert worker.on("2026-06-15") == {
        "events": 1,
        "counts": {},
        "orders": 0,
        "conversations": 0,
        "messages": 0,
    }


def test_an_order_is_seen_first_but_does_not_move_the_newest_engagement() -> None:
    worker = Folded(event("order_completed", NOON, channel="purchase"))

    assert worker.totals()["first_seen_at"] == ms(NOON)
    assert worker.totals()["purchase_seen_at"] is None
    assert worker.totals()["orders_total"] == 1
    assert worker.state.order_times_ms == [ms(NOON)]


def test_of_two_orders_with_one_id_the_earlier_is_the_order_even_if_it_comes_later() -> None:
    later = event("order_completed", "2026-06-15 12:00", "e-1", "website")
    earlier = event("order_completed", "2026-06-14 12:00", "e-2", "purchase")

    worker = Folded(later, earlier)

    assert worker.totals()["orders_total"] == 1
    assert worker.totals()["events_total"] == 2
    assert worker.on("2026-06-15")["orders"] == 0
    assert worker.on("2026-06-15")["counts"] == {}
    assert worker.on("2026-06-15")["events"] == 1
    assert worker.on("2026-06-14", "purchase")["counts"] == {"order_completed": 1}
    assert worker.state.order_times_ms == [ms("2026-06-14 12:00")]


def test_at_the_same_instant_the_smaller_event_id_is_the_order() -> None:
    worker = Folded(
        event("order_completed", NOON, "e-2", "website"), event("order_completed", NOON, "e-1", "purchase")
    )

    assert worker.on("2026-06-15", "website")["orders"] == 0
    assert worker.on("2026-06-15", "purchase")["orders"] == 1


def test_a_superseded_order_leaves_a_day_without_an_order_behind() -> None:
    worker = Folded(
        event("order_completed", "2026-06-15 12:00", "e-1", order_id="o-1"),
        event("order_completed", "2026-06-15 13:00", "e-2", order_id="o-2"),
        event("order_completed", "2026-06-14 12:00", "e-3", order_id="o-1"),
    )

    assert worker.state.order_times_ms == [ms("2026-06-14 12:00"), ms("2026-06-15 13:00")]
    assert worker.totals()["orders_total"] == 2


def test_a_refund_is_an_engagement_event_and_takes_no_order_away() -> None:
    worker = Folded(
        event("order_completed", NOON, "e-1", "purchase"), event("order_refunded", NOON, "e-2", "purchase")
    )

    assert worker.on("2026-06-15", "purchase")["counts"] == {"order_completed": 1, "order_refunded": 1}
    assert worker.totals()["orders_total"] == 1
    assert worker.totals()["purchase_seen_at"] == ms(NOON)


def test_an_unknown_type_is_engagement() -> None:
    assert Folded(event("loyalty_card_scanned", NOON)).on("2026-06-15")["counts"] == {
        "loyalty_card_scanned": 1
    }


def test_a_late_event_lands_in_its_own_bucket() -> None:
    worker = Folded(event("page_viewed", NOON, "e-1"), event("page_viewed", "2026-05-01 08:00", "e-2"))

    assert worker.on("2026-05-01")["events"] == 1
    assert worker.on("2026-06-15")["events"] == 1
    assert worker.totals()["website_seen_at"] == ms(NOON)
    assert worker.totals()["first_seen_at"] == ms("2026-05-01 08:00")


def test_a_day_out_of_the_horizon_is_recounted_from_facts() -> None:
    worker = Folded(
        event("page_viewed", "2025-01-01 10:00", "e-1"),
        event("page_viewed", NOON, "e-2"),
        event("message_sent", "2025-01-01 11:00", "e-3", author="bot"),
        event("page_viewed", "2025-01-01 12:00", "e-4"),
    )

    assert worker.on("2025-01-01")["events"] == 3
    assert worker.on("2025-01-01")["counts"] == {"page_viewed": 2}
    assert day("2025-01-01") << 2 not in worker.state.days


def test_an_order_of_a_day_out_of_the_horizon_can_be_superseded_by_a_later_delivery() -> None:
    worker = Folded(
        event("order_completed", "2025-01-02 10:00", "e-1"),
        event("page_viewed", NOON, "e-2"),
        event("order_completed", "2025-01-01 10:00", "e-3"),
    )

    assert worker.on("2025-01-02") == worker.on("2025-01-02") | {"events": 1, "orders": 0, "counts": {}}
    assert worker.on("2025-01-01")["orders"] == 1
    assert worker.totals()["orders_total"] == 1


def test_one_flush_may_push_out_the_days_that_it_has_just_counted() -> None:
    worker = MiniatureWorker()
    old, new = event("page_viewed", "2025-01-01 10:00", "e-1"), event("page_viewed", NOON, "e-2")

    worker.flush([Arrival(old, 0, 0, 0), Arrival(new, 0, 1, 0)])

    assert worker.table(CustomerDailyRow).keys() == {
        (day("2025-01-01"), "website"),
        (day("2026-06-15"), "website"),
    }
    assert len(worker.table(Customer5mRow)) == 2
    assert list(worker.state.days) == [day("2026-06-15") << 2]


def test_the_same_event_id_again_is_a_duplicate_whatever_its_offset() -> None:
    worker = Folded(event("page_viewed", NOON, "e-1"), event("page_viewed", NOON, "e-1"))

    assert worker.outcomes == [Outcome.COUNTED, Outcome.DUPLICATE]
    assert worker.totals()["events_total"] == 1
    assert worker.state.applied == {0: 1}


def test_an_offset_at_or_below_the_applied_one_is_a_replay() -> None:
    worker = Folded(event("page_viewed", NOON, "e-1"))

    worker.flush([Arrival(event("page_viewed", NOON, "e-2"), 0, 0, 0)])

    assert worker.outcomes[-1] is Outcome.REPLAYED
    assert worker.totals()["events_total"] == 1


def test_offsets_are_kept_per_source() -> None:
    worker = Folded(event("page_viewed", NOON, "e-1"))

    worker.flush([Arrival(event("page_viewed", NOON, "e-2"), 1, 0, 0)])

    assert worker.outcomes[-1] is Outcome.COUNTED
    assert worker.state.applied == {0: 0, 1: 0}


def test_an_order_record_that_is_ahead_of_its_customer_does_not_swallow_the_order() -> None:
    order = Arrival(event("order_completed", NOON), 0, 0, 0)
    worker = MiniatureWorker()
    worker.flush([order], Crash.COLD_RECORDS)

    worker.flush([order])

    assert worker.state.orders_total == 1
    assert worker.table(CustomerDailyRow)[day("2026-06-15"), "website"]["orders"] == 1


def test_a_day_is_restated_although_facts_hold_an_order_that_is_not_applied_yet() -> None:
    worker = Folded(event("page_viewed", NOON, "e-1"))
    order = event("order_completed", "2025-01-01 10:00", "e-2")
    worker.flush([Arrival(order, 1, 0, 0)], Crash.FACTS)

    worker.flush([Arrival(event("page_viewed", "2025-01-01 11:00", "e-3"), 2, 0, 0)])
    assert worker.on("2025-01-01") == worker.on("2025-01-01") | {"events": 2, "orders": 0}

    worker.flush([Arrival(order, 1, 0, 0)])
    assert worker.on("2025-01-01") == worker.on("2025-01-01") | {"events": 2, "orders": 1}
