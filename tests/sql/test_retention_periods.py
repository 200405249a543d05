"""v_retention_period: who is held, retained, churned, in histories small enough to count by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerDailyRow
from tests.sql.scenario import Event, at, insert, insert_facts, insert_rows, order

COUNTS = "customers_start, customers_end, customers_new, customers_won_back"
RATES = "retention_rate_pct, retention_strict_pct, churn_net_pct, churn_gross_pct"


def tick(time: str) -> Event:
    """A fact of a visitor who is no customer: all it does is to move the clock."""
    return Event("tick", "anon:visitor", "page_viewed", at(time))


def orders(*placed: str) -> list[Event]:
    """`orders("anna 2026-01-05", …)`: orders at noon."""
    pairs = [text.split() for text in placed]
    return [order(f"o{n}", name, at(f"{day} 12:00:00"), 1) for n, (name, day) in enumerate(pairs)]


def write(client: Client, *events: Event) -> None:
    insert_facts(client, events)
    insert_rows(client, list(events))


def months(client: Client, columns: str, basis: str = "purchase") -> dict[str, tuple[Any, ...]]:
    rows = client.query(
        f"SELECT period_start, {columns} FROM v_retention_period WHERE grain = 'month' AND basis = '{basis}'"
    ).result_rows
    return {f"{start:%Y-%m}": tuple(row) for start, *row in rows}


@pytest.fixture
def shop(client: Client) -> Client:
    """Anna buys each month; Ben and Cleo once, Ben again after a long time; Dora and Emil are new in May."""
    anna = [f"anna 2026-{month:02}-10" for month in range(1, 8)]
    others = ["ben 2026-01-20", "ben 2026-05-20", "cleo 2026-01-30", "dora 2026-05-03", "emil 2026-05-04"]
    write(client, *orders(*anna, *others), tick("2026-07-15 00:00:00"))
    return client


def test_customers_are_held_for_ninety_days(shop: Client) -> None:
    assert months(shop, COUNTS) == {
        "2026-01": (0, 3, 3, 0),
        "2026-02": (3, 3, 0, 0),
        "2026-03": (3, 3, 0, 0),
        "2026-04": (3, 1, 0, 0),
        "2026-05": (1, 4, 2, 1),
        "2026-06": (4, 4, 0, 0),
        "2026-07": (4, 4, 0, 0),
    }


def test_the_rates_follow_their_formulas(shop: Client) -> None:
    rates = months(shop, RATES)
    assert rates["2026-01"] == (None,) * 4, "nobody was held at the start"
    assert rates["2026-04"] == (1 / 3 * 100, 1 / 3 * 100, 2 / 3 * 100, 100 - 1 / 3 * 100)
    assert rates["2026-05"] == (200.0, 100.0, -300.0, 0.0), (
        "the won back raise the rate, but not the strict one"
    )


def test_a_period_that_has_not_ended_has_no_rates(shop: Client) -> None:
    complete = months(shop, f"is_complete, {RATES}")
    assert [month for month, row in complete.items() if not row[0]] == ["2026-07"]
    assert complete["2026-07"] == (0, None, None, None, None)


def test_a_period_ends_the_moment_the_next_one_starts(client: Client) -> None:
    write(client, *orders("anna 2026-01-10"), tick("2026-02-01 00:00:00"))
    assert months(client, "is_complete") == {"2026-01": (1,), "2026-02": (0,)}


@pytest.mark.parametrize(
    ("ordered_at", "held_on"),
    [("2026-01-01 00:00:00", "2026-04-01"), ("2025-12-31 23:59:59.999", "2026-03-31")],
)
def test_the_day_that_holds_last_is_the_ninetieth(client: Client, ordered_at: str, held_on: str) -> None:
    write(client, order("o1", "anna", at(ordered_at), 1), tick("2026-06-01 00:00:00"))
    starts = client.query(
        "SELECT max(period_start) FROM v_retention_period"
        " WHERE grain = 'day' AND basis = 'purchase' AND customers_start = 1"
    ).result_rows
    assert starts == [(date.fromisoformat(held_on),)]


def test_engagement_holds_without_an_order_but_an_agents_message_does_not(client: Client) -> None:
    agent = Event(
        "m1", "ben", "message_sent", at("2026-01-02 10:00:00"), "chat", properties={"author": "agent"}
    )
    seen = Event("e1", "anna", "page_viewed", at("2026-01-02 10:00:00"))
    write(client, agent, seen, tick("2026-02-01 00:00:00"))
    assert months(client, COUNTS, "engagement")["2026-01"] == (0, 1, 1, 0)
    assert months(client, COUNTS)["2026-01"] == (0, 0, 0, 0)


def test_rows_begin_with_the_first_fact_even_if_it_is_a_visitors(client: Client) -> None:
    visitor = Event("e1", "anon:x", "page_viewed", at("2025-11-30 23:59:59.999"))
    write(client, visitor, *orders("anna 2026-02-10"))
    assert list(months(client, COUNTS)) == ["2025-11", "2025-12", "2026-01", "2026-02"]


def test_without_facts_there_are_no_rows(client: Client) -> None:
    assert client.query("SELECT count() FROM v_retention_period").result_rows == [(0,)]


def test_a_row_that_was_emptied_holds_nobody(client: Client) -> None:
    write(client, *orders("anna 2026-01-10", "ben 2026-01-10"), tick("2026-02-01 00:00:00"))
    emptied = ("anna", date(2026, 1, 10), "purchase", 0, {}, 0, 0, 0, 0, 2)
    insert(client, CustomerDailyRow, [emptied])
    assert months(client, COUNTS)["2026-01"] == (0, 1, 1, 0)
    assert months(client, COUNTS, "engagement")["2026-01"] == (0, 1, 1, 0)


def test_days_after_as_of_do_not_count_yet(client: Client) -> None:
    write(client, *orders("anna 2026-01-10"), tick("2026-01-20 00:00:00"))
    insert_rows(client, orders("ben 2026-01-21"))
    assert months(client, COUNTS) == {"2026-01": (0, 1, 1, 0)}


@pytest.fixture
def thirty_days(client: Client) -> Iterator[Client]:
    """A database in which an order holds for 30 days."""
    setting = "INSERT INTO settings (key, value) VALUES ('retention_days', '{}')"
    client.command(setting.format(30))
    yield client
    client.command(setting.format(90))


def test_how_long_an_order_holds_is_a_setting(thirty_days: Client) -> None:
    write(thirty_days, *orders("anna 2026-01-10"), tick("2026-04-01 00:00:00"))
    assert [row[1] for row in months(thirty_days, COUNTS).values()] == [1, 0, 0, 0]


def test_of_a_longer_period_early_orders_hold_nobody_at_its_end(thirty_days: Client) -> None:
    write(
        thirty_days,
        *orders("anna 2026-01-10", "ben 2026-01-10", "ben 2026-03-10"),
        tick("2026-04-01 00:00:00"),
    )
    rows = thirty_days.query(
        f"SELECT {COUNTS} FROM v_retention_period WHERE grain = 'quarter' AND basis = 'purchase'"
        " ORDER BY period_start"
    ).result_rows
    assert rows == [(0, 1, 1, 0), (1, 0, 0, 0)]


def test_the_daily_rows_are_read_once_for_one_grain_and_basis(shop: Client) -> None:
    one_grain = "SELECT * FROM v_retention_period WHERE grain = 'month' AND basis = 'purchase'"
    assert daily_rows_read(shop, one_grain) == daily_rows_read(shop, "SELECT * FROM customer_daily") > 0


def daily_rows_read(client: Client, query: str) -> int:
    estimate = client.query(f"EXPLAIN ESTIMATE {query}").named_results()
    return sum(row["rows"] for row in estimate if row["table"] == "customer_daily")
