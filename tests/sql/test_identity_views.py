"""Views show a linked device's facts under its customers, against the same claims in plain Python."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql import expected
from tests.sql.devices import claims_of, random_visits, resolved, write
from tests.sql.scenario import Event, at, empty, grouped
from tests.sql.test_views_against_plain_python import keyed, utc

NEWEST = at("2026-03-29 10:07:00")
World = tuple[Client, list[Event], list[Event]]


@pytest.fixture(scope="module", params=range(6), ids=lambda seed: f"seed {seed}")
def world(request: pytest.FixtureRequest, session_client: Client) -> World:
    """A client, the events as sent, and the events as they belong to customers."""
    client = empty(session_client)
    events = random_visits(request.param, NEWEST)
    write(client, events, seed=request.param)
    return client, events, resolved(events)


def sessions(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    groups = grouped((e for e in events if e.session_id), lambda e: (e.customer_id, e.session_id))
    return {
        key: (
            min(e.at for e in group),
            max(e.at for e in group),
            len({e.event_id for e in group}),
            ", ".join(sorted({e.channel for e in group})),
        )
        for key, group in groups.items()
    }


def test_the_timeline_is_the_customers(world: World) -> None:
    client, events, truth = world
    assert {e.customer_id for e in events} > {e.customer_id for e in truth}, "no device was linked"
    rows = client.query("SELECT customer_id, occurred_at, type FROM v_events").result_rows
    assert Counter((customer, utc(time), type_) for customer, time, type_ in rows) == Counter(
        (event.customer_id, event.at, event.type) for event in truth
    )


def test_orders_are_the_customers(world: World) -> None:
    client, _, truth = world
    rows = keyed(client, "SELECT * FROM v_orders", 2)
    assert {key: tuple(map(utc, row)) for key, row in rows.items()} == expected.orders(truth)
    assert keyed(client, "SELECT * FROM v_customer_revenue", 3) == expected.revenue(truth, NEWEST)


def test_summaries_of_purchases_are_the_customers(world: World) -> None:
    client, _, truth = world
    want = expected.purchase_summary(truth, NEWEST.date())
    rows = keyed(client, "SELECT * FROM v_purchase_summary", 1)
    assert {customer: row for (customer,), row in rows.items()} == {
        c: pytest.approx(r) for c, r in want.items()
    }


def test_sessions_are_the_customers(world: World) -> None:
    client, _, truth = world
    rows = keyed(client, "SELECT * FROM v_sessions", 2)
    assert {key: tuple(map(utc, row)) for key, row in rows.items()} == sessions(truth)


def test_moved_rows_leave_no_window_and_no_customer(world: World) -> None:
    client, _, truth = world
    assert keyed(client, "SELECT * FROM v_customer_windows", 3) == expected.windows(truth, NEWEST)
    rows = client.query("SELECT * FROM v_customer_360").named_results()
    found = {row["customer_id"]: {name: utc(value) for name, value in row.items()} for row in rows}
    want = expected.customer_360(truth, NEWEST)
    assert found == {customer: {"customer_id": customer, **row} for customer, row in want.items()}


def test_a_lookup_of_one_customer_shows_what_the_whole_view_shows(world: World) -> None:
    client, events, truth = world
    for view in ("v_events", "v_orders", "v_sessions", "v_customer_360", "v_customer_revenue"):
        whole = grouped(client.query(f"SELECT * FROM {view}").result_rows, lambda row: row[0])
        for customer in {e.customer_id for e in events} | {e.customer_id for e in truth}:
            rows = client.query(f"SELECT * FROM {view} WHERE customer_id = {{id:String}}", {"id": customer})
            assert Counter(rows.result_rows) == Counter(whole.get(customer, [])), (view, customer)


def test_claims_are_what_events_say_however_often_they_are_delivered(world: World) -> None:
    client, events, _ = world
    rows = client.query(
        "SELECT anonymous_id, claimed_at, event_id, customer_id FROM identity_claims FINAL"
    ).result_rows
    assert Counter((a, (utc(t), e), c) for a, t, e, c in rows) == Counter(claims_of(events))


def test_the_facts_stay_as_sent(world: World) -> None:
    client, events, _ = world
    rows: list[tuple[str, str, datetime]] = client.query(
        "SELECT customer_id, event_id, occurred_at FROM events FINAL"
    ).result_rows  # type: ignore[assignment]
    assert Counter((c, e, utc(t)) for c, e, t in rows) == Counter(
        (e.customer_id, e.event_id, e.at) for e in events
    )
