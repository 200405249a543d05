"""v_repeat_purchase, v_customer_value and v_rfm, against the same numbers in plain Python."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import product

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql import expected_value
from tests.sql.lives import NEWEST, live
from tests.sql.scenario import Event, at, insert_facts, order, random_events, refund
from tests.sql.test_views_against_plain_python import keyed

DAY = timedelta(days=1)


def check(client: Client, events: list[Event]) -> None:
    today = max(event.at for event in events).date()
    assert keyed(client, "SELECT * FROM v_repeat_purchase", 1) == expected_value.repeat_purchase(
        events, today
    )
    assert keyed(client, "SELECT * FROM v_customer_value", 2) == expected_value.customer_value(events, today)
    assert keyed(client, "SELECT * FROM v_rfm", 2) == expected_value.rfm(events, today)


@pytest.mark.parametrize("seed", range(4))
def test_value_of_customers_and_their_devices(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    check(client, truth)


@pytest.mark.parametrize("seed", range(4))
def test_value_of_customers(client: Client, seed: int) -> None:
    events = random_events(seed, NEWEST)
    insert_facts(client, events)
    check(client, events)


def purchases(seed: int, customers: int) -> list[Event]:
    """Orders of three years, of few amounts and days, so that there are many ties."""
    rng = random.Random(seed)
    events = [
        order(
            f"e{customer}-{number}",
            f"c-{customer}",
            NEWEST - DAY * rng.choice((0, 1, 29, 30, 89, 90, 364, 365, 400, 1000)),
            rng.choice((0, 100, 100, 2_500, rng.randrange(10**6))),
            currency=rng.choice(("EUR", "EUR", "USD")),
        )
        for customer in range(customers)
        for number in range(rng.choice((1, 1, 1, 2, 5)))
    ]
    refunds = [refund(f"r-{e.event_id}", e.customer_id, NEWEST, e.event_id, 60) for e in events[::7]]
    return [*events, *refunds, Event("newest", "c-0", "page_viewed", NEWEST)]


@pytest.mark.parametrize("customers", [1, 4, 5, 6, 7, 9, 12, 400])
def test_value_with_any_number_of_customers(client: Client, customers: int) -> None:
    events = purchases(customers, customers)
    insert_facts(client, events)
    check(client, events)


def test_quintiles_of_five_customers_are_one_each(client: Client) -> None:
    insert_facts(client, [order(f"e{i}", f"c-{i}", NEWEST - i * DAY, 100 - i) for i in range(5)])
    rows = keyed(client, "SELECT customer_id, recency_days, r, f, m FROM v_rfm", 1)
    assert rows == {(f"c-{i}",): (i, 5 - i, 1, 5 - i) for i in range(5)}


def test_with_fewer_than_five_customers_nobody_is_scored(client: Client) -> None:
    insert_facts(client, [order(f"e{i}", f"c-{i}", NEWEST, 100) for i in range(4)])
    assert set(client.query("SELECT r, f, m, segment FROM v_rfm").result_rows) == {(None,) * 4}


def test_every_score_has_a_segment_and_every_segment_a_score() -> None:
    found = {expected_value.segment(*score) for score in product(range(1, 6), repeat=3)}
    assert found == {name for name, *_ in expected_value.SEGMENTS} | {"other"}


def test_an_order_of_today_has_no_frequency_yet(client: Client) -> None:
    insert_facts(client, [order("e1", "c-1", at("2026-03-10 00:00:00"), 999), order("e2", "c-1", NEWEST, 0)])
    insert_facts(client, [order("e3", "c-2", NEWEST, 500), refund("r1", "c-2", NEWEST, "e3", 900)])
    assert keyed(client, "SELECT * FROM v_customer_value", 2) == {
        ("c-1", "EUR"): (2, 999, 499.5, pytest.approx(60 / 19)),
        ("c-2", "EUR"): (1, 0, 0.0, None),
    }


def test_without_orders_every_window_is_empty(client: Client) -> None:
    insert_facts(client, [order("e1", "anon:a", NEWEST, 999)])
    empty = (0, 0, None)
    assert keyed(client, "SELECT * FROM v_repeat_purchase", 1) == {
        (window,): empty for window in ("30d", "90d", "365d", "all")
    }
    assert client.query("SELECT * FROM v_customer_value").result_rows == []
    assert client.query("SELECT * FROM v_rfm").result_rows == []
