"""Orders and refunds, case by case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import Event, at, insert_facts, insert_rows, order, refund

DAY = timedelta(days=1)
NOON = at("2026-03-10 12:00:00")


def orders(client: Client, events: list[Event], columns: str) -> list[tuple[Any, ...]]:
    insert_facts(client, events)
    return list(client.query(f"SELECT {columns} FROM v_orders ORDER BY order_id").result_rows)


def test_a_refund_may_come_before_its_order(client: Client) -> None:
    events = [refund("r1", "c-1", NOON - DAY, "o1", 400), order("o1", "c-1", NOON, 1_000)]
    assert orders(client, events, "refunded_minor, net_minor") == [(400, 600)]


def test_a_refund_without_an_order_is_no_order(client: Client) -> None:
    assert orders(client, [refund("r1", "c-1", NOON, "o1", 400)], "order_id") == []


def test_refunds_are_capped_at_the_total(client: Client) -> None:
    events = [order("o1", "c-1", NOON, 1_000), *(refund(f"r{i}", "c-1", NOON, "o1", 600) for i in range(2))]
    assert orders(client, events, "refunded_minor, net_minor, status") == [(1_000, 0, "refunded")]


def test_refunds_beyond_64_bits_are_capped_too(client: Client) -> None:
    largest = 2**63 - 1
    events = [
        order("o1", "c-1", NOON, largest),
        *(refund(f"r{i}", "c-1", NOON, "o1", largest) for i in range(3)),
    ]
    assert orders(client, events, "total_minor, refunded_minor, net_minor") == [(largest, largest, 0)]


def test_a_refund_in_another_currency_is_named_and_not_subtracted(client: Client) -> None:
    events = [
        order("o1", "c-1", NOON, 1_000),
        refund("r1", "c-1", NOON, "o1", 300),
        refund("r2", "c-1", NOON, "o1", 300, "USD"),
    ]
    assert orders(client, events, "refunded_minor, net_minor, status") == [(300, 700, "currency_mismatch")]


def test_a_refund_of_nothing_in_another_currency_is_a_mismatch(client: Client) -> None:
    events = [order("o1", "c-1", NOON, 1_000), refund("r1", "c-1", NOON, "o1", 0, "USD")]
    assert orders(client, events, "net_minor, status") == [(1_000, "currency_mismatch")]


def test_an_order_of_nothing_is_paid(client: Client) -> None:
    assert orders(client, [order("o1", "c-1", NOON, 0)], "total_minor, status") == [(0, "paid")]


def test_of_orders_with_one_id_the_earliest_counts_and_ties_go_by_event_id(client: Client) -> None:
    events = [
        order("e3", "c-1", NOON, 2, order_id="o1"),
        order("e2", "c-1", NOON, 3, order_id="o1"),
        order("e1", "c-1", NOON + DAY, 1, order_id="o1"),
    ]
    assert orders(client, events, "total_minor") == [(3,)]


def test_customers_may_use_the_same_order_id(client: Client) -> None:
    events = [order("e1", "c-1", NOON, 1, order_id="o1"), order("e2", "c-2", NOON, 2, order_id="o1")]
    assert sorted(orders(client, events, "customer_id, total_minor")) == [("c-1", 1), ("c-2", 2)]


def test_a_refund_counts_at_the_time_of_its_order(client: Client) -> None:
    insert_facts(
        client,
        [
            order("o1", "c-1", NOON, 1_000),
            order("o2", "c-1", NOON + 10 * DAY, 50),
            refund("r1", "c-1", NOON + 10 * DAY, "o1", 1_000),
        ],
    )
    rows = client.query(
        "SELECT window_name, orders, revenue_minor FROM v_customer_revenue ORDER BY 1"
    ).result_rows
    assert rows == [
        ("1h", 1, 50),
        ("24h", 1, 50),
        ("30d", 2, 50),
        ("7d", 1, 50),
        ("90d", 2, 50),
        ("all", 2, 50),
    ]


@pytest.mark.parametrize(
    ("currencies", "top"), [(("USD", "EUR"), "EUR"), (("USD", "USD", "EUR"), "USD"), (("JPY",), "JPY")]
)
def test_a_customers_currency_is_that_of_most_orders(
    client: Client, currencies: tuple[str, ...], top: str
) -> None:
    events = [order(f"o{i}", "c-1", NOON, 100, currency=code) for i, code in enumerate(currencies)]
    insert_facts(client, events)
    insert_rows(client, events)
    row = client.query("SELECT currency, revenue_minor_total, orders_total FROM v_customer_360").result_rows
    assert row == [(top, 100 * currencies.count(top), len(currencies))]


@pytest.mark.parametrize(
    ("currency", "major"), [("EUR", 12.34), ("JPY", 1234.0), ("KWD", 1.234), ("CLF", 0.1234)]
)
def test_zbar_is_in_major_units_of_its_currency(client: Client, currency: str, major: float) -> None:
    totals = enumerate((99_999, 1_234))
    insert_facts(
        client, [order(f"o{i}", "c-1", NOON + i * DAY, total, currency=currency) for i, total in totals]
    )
    assert client.query("SELECT zbar FROM v_purchase_summary").result_rows[0][0] == pytest.approx(major)


def test_an_order_after_the_cut_off_has_no_part_in_a_summary(client: Client) -> None:
    events = [
        order(f"o{i}", "c-1", NOON + i * DAY, 100, currency="EUR" if i < 2 else "USD") for i in range(6)
    ]
    insert_facts(client, [*events, order("late", "c-2", NOON + 9 * DAY, 1)])
    rows = client.query("SELECT * FROM v_purchase_summary_at(cutoff = '2026-03-11')").result_rows
    assert rows == [("c-1", 1, 1 / 7, 1 / 7, 1.0)]


def test_an_anonymous_visitor_has_no_purchase_summary(client: Client) -> None:
    insert_facts(client, [order("o1", "anon:a", NOON, 1), order("o2", "c-1", NOON, 1)])
    assert client.query("SELECT customer_id FROM v_purchase_summary").result_rows == [("c-1",)]
