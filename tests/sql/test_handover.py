"""v_channel_handover and v_chat_assisted, against the same numbers in plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.devices import identify, write
from tests.sql.lives import live
from tests.sql.scenario import (
    Event,
    at,
    canonical_orders,
    engagement_events,
    grouped,
    insert_facts,
    order,
    random_events,
)
from tests.sql.test_views_against_plain_python import keyed

NOON = at("2026-03-10 12:00:00")
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
MARCH = date(2026, 3, 1)


def expected_handovers(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    gaps = defaultdict(list)
    for mine in grouped(engagement_events(events), lambda event: event.customer_id).values():
        for a, b in pairwise(sorted(mine, key=lambda event: (event.at, event.event_id))):
            if a.channel != b.channel and b.at - a.at <= DAY:
                month = b.at.date().replace(day=1)
                gaps[a.channel, b.channel, month].append((b.at - a.at).total_seconds())
    return {key: (len(all_gaps), pytest.approx(median(all_gaps))) for key, all_gaps in gaps.items()}


def expected_assisted(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    starts = defaultdict(list)
    for event in events:
        if event.type == "conversation_started":
            starts[event.customer_id].append(event.at)
    by_month = defaultdict(list)
    for (customer, _), placed in canonical_orders(events).items():
        assisted = any(placed.at - DAY <= start < placed.at for start in starts[customer])
        by_month[placed.at.date().replace(day=1)].append(assisted)
    return {
        (month,): (len(orders), sum(orders), pytest.approx(100 * sum(orders) / len(orders)))
        for month, orders in by_month.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_handovers_are_those_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    want = expected_handovers(truth)
    assert len(want) > 6
    assert keyed(client, "SELECT * FROM v_channel_handover", 3) == want


@pytest.mark.parametrize("seed", range(5))
def test_assisted_orders_are_those_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    assert keyed(client, "SELECT * FROM v_chat_assisted", 1) == expected_assisted(truth)


def test_dense_histories_have_assisted_orders(client: Client) -> None:
    events = [
        Event(e.event_id, "c-1", "conversation_started", e.at, "chat") if e.type == "page_viewed" else e
        for e in random_events(5, NOON)
    ]
    insert_facts(client, events)
    want = expected_assisted(events)
    assert any(row[1] for row in want.values())
    assert keyed(client, "SELECT * FROM v_chat_assisted", 1) == want


def on(channel: str, event_id: str, time: datetime, customer_id: str = "c-1") -> Event:
    return Event(event_id, customer_id, "searched_help", time, channel)


@pytest.mark.parametrize(("gap", "is_handover"), [(DAY, True), (DAY + MILLISECOND, False)])
def test_a_handover_takes_24_hours_at_most(client: Client, gap: timedelta, is_handover: bool) -> None:
    insert_facts(client, [on("website", "e1", NOON), on("chat", "e2", NOON + gap)])
    assert bool(client.query("SELECT * FROM v_channel_handover").result_rows) is is_handover


def test_events_of_one_instant_follow_by_event_id(client: Client) -> None:
    insert_facts(client, [on("chat", "b", NOON), on("website", "a", NOON), on("website", "c", NOON + DAY)])
    assert keyed(client, "SELECT * FROM v_channel_handover", 3) == {
        ("website", "chat", MARCH): (1, 0.0),
        ("chat", "website", MARCH): (1, 86_400.0),
    }


def test_only_the_next_engagement_event_counts(client: Client) -> None:
    """An order that another one supersedes, and what an agent writes, are none."""
    agent = Event("e2", "c-1", "message_sent", NOON, "chat", properties={"author": "agent"})
    insert_facts(
        client,
        [
            order("o1", "c-1", NOON - 2 * DAY, 500, order_id="o"),
            on("website", "e1", NOON - MILLISECOND),
            agent,
            order("o2", "c-1", NOON, 500, order_id="o"),
            on("website", "e3", NOON + DAY),
        ],
    )
    assert client.query("SELECT * FROM v_channel_handover").result_rows == []


def test_a_visit_and_the_customer_behind_it_make_one_history(client: Client) -> None:
    events = [on("website", "e1", NOON, "anon:a"), on("chat", "e2", NOON + timedelta(minutes=1))]
    insert_facts(client, events)
    assert client.query("SELECT * FROM v_channel_handover").result_rows == []
    write(client, [*events, identify("i1", "c-1", "anon:a", NOON + DAY)])
    assert keyed(client, "SELECT * FROM v_channel_handover", 3) == {("website", "chat", MARCH): (1, 60.0)}


@pytest.mark.parametrize(
    ("before", "assisted"),
    [(timedelta(0), 0), (MILLISECOND, 1), (DAY, 1), (DAY + MILLISECOND, 0)],
    ids=["at once", "a moment before", "a day before", "earlier"],
)
def test_an_order_is_assisted_by_a_conversation_of_the_day_before(
    client: Client, before: timedelta, assisted: int
) -> None:
    started = Event("e1", "c-1", "conversation_started", NOON - before, "chat")
    insert_facts(client, [started, order("o1", "c-1", NOON, 500)])
    assert keyed(client, "SELECT * FROM v_chat_assisted", 1) == {(MARCH,): (1, assisted, 100.0 * assisted)}


def test_the_conversation_of_a_device_assists_its_customers_order(client: Client) -> None:
    started = Event("e1", "anon:a", "conversation_started", NOON - MILLISECOND, "chat")
    write(
        client, [started, order("o1", "c-1", NOON, 500), identify("i1", "c-1", "anon:a", NOON + MILLISECOND)]
    )
    assert keyed(client, "SELECT * FROM v_chat_assisted", 1) == {(MARCH,): (1, 1, 100.0)}
