"""What is delivered or written again changes nothing that a view shows, merged or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import Event, at, insert_facts, insert_rows, order, random_events, refund, tables

VIEWS = (
    "v_clock",
    "v_customer_360",
    "v_customer_windows",
    "v_customer_revenue",
    "v_events",
    "v_orders",
    "v_sessions",
    "v_activity_5m",
    "v_purchase_summary",
)
NEWEST = at("2026-03-29 10:00:00")


def shown(client: Client) -> dict[str, list[Any]]:
    """All rows of all views, each view sorted."""
    return {view: sorted(map(repr, client.query(f"SELECT * FROM {view}").result_rows)) for view in VIEWS}


def merge(client: Client) -> None:
    for table in tables(client):
        client.command(f"OPTIMIZE TABLE {table} FINAL")


def test_a_replay_changes_no_view(client: Client) -> None:
    events = random_events(7, NEWEST)
    insert_facts(client, events)
    insert_rows(client, events)
    once = shown(client)
    assert all(once.values()), "an empty view proves nothing"
    insert_facts(client, events[::-1], appended_at=at("2026-07-01 00:00:00"))
    insert_rows(client, events)
    assert shown(client) == once
    merge(client)
    assert shown(client) == once


def test_one_insert_or_many_give_the_same_views(client: Client) -> None:
    events = random_events(8, NEWEST, n=60)
    insert_facts(client, events)
    at_once = shown(client)
    for table in tables(client):
        client.command(f"TRUNCATE TABLE {table}")
    for start in range(0, len(events), 10):
        insert_facts(client, events[start : start + 10])
    assert shown(client) == at_once


def test_the_row_with_the_lower_version_loses(client: Client) -> None:
    events = random_events(9, NEWEST, n=60)
    insert_facts(client, events)
    insert_rows(client, events, epoch=1, n_applied=2)
    truth = shown(client)
    for epoch, n_applied in ((1, 1), (0, 2**40 - 1)):
        insert_rows(client, events[: len(events) // 2], epoch=epoch, n_applied=n_applied)
    assert shown(client) == truth


def test_a_higher_epoch_beats_any_count_of_the_lower_one(client: Client) -> None:
    event = Event("e1", "c-1", "page_viewed", NEWEST)
    insert_rows(client, [event, Event("e2", "c-1", "page_viewed", NEWEST)], epoch=0, n_applied=2**40 - 1)
    insert_rows(client, [event], epoch=1, n_applied=0)
    assert client.query("SELECT events_total FROM v_customer_360").result_rows == [(1,)]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("earlier_first", [False, True])
def test_of_two_deliveries_of_an_event_the_earlier_one_is_the_fact(
    client: Client, earlier_first: bool, merged: bool
) -> None:
    time = at("2026-06-01 00:00:00")
    deliveries = [(time, 100), (time + timedelta(milliseconds=1), 200)]
    for appended_at, total in deliveries if earlier_first else deliveries[::-1]:
        insert_facts(client, [order("e1", "c-1", NEWEST, total)], appended_at=appended_at)
    if merged:
        merge(client)
    assert client.query("SELECT total_minor FROM v_orders").result_rows == [(100,)]
    assert client.query("SELECT JSONExtractInt(properties, 'total_minor') FROM events FINAL").result_rows == [
        (100,)
    ]


def test_within_a_millisecond_the_smaller_offset_is_earlier(client: Client) -> None:
    for offset in (5, 4, 6):
        client.command(
            "INSERT INTO events (event_id, customer_id, occurred_at, source_offset, appended_at)"
            f" VALUES ('e1', 'c-1', '2026-01-01 00:00:00', {offset}, '2026-06-01 00:00:00.123')"
        )
    assert client.query("SELECT source_offset FROM events FINAL").result_rows == [(4,)]


def test_a_refund_delivered_twice_is_subtracted_once(client: Client) -> None:
    for _ in range(2):
        insert_facts(client, [order("e1", "c-1", NEWEST, 1_000), refund("r1", "c-1", NEWEST, "e1", 300)])
    assert client.query("SELECT net_minor, status FROM v_orders").result_rows == [(700, "partly_refunded")]


def test_customers_may_use_the_same_event_id(client: Client) -> None:
    insert_facts(client, [Event("e1", customer, "page_viewed", NEWEST) for customer in ("c-1", "c-2")])
    assert client.query("SELECT events, customers FROM v_activity_5m").result_rows == [(2, 2)]
    assert client.query("SELECT count() FROM v_events").result_rows == [(2,)]
