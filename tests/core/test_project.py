"""What the tables are told of a customer."""

from __future__ import annotations

from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, columns
from streams.core import project
from streams.core.dedupe import DedupeLimits
from streams.core.fold import Customer, apply
from streams.core.state import CustomerState
from tests.core.samples import day, event, ms

NOON = "2026-06-15 12:00"


def folded(*sent: tuple[str, str], customer_id: str = "c-1") -> Customer:
    """A customer to whom (type, time) happened on the website."""
    customer = Customer(0, customer_id, CustomerState())
    for offset, (event_type, at) in enumerate(sent):
        apply(customer, event(event_type, at, f"e-{offset}"), 0, offset, 0, DedupeLimits())
    return customer


def test_no_customers_are_no_columns() -> None:
    assert project.state_columns([], 0) == project.daily_columns([], 0) == project.five_columns([], 0) == []


def test_columns_are_in_the_order_of_the_tables() -> None:
    customers = [folded(("page_viewed", NOON)), folded(("identify", NOON), customer_id="c-2")]

    for table, found in (
        (CustomerStateRow, project.state_columns(customers, 3)),
        (CustomerDailyRow, project.daily_columns(customers, 3)),
        (Customer5mRow, project.five_columns(customers, 3)),
    ):
        named = dict(zip(columns(table), found, strict=True))
        assert named["customer_id"] == ["c-1", "c-2"]
        assert named["epoch"] == [3, 3]
        assert named["n_applied"] == [1, 1]


def test_what_never_happened_is_null() -> None:
    named = dict(
        zip(columns(CustomerStateRow), project.state_columns([folded(("identify", NOON))], 0), strict=True)
    )

    assert named["first_seen_at"] == named["website_seen_at"] == named["purchase_seen_at"] == [None]


def test_only_buckets_that_changed_in_this_flush_are_written() -> None:
    customer = folded(("page_viewed", NOON))
    customer.clean()
    apply(customer, event("page_viewed", "2026-06-14 12:00", "e-9"), 0, 9, 0, DedupeLimits())

    assert project.daily_columns([customer], 0)[1] == [day("2026-06-14")]
    assert project.five_columns([customer], 0)[1] == [ms("2026-06-14 12:00") // 1000]


def test_a_day_that_is_left_to_the_facts_is_not_written_from_state() -> None:
    # Within one flush the day is counted, pushed out of the horizon, and hit by a late event.
    customer = folded(
        ("page_viewed", "2025-01-01 10:00"), ("page_viewed", NOON), ("page_viewed", "2025-01-01 11:00")
    )

    assert customer.late_days == {day("2025-01-01")}
    assert project.daily_columns([customer], 0)[1] == [day("2026-06-15")]


def test_the_counts_of_a_row_do_not_change_with_the_state_afterwards() -> None:
    customer = folded(("page_viewed", NOON))
    (counts,) = project.daily_columns([customer], 0)[4]

    apply(customer, event("page_viewed", NOON, "e-9"), 0, 9, 0, DedupeLimits())

    assert counts == {"page_viewed": 1}
