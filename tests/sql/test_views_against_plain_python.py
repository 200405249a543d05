"""Every view against the same numbers computed from the events in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql import expected
from tests.sql.scenario import UTC, Event, at, empty, grouped, insert_facts, insert_rows, random_events

World = tuple[Client, list[Event], datetime]

# The first instant of a day, its last, and one in the middle: windows are aligned to buckets, not to as_of.
NEWEST = (at("2026-03-29 00:00:00"), at("2026-03-01 23:59:59.999"), at("2024-02-29 12:34:56.789"))


@pytest.fixture(
    scope="module", params=list(enumerate(NEWEST)), ids=lambda param: f"as_of {param[1]:%m-%d %H:%M}"
)
def world(request: pytest.FixtureRequest, session_client: Client) -> World:
    client = empty(session_client)
    seed, newest = request.param
    events = random_events(seed, newest)
    insert_facts(client, events)
    insert_rows(client, events)
    return client, events, newest


def keyed(client: Client, sql: str, key_columns: int) -> dict[Any, tuple[Any, ...]]:
    """Rows by their first columns; a key that comes twice fails."""
    rows = client.query(sql).result_rows
    result = {row[:key_columns]: tuple(row[key_columns:]) for row in rows}
    assert len(result) == len(rows), "a key came twice"
    return result


def utc(value: Any) -> Any:
    """The HTTP client gives UTC columns as naive datetimes."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def test_as_of_is_the_newest_event(world: World) -> None:
    client, _, newest = world
    assert utc(client.query("SELECT as_of FROM v_clock").result_rows[0][0]) == newest


def test_customer_windows(world: World) -> None:
    client, events, as_of = world
    assert keyed(client, "SELECT * FROM v_customer_windows", 3) == expected.windows(events, as_of)


def test_orders(world: World) -> None:
    client, events, _ = world
    rows = keyed(client, "SELECT * FROM v_orders", 2)
    assert {key: tuple(map(utc, row)) for key, row in rows.items()} == expected.orders(events)


def test_revenue(world: World) -> None:
    client, events, as_of = world
    assert keyed(client, "SELECT * FROM v_customer_revenue", 3) == expected.revenue(events, as_of)


def test_customer_360(world: World) -> None:
    client, events, as_of = world
    result = client.query("SELECT * FROM v_customer_360")
    rows = {row["customer_id"]: row for row in result.named_results()}
    actual = {
        customer: {k: utc(v) for k, v in row.items() if k != "customer_id"} for customer, row in rows.items()
    }
    assert actual == expected.customer_360(events, as_of)


def test_at_risk(world: World) -> None:
    client, events, as_of = world
    rows = keyed(client, "SELECT * FROM v_at_risk", 1)
    assert {customer: tuple(map(utc, row)) for (customer,), row in rows.items()} == expected.at_risk(
        events, as_of
    )


def test_purchase_summary_at_any_cut_off(world: World) -> None:
    client, events, as_of = world
    for days_before in (0, 3, 40):
        cutoff: date = as_of.date() - timedelta(days=days_before)
        rows = keyed(
            client, f"SELECT customer_id, x, t_x, T, zbar FROM v_purchase_summary_at(cutoff='{cutoff}')", 1
        )
        want = expected.purchase_summary(events, cutoff)
        assert {customer: row for (customer,), row in rows.items()} == {
            customer: pytest.approx(row) for customer, row in want.items()
        }


def test_purchase_summary_is_the_one_at_the_date_of_as_of(world: World) -> None:
    client, _, as_of = world
    now = keyed(client, "SELECT * FROM v_purchase_summary", 1)
    assert now
    assert now == keyed(client, f"SELECT * FROM v_purchase_summary_at(cutoff='{as_of:%Y-%m-%d}')", 1)


def test_sessions(world: World) -> None:
    client, events, _ = world
    sessions = grouped((e for e in events if e.session_id), lambda e: (e.customer_id, e.session_id))
    want = {
        key: (
            min(e.at for e in group),
            max(e.at for e in group),
            len(group),
            ", ".join(sorted({e.channel for e in group})),
        )
        for key, group in sessions.items()
    }
    rows = keyed(client, "SELECT * FROM v_sessions", 2)
    assert {key: tuple(map(utc, row)) for key, row in rows.items()} == want


def test_activity(world: World) -> None:
    client, events, _ = world
    counts: Counter[Any] = Counter()
    customers = defaultdict(set)
    for event in events:
        bucket = event.at.replace(minute=event.at.minute // 5 * 5, second=0, microsecond=0)
        counts[bucket, event.channel, event.type] += 1
        customers[bucket, event.channel, event.type].add(event.customer_id)
    rows = keyed(client, "SELECT * FROM v_activity_5m", 3)
    assert {tuple(map(utc, key)): row for key, row in rows.items()} == {
        key: (n, len(customers[key])) for key, n in counts.items()
    }


def test_the_timeline_has_every_event_once_in_one_line(world: World) -> None:
    client, events, _ = world
    rows = client.query("SELECT customer_id, occurred_at, type, summary FROM v_events").result_rows
    assert Counter((customer, utc(time), type_) for customer, time, type_, _ in rows) == Counter(
        (event.customer_id, event.at, event.type) for event in events
    )
    assert all(summary and "\n" not in summary for *_, summary in rows)
