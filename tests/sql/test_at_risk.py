"""Churn status at its boundaries, and what the table of transitions shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerTransitionRow
from tests.sql import expected
from tests.sql.scenario import Event, at, insert, insert_facts, insert_rows, order
from tests.sql.test_views_against_plain_python import keyed, utc

NOW = at("2026-06-15 12:00:00")


def ordered(customer: str, *days_ago: int) -> list[Event]:
    return [order(f"{customer}-{days}", customer, NOW - timedelta(days=days), 100) for days in days_ago]


def looks(customer: str, times: int) -> list[Event]:
    return [
        Event(f"{customer}-look-{number}", customer, "product_viewed", NOW - timedelta(days=number))
        for number in range(times)
    ]


def written(client: Client, events: list[Event]) -> None:
    insert_facts(client, events)
    insert_rows(client, events)


def test_each_status_begins_on_its_day_and_off_season_takes_a_score_of_thirty(client: Client) -> None:
    """With one order 30 days are expected, with a second one ten days after it 23 and a third."""
    events = [
        *ordered("active-until-tomorrow", 44),
        *ordered("at-risk-since-today", 45),
        *ordered("at-risk-until-tomorrow", 89),
        *ordered("churned-since-today", 90),
        *ordered("engaged-but-churned", 200),
        *looks("engaged-but-churned", 13),
        *ordered("not-quite-engaged", 200),
        *looks("not-quite-engaged", 12),
        *ordered("won-back-until-today", 129, 29),
        *ordered("won-back-until-yesterday", 230, 30),
        *ordered("two-orders", 100, 90),
        *ordered("anon:visitor", 90),
        *looks("prospect", 1),
    ]
    written(client, events)

    rows = keyed(client, "SELECT * FROM v_at_risk", 1)
    everybody = keyed(client, "SELECT customer_id, churn_status, is_off_season FROM v_customer_360", 1)

    shown = {customer: tuple(map(utc, row)) for (customer,), row in rows.items()}
    assert shown == expected.at_risk(events, NOW)
    assert {customer: row for (customer,), row in everybody.items()} == {
        "active-until-tomorrow": ("active", 0),
        "at-risk-since-today": ("at_risk", 0),
        "at-risk-until-tomorrow": ("at_risk", 0),
        "churned-since-today": ("churned", 0),
        "engaged-but-churned": ("churned", 1),
        "not-quite-engaged": ("churned", 0),
        "won-back-until-today": ("won_back", 0),
        "won-back-until-yesterday": ("active", 0),
        "two-orders": ("churned", 0),
        "anon:visitor": (None, 0),
        "prospect": ("prospect", 0),
    }


def change(days_ago: int, to_status: str, n_applied: int, is_retracted: int = 0) -> tuple[Any, ...]:
    at_risk_since = NOW - timedelta(days=days_ago)
    return ("c-1", at_risk_since, "active", to_status, "why", 45, 30.0, 1.5, is_retracted, 0, n_applied)


def test_what_was_taken_back_and_what_has_not_happened_yet_is_not_shown(client: Client) -> None:
    written(client, looks("c-1", 1))
    changes = [change(9, "at_risk", 1), change(8, "churned", 1), change(-1, "active", 1)]
    insert(client, CustomerTransitionRow, changes)
    insert(client, CustomerTransitionRow, [change(8, "churned", 2, is_retracted=1)])

    assert client.query("SELECT to_status FROM v_transitions").result_rows == [("at_risk",)]
