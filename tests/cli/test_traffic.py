"""Made-up traffic is valid, reproducible, and looks like that of a shop."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from schemas.decode import Event, decode
from schemas.rejections import Rejection
from schemas.topics import CHANNEL_OF_TOPIC
from streams.ops.bad_records import bad_records
from streams.ops.demo_load import DemoLoad
from streams.ops.outgoing import Outgoing
from streams.ops.traffic import Traffic

START = datetime(2026, 11, 22, 5, tzinfo=timezone.utc)


def traffic(seed: int = 1, started_at: datetime = START) -> Traffic:
    return Traffic(seed=seed, customers=100, started_at=started_at)


def take(count: int, source: Traffic | DemoLoad) -> list[Outgoing]:
    return [source.next(START + timedelta(milliseconds=20 * number)) for number in range(count)]


def decoded(record: Outgoing, now: datetime = START) -> Event | Rejection:
    channel = CHANNEL_OF_TOPIC[record.topic]
    return decode(record.value, channel=channel, appended_at_ms=int(now.timestamp() * 1000))


@pytest.fixture(scope="module")
def events() -> list[Event]:
    found = [decoded(record) for record in take(8_000, traffic())]
    assert [event for event in found if isinstance(event, Rejection)] == []
    return [event for event in found if isinstance(event, Event)]


def test_equal_seeds_and_times_give_equal_events() -> None:
    assert take(500, traffic()) == take(500, traffic())


def test_another_seed_gives_other_events() -> None:
    assert take(500, traffic(seed=1)) != take(500, traffic(seed=2))


def test_another_start_repeats_no_event_id() -> None:
    first, second = (
        {json.loads(record.value or b"")["event_id"] for record in take(500, source)}
        for source in (traffic(), traffic(started_at=START + timedelta(milliseconds=1)))
    )

    assert len(first) == len(second) == 500
    assert not first & second


def test_an_event_occurs_at_the_time_that_is_given(events: list[Event]) -> None:
    start_ms = int(START.timestamp() * 1000)

    assert [event.occurred_at_ms for event in events] == [start_ms + 20 * number for number in range(8_000)]


def test_every_event_has_an_id_of_its_own(events: list[Event]) -> None:
    assert len({event.event_id for event in events}) == len(events)


def test_all_that_visitors_do_occurs(events: list[Event]) -> None:
    assert {event.type for event in events} == {
        "page_viewed",
        "product_viewed",
        "product_added",
        "search_performed",
        "form_submitted",
        "conversation_started",
        "message_sent",
        "conversation_ended",
        "identify",
        "order_completed",
        "order_refunded",
        "survey_answered",
        "referral_made",
    }
    assert {event.channel for event in events} == {"website", "chat", "purchase"}
    assert {event.properties["author"] for event in events if event.type == "message_sent"} == {
        "customer",
        "agent",
        "bot",
    }


def test_an_event_is_keyed_by_its_customer_or_else_by_its_visitor() -> None:
    for record in take(500, traffic()):
        event = decoded(record)
        assert isinstance(event, Event)
        assert record.key == event.key.encode()


def test_some_visitors_are_anonymous_and_some_of_them_log_in(events: list[Event]) -> None:
    anonymous = {event.anonymous_id for event in events if event.is_anonymous}
    logged_in = {event.anonymous_id for event in events if event.type == "identify"}

    assert anonymous > logged_in > set()


def test_few_customers_visit_often(events: list[Event]) -> None:
    visits = Counter(event.customer for event in events if not event.is_anonymous).most_common()
    often = sum(count for _, count in visits[:10])

    assert often > sum(count for _, count in visits[-50:])


def test_a_refund_is_of_an_order_of_the_same_customer_and_not_more_than_it(events: list[Event]) -> None:
    orders = {event.properties["order_id"]: event for event in events if event.type == "order_completed"}
    refunds = [event for event in events if event.type == "order_refunded"]

    assert refunds
    for refund in refunds:
        order = orders[refund.properties["order_id"]]
        assert refund.customer == order.customer
        assert refund.properties["currency"] == order.properties["currency"]
        assert refund.properties["amount_minor"] <= order.properties["total_minor"]


def test_an_order_adds_up(events: list[Event]) -> None:
    orders = [event.properties for event in events if event.type == "order_completed"]

    for order in orders:
        assert order["total_minor"] == sum(item["quantity"] * item["price_minor"] for item in order["items"])


def test_each_bad_record_is_rejected_with_its_reason() -> None:
    for reason, record in bad_records("run", START):
        judged = decoded(record)
        assert isinstance(judged, Rejection)
        assert judged.reason is reason


def test_the_load_of_the_demonstration_is_what_its_tally_says() -> None:
    load = DemoLoad(seed=1, started_at=START)

    sent = take(5_000, load)

    judged = [decoded(record, START + timedelta(minutes=5)) for record in sent]
    events = [event for event in judged if isinstance(event, Event)]
    rejected = Counter(item.reason.value for item in judged if isinstance(item, Rejection))
    assert len({event.event_id for event in events}) == load.tally.distinct
    assert len(events) == load.tally.distinct + load.tally.duplicates
    assert rejected == load.tally.bad
    assert len(rejected) == len(bad_records("run", START))
    assert load.tally.duplicates > 0


def test_a_second_delivery_repeats_the_bytes_of_the_first() -> None:
    sent = take(2_000, DemoLoad(seed=1, started_at=START))
    values = Counter(record.value for record in sent if isinstance(decoded(record), Event))

    assert max(values.values()) > 1
    assert all(json.loads(value or b"")["event_id"].startswith("g1-") for value in values)
