"""Random histories: the definitions keep their invariants, and the views equal the definitions."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql import retention_expected as expected
from tests.sql.scenario import Event, at, insert_facts, insert_rows, order

START = at("2023-12-20 00:00:00")
HELD_DAYS = (1, 6, 30, 90, 91, 92, 400)
CUSTOMERS = ("anna", "ben", "cleo", "dora", "anon:x")
KINDS = ("page_viewed", "page_viewed", "order", "order", "repeated order", "agent message")
#: Day boundaries are where periods begin and end.
EDGES = (timedelta(), timedelta(hours=12), timedelta(days=1, milliseconds=-1))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events of few customers over up to 400 days. The last event is a visitor's: it sets the clock only."""
    length = draw(st.sampled_from((3, 40, 400)))
    moments = st.tuples(
        st.sampled_from(CUSTOMERS), st.integers(0, length), st.sampled_from(EDGES), st.sampled_from(KINDS)
    )
    events = [
        event(f"e{n}", customer, START + timedelta(days=day) + edge, kind)
        for n, (customer, day, edge, kind) in enumerate(draw(st.lists(moments, max_size=30)))
    ]
    newest = START + timedelta(days=length + draw(st.integers(0, 100))) + draw(st.sampled_from(EDGES))
    return [*(e for e in events if e.at <= newest), Event("newest", "anon:x", "page_viewed", newest)]


def event(event_id: str, customer: str, time: datetime, kind: str) -> Event:
    if kind == "agent message":
        return Event(event_id, customer, "message_sent", time, "chat", properties={"author": "agent"})
    if "order" in kind:
        return order(event_id, customer, time, 1, order_id="one" if "repeated" in kind else event_id)
    return Event(event_id, customer, kind, time)


def as_of(events: list[Event]) -> datetime:
    return events[-1].at


def grains_and_bases() -> list[tuple[str, str]]:
    return [(grain, basis) for grain in expected.GRAINS for basis in expected.BASES]


@given(histories(), st.sampled_from(HELD_DAYS), st.sampled_from(grains_and_bases()))
def test_who_is_held_was_held_or_is_new_or_won_back(
    events: list[Event], held_days: int, choice: tuple[str, str]
) -> None:
    grain, basis = choice
    customers = expected.history(events, basis)
    for start in expected.periods(events, as_of(events), grain):
        end = expected.next_period(start, grain)
        them = expected.held(customers, start, end, held_days)
        kept = them.start & them.end
        assert them.end == kept | them.new | them.won_back
        assert len(them.end) == len(kept) + len(them.new) + len(them.won_back)


@given(histories(), st.sampled_from(("day", "week", "month")))
def test_who_is_active_is_new_or_returning_or_resurrecting(events: list[Event], grain: str) -> None:
    customers = expected.history(events, "engagement")
    before: set[str] = set()
    for start in expected.periods(events, as_of(events), grain):
        them = expected.lifecycle(customers, start, grain)
        assert len(them.new) + len(them.returning) + len(them.resurrecting) == len(them.active)
        assert len(them.returning) + len(them.dormant) == len(before)
        before = them.active


@given(events=histories(), held_days=st.sampled_from(HELD_DAYS))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_views_equal_the_definitions(client: Client, events: list[Event], held_days: int) -> None:
    write(client, events, held_days)
    now = as_of(events)
    assert rows(client, "v_retention_period", 2) == {
        key: expected.retention_periods(events, now, *key, held_days) for key in grains_and_bases()
    }
    cohorts = {key: expected.cohorts(events, now, *key) for key in grains_and_bases()}
    assert rows(client, "v_retention_cohort", 2) == {key: found for key, found in cohorts.items() if found}
    assert rows(client, "v_lifecycle", 1) == {
        (grain,): expected.lifecycles(events, now, grain) for grain in ("day", "week", "month")
    }
    assert rows(client, "v_stickiness", 0) == {(): expected.stickiness(events, now)}
    assert dict(client.query("SELECT * FROM v_active_days").result_rows) == expected.active_days(events, now)


@pytest.mark.parametrize("held_days", [30, 90])
def test_the_views_equal_the_definitions_in_a_busy_year(client: Client, held_days: int) -> None:
    rng = random.Random(held_days)
    visits = [(f"c-{rng.randrange(80)}", rng.randrange(400), rng.choice(EDGES)) for _ in range(400)]
    events = [
        event(f"e{n}", customer, START + timedelta(days=day) + edge, rng.choice(KINDS))
        for n, (customer, day, edge) in enumerate(visits)
    ]
    events.append(Event("newest", "anon:x", "page_viewed", START + timedelta(days=500)))
    write(client, events, held_days)
    assert rows(client, "v_retention_period", 2) == {
        key: expected.retention_periods(events, as_of(events), *key, held_days) for key in grains_and_bases()
    }


def write(client: Client, events: list[Event], held_days: int) -> None:
    for table in ("events", "customer_daily"):
        client.command(f"TRUNCATE TABLE {table}")
    insert_facts(client, events)
    insert_rows(client, events)
    hold_for(client, held_days)


def hold_for(client: Client, held_days: int) -> None:
    client.command(f"INSERT INTO settings (key, value) VALUES ('retention_days', '{held_days}')")


@pytest.fixture(autouse=True)
def _the_setting_is_put_back(session_client: Client) -> object:
    yield
    hold_for(session_client, 90)


def rows(client: Client, view: str, key_columns: int) -> dict[tuple[object, ...], list[tuple[object, ...]]]:
    """Rows by their first columns, in order of the next."""
    result: dict[tuple[object, ...], list[tuple[object, ...]]] = {}
    for row in client.query(f"SELECT * FROM {view} ORDER BY ALL").result_rows:
        result.setdefault(tuple(row[:key_columns]), []).append(tuple(row[key_columns:]))
    return result
