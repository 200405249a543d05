"""v_live_visitors: who is here now, since when, and what they did last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.devices import identify, resolved, write
from tests.sql.expected_leads import Visit, visits
from tests.sql.lives import NEWEST, live, random_life
from tests.sql.scenario import Event, order
from tests.sql.test_pruning import granules
from tests.sql.test_views_against_plain_python import utc

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)


def shown(client: Client) -> dict[str, Visit]:
    rows = client.query(
        "SELECT customer_id, channel, since_at, last_at, last_type FROM v_live_visitors"
    ).result_rows
    result = {customer: Visit(*map(utc, row)) for customer, *row in rows}
    assert len(result) == len(rows), "a customer came twice"
    return result


def viewed(event_id: str, before: timedelta, customer_id: str = "c-1", **other: Any) -> Event:
    """A page viewed so long before as_of."""
    return Event(event_id, customer_id, "page_viewed", NEWEST - before, properties={"url": "/"}, **other)


def now(customer_id: str = "c-0") -> Event:
    """The event at as_of, by somebody else."""
    return viewed("now", timedelta(0), customer_id)


@pytest.mark.parametrize("seed", range(5))
def test_visits_are_those_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    assert shown(client) == visits(truth, NEWEST)


@pytest.mark.parametrize("seed", range(3))
def test_dense_visits_are_those_of_the_definitions(client: Client, seed: int) -> None:
    """A life of a hundred days within 40 hours: many are live, after pauses of any length."""
    events = [
        replace(event, at=NEWEST - (NEWEST - event.at) // MINUTE * SECOND) for event in random_life(seed)
    ]
    write(client, events)
    want = visits(resolved(events), NEWEST)
    assert len(want) > 2
    assert shown(client) == want


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_customer_view(client: Client, seed: int) -> None:
    live(client, seed)
    columns = "customer_id, is_anonymous, score, lead_score"
    visitors = client.query(f"SELECT {columns} FROM v_live_visitors").result_rows
    assert visitors
    assert set(visitors) <= set(client.query(f"SELECT {columns} FROM v_customer_360").result_rows)


@pytest.mark.parametrize(
    ("before", "is_live"), [(5 * MINUTE - MILLISECOND, True), (5 * MINUTE, False)], ids=["just", "no longer"]
)
def test_a_customer_is_live_for_five_minutes(client: Client, before: timedelta, is_live: bool) -> None:
    write(client, [viewed("e1", before), now()])
    assert ("c-1" in shown(client)) is is_live


@pytest.mark.parametrize(
    ("pause", "is_new"), [(30 * MINUTE, False), (30 * MINUTE + MILLISECOND, True)], ids=["30 min", "longer"]
)
def test_a_pause_of_more_than_half_an_hour_begins_a_new_visit(
    client: Client, pause: timedelta, is_new: bool
) -> None:
    write(client, [viewed("e1", MINUTE + pause), viewed("e2", MINUTE), now()])
    assert shown(client)["c-1"].since == NEWEST - (MINUTE if is_new else MINUTE + pause)


def test_of_a_visit_the_last_24_hours_are_seen(client: Client) -> None:
    write(client, [viewed(f"e{n}", n * 20 * MINUTE) for n in range(100)])
    assert shown(client)["c-1"].since == NEWEST - 24 * HOUR + 20 * MINUTE


def test_of_two_events_of_one_instant_the_one_with_the_larger_id_is_the_newest(client: Client) -> None:
    write(client, [viewed("b", MINUTE, channel="chat"), viewed("a", MINUTE), now()])
    assert shown(client)["c-1"].channel == "chat"


def test_the_newest_event_is_summed_up_as_in_the_timeline(client: Client) -> None:
    bought = order("o1", "c-1", NEWEST - MINUTE, 500)
    write(client, [viewed("e1", 2 * MINUTE), bought, now()])
    (row,) = client.query(
        "SELECT last_type, last_summary FROM v_live_visitors WHERE customer_id = 'c-1'"
    ).result_rows
    assert row == ("order_completed", "order completed: o1")
    assert client.query(
        "SELECT type, summary FROM v_events WHERE customer_id = 'c-1' ORDER BY occurred_at DESC LIMIT 1"
    ).result_rows == [row]


def test_a_visit_that_began_anonymous_goes_on_as_the_customers(client: Client) -> None:
    visit = [viewed("e1", 20 * MINUTE, "anon:a"), identify("i1", "c-1", "anon:a", NEWEST - MINUTE)]
    write(client, [*visit, now()])
    assert shown(client) == {
        "c-0": Visit("website", NEWEST, NEWEST, "page_viewed"),
        "c-1": Visit("website", NEWEST - 20 * MINUTE, NEWEST - MINUTE, "identify"),
    }


def test_a_visitor_whom_nobody_knows_is_shown(client: Client) -> None:
    write(client, [now("anon:a")])
    assert client.query("SELECT customer_id, is_anonymous, lead_score FROM v_live_visitors").result_rows == [
        ("anon:a", 1, 0)
    ]


def test_who_is_not_here_is_not_looked_at(client: Client) -> None:
    """Five-minute rows tell who is here; in all other tables these few are found by key."""
    earlier = f"toDateTime64('{NEWEST - 2 * HOUR:%Y-%m-%d %H:%M:%S}', 3, 'UTC')"
    who = "concat('c-', toString(number)) AS customer_id"
    for table, columns in {
        "events (event_id, type, customer_id, occurred_at)": f"'e', 'search_performed', {who}, {earlier}",
        "customer_state (customer_id, events_total)": f"{who}, 1",
        "customer_daily (customer_id, day, channel, events)": f"{who}, toDate({earlier}), 'website', 1",
        "customer_5m (customer_id, bucket_at, events)": f"{who}, {earlier}, 1",
    }.items():
        client.command(f"INSERT INTO {table} SELECT {columns} FROM numbers(50000)")
    write(client, [viewed("here", MINUTE, "c-42"), now("c-77")])
    read = granules(client, "SELECT * FROM v_live_visitors")
    assert set(shown(client)) == {"c-42", "c-77"}
    for table in ("events", "customer_state", "customer_daily", "lead_events"):
        chosen, there = read[table]
        assert there > 20, f"{table} is too small to tell"
        assert chosen <= 6, f"{table}: {chosen} of {there} granules"


def test_without_events_nobody_is_here(client: Client) -> None:
    assert shown(client) == {}
