"""v_lifecycle, v_stickiness, v_active_days, in histories small enough to count by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from tests.sql.scenario import Event, at, insert_facts, insert_rows

DAY_0 = at("2026-03-02 12:00:00")


def visits(customer: str, *days: int) -> list[Event]:
    return [Event(f"{customer}{day}", customer, "page_viewed", DAY_0 + timedelta(days=day)) for day in days]


def write(client: Client, *events: Event) -> Client:
    insert_facts(client, events)
    insert_rows(client, list(events))
    return client


def lifecycle(client: Client, grain: str = "day") -> list[tuple[Any, ...]]:
    """new, returning, resurrecting, dormant, active, is_complete per period."""
    return list(
        client.query(
            "SELECT new, returning, resurrecting, dormant, active, is_complete FROM v_lifecycle"
            f" WHERE grain = '{grain}' ORDER BY period_start"
        ).result_rows
    )


def test_a_customer_is_new_then_returning_dormant_once_and_resurrecting(client: Client) -> None:
    write(client, *visits("anna", 0, 1, 4), *visits("ben", 1), *visits("anon:x", 0, 1, 2, 3, 4))
    assert lifecycle(client) == [
        (1, 0, 0, 0, 1, 1),
        (1, 1, 0, 0, 2, 1),
        (0, 0, 0, 2, 0, 1),
        (0, 0, 0, 0, 0, 1),
        (0, 0, 1, 0, 1, 0),
    ]


def test_neighbouring_weeks_return_whatever_the_days_between(client: Client) -> None:
    write(client, *visits("anna", 0, 13, 14))
    assert lifecycle(client, "week") == [(1, 0, 0, 0, 1, 1), (0, 1, 0, 0, 1, 1), (0, 1, 0, 0, 1, 0)]


def test_a_month_lies_between(client: Client) -> None:
    write(client, *visits("anna", 0, 61))
    assert lifecycle(client, "month") == [(1, 0, 0, 0, 1, 1), (0, 0, 0, 1, 0, 1), (0, 0, 1, 0, 1, 0)]


def test_a_day_a_week_and_a_month_of_customers(client: Client) -> None:
    write(client, *visits("anna", 0), *visits("ben", 6, 30), *visits("anon:x", 0, 31))
    rows = client.query("SELECT dau, wau, mau, dau_mau_ratio FROM v_stickiness ORDER BY day").result_rows
    assert len(rows) == 32
    assert rows[0] == (1, 1, 1, 1.0)
    assert rows[6] == (1, 2, 2, 0.5)
    assert rows[7] == (0, 1, 2, 0.0)
    assert rows[13] == (0, 0, 2, 0.0)
    assert rows[30] == (1, 1, 1, 1.0)
    assert rows[31] == (0, 1, 1, None), "the day of as_of has not ended"


def test_days_without_any_customer_have_no_ratio(client: Client) -> None:
    write(client, *visits("anon:x", 0, 2))
    rows = client.query("SELECT day, dau, wau, mau, dau_mau_ratio FROM v_stickiness ORDER BY day").result_rows
    assert rows == [(date(2026, 3, day), 0, 0, 0, None) for day in (2, 3, 4)]


def test_customers_by_their_active_days_among_the_last_thirty(client: Client) -> None:
    write(client, *visits("anna", 0, 1, 30), *visits("ben", 1, 1), *visits("cleo", 0), *visits("anon:x", 30))
    rows = client.query("SELECT active_days, customers FROM v_active_days ORDER BY active_days").result_rows
    assert rows == [(1, 1), (2, 1)]


def test_without_facts_there_are_no_rows(client: Client) -> None:
    for view in ("v_lifecycle", "v_stickiness", "v_active_days"):
        assert client.query(f"SELECT count() FROM {view}").result_rows == [(0,)]
