"""v_retention_cohort: the fixture of the metric dictionary, and what a cohort is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import Event, at, insert_facts, insert_rows, order

DAY_0 = at("2026-03-02 12:00:00")
END_OF_DAY_6 = Event("tick", "anon:visitor", "page_viewed", at("2026-03-09 00:00:00"))


def orders(customer: str, *days: int) -> list[Event]:
    return [order(f"{customer}{day}", customer, DAY_0 + timedelta(days=day), 1) for day in days]


def write(client: Client, *events: Event) -> None:
    insert_facts(client, events)
    insert_rows(client, list(events))


def cohorts(
    client: Client, columns: str, grain: str = "day", basis: str = "purchase"
) -> list[tuple[Any, ...]]:
    return list(
        client.query(
            f"SELECT {columns} FROM v_retention_cohort WHERE grain = '{grain}' AND basis = '{basis}'"
            " ORDER BY cohort_start, k"
        ).result_rows
    )


@pytest.mark.parametrize("basis", ["purchase", "engagement"])
def test_three_customers_who_return_on_day_1_on_day_5_and_never(client: Client, basis: str) -> None:
    write(client, *orders("anna", 0, 1), *orders("ben", 0, 5), *orders("cleo", 0), END_OF_DAY_6)
    rows = cohorts(client, "k, size, round(on_pct, 1), round(on_or_after_pct, 1), is_complete", basis=basis)
    on = (100.0, 33.3, 0.0, 0.0, 0.0, 33.3, 0.0)
    on_or_after = (100.0, 66.7, 33.3, 33.3, 33.3, 33.3, 0.0)
    assert rows == [
        *((k, 3, a, b, 1) for k, (a, b) in enumerate(zip(on, on_or_after, strict=True))),
        (7, 3, None, None, 0),
    ]


def test_a_customer_belongs_to_the_cohort_of_the_first_order_only(client: Client) -> None:
    write(client, *orders("anna", 0, 2), *orders("ben", 2), END_OF_DAY_6)
    assert cohorts(client, "DISTINCT toString(cohort_start), size") == [("2026-03-02", 1), ("2026-03-04", 1)]


def test_a_visitor_founds_no_cohort(client: Client) -> None:
    write(client, *orders("anon:x", 0), END_OF_DAY_6)
    assert client.query("SELECT count() FROM v_retention_cohort").result_rows == [(0,)]


def test_two_orders_in_a_period_are_one_visit(client: Client) -> None:
    write(client, *orders("anna", 0, 1, 1, 6), *orders("ben", 0), END_OF_DAY_6)
    assert cohorts(client, "k, size, on_pct, on_or_after_pct", "week") == [
        (0, 2, 100.0, 100.0),
        (1, 2, None, None),
    ]


def test_the_period_that_has_not_ended_counts_as_later(client: Client) -> None:
    write(client, *orders("anna", 0, 7), *orders("ben", 0))
    assert cohorts(client, "k, on_or_after_pct", "week") == [(0, 100.0), (1, None)]
    assert cohorts(client, "k, on_or_after_pct")[6] == (6, 50.0)
