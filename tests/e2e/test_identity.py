"""A visitor becomes a customer, on a running stack with two workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from streams.producer import EngagementProducer, new_event
from tests.e2e.stack import Stack, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOON = datetime(2026, 6, 15, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("identity"), workers=2, clock="event") as running_stack:
        yield running_stack


@pytest.fixture
def producer(stack: Stack) -> Iterator[EngagementProducer]:
    with EngagementProducer(stack.ready["kafka"]) as one:
        yield one


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def only(stack: Stack, sql: str) -> dict[str, Any]:
    """The one row of a query, by column."""
    client = stack.client()
    try:
        (row,) = client.query(sql).named_results()
        return dict(row)
    finally:
        client.close()


def test_an_anonymous_visitor_who_chats_identifies_and_buys_is_one_customer_on_all_channels(
    stack: Stack, producer: EngagementProducer
) -> None:
    visitor, customer = {"anonymous_id": "a-1"}, {"customer_id": "c-1"}
    session = {"session_id": "s-1"}
    page = {"url": "https://shop.example/"}
    for sent in (
        new_event("page_viewed", **visitor, **session, properties=page, occurred_at=at(0)),
        new_event("conversation_started", **visitor, properties={"conversation_id": "v"}, occurred_at=at(1)),
        new_event("identify", **visitor, **customer, properties={}, occurred_at=at(2)),
        # Guest checkout on the same device, logged out again; and an order as a customer.
        new_event(
            "order_completed",
            **visitor,
            properties={"order_id": "o-1", "total_minor": 1_000, "currency": "EUR"},
            occurred_at=at(3),
        ),
        new_event(
            "order_completed",
            **customer,
            **session,
            properties={"order_id": "o-2", "total_minor": 500, "currency": "EUR"},
            occurred_at=at(4),
        ),
    ):
        producer.send(sent)
    producer.flush()
    stack.drain()
    # After the link was made: by one worker while the other is dead, and restarted.
    stack.kill("worker-1")
    late = new_event("page_viewed", **visitor, **session, properties=page, occurred_at=at(5))
    producer.send(late)
    producer.send(late)
    producer.flush()
    stack.drain()

    assert stack.rows("SELECT customer_id FROM v_customer_360") == [("c-1",)]
    row = only(stack, "SELECT * FROM v_customer_360 WHERE customer_id = 'c-1'")
    assert (row["is_anonymous"], row["events_total"], row["events_1h"], row["events_90d"]) == (0, 6, 6, 6)
    assert (row["omnichannel_reach"], row["orders_total"], row["revenue_minor_total"]) == (3, 2, 1_500)
    assert row["first_seen_at"] == at(0).replace(tzinfo=row["first_seen_at"].tzinfo)
    assert stack.rows("SELECT DISTINCT customer_id FROM v_events") == [("c-1",)]
    assert stack.rows("SELECT count() FROM v_events") == [(6,)]
    assert stack.rows("SELECT customer_id, order_id FROM v_orders ORDER BY order_id") == [
        ("c-1", "o-1"),
        ("c-1", "o-2"),
    ]
    assert stack.rows("SELECT customer_id, session_id, events FROM v_sessions") == [("c-1", "s-1", 3)]
    assert stack.rows("SELECT DISTINCT customer_id FROM v_customer_windows") == [("c-1",)]
    assert stack.rows("SELECT sum(events) FROM v_customer_windows WHERE window_name = '24h'") == [(6,)]


def test_a_device_that_another_customer_claims_is_theirs_from_then_on(
    stack: Stack, producer: EngagementProducer
) -> None:
    page = {"url": "https://shop.example/"}
    sent = [
        new_event("page_viewed", anonymous_id="kiosk", properties=page, occurred_at=at(n)) for n in range(9)
    ]
    # The later claim arrives first.
    for customer_id, minute in (("c-late", 6), ("c-early", 3)):
        claim = new_event(
            "identify", customer_id=customer_id, anonymous_id="kiosk", properties={}, occurred_at=at(minute)
        )
        for one in sent[::3]:
            producer.send(one)
        producer.send(claim)
        producer.flush()
        stack.drain()
    for one in sent:
        producer.send(one)
    producer.flush()
    stack.drain()

    counts = dict(stack.rows("SELECT customer_id, events_total FROM v_customer_360"))
    # Minutes 0 to 5 and the claim; 6 to 8 and the claim. Ties at one instant go by event id.
    at_6 = sent[6].event_id > claim_id(stack, "c-late")
    assert (counts["c-early"], counts["c-late"]) == ((7, 4) if at_6 else (8, 3))
    assert "anon:kiosk" not in counts


def claim_id(stack: Stack, customer_id: str) -> str:
    sql = "SELECT event_id FROM identity_links FINAL WHERE customer_id = {id:String} AND is_void = 0"
    ((event_id,),) = stack.rows(sql, id=customer_id)
    return str(event_id)
