"""v_freshness says how old the newest row of each table is."""

from __future__ import annotations

from clickhouse_connect.driver.client import Client

from tests.sql.devices import write
from tests.sql.lives import NEWEST, random_life
from tests.sql.scenario import Event, insert_facts
from tests.sql.test_views_against_plain_python import keyed

TABLES = {"events", "customer_state", "customer_daily", "customer_5m", "identity_links"}


def test_an_empty_table_has_no_newest_row(client: Client) -> None:
    rows = keyed(client, "SELECT * FROM v_freshness", 1)
    assert rows == {(table,): (None, None) for table in TABLES}


def test_a_table_is_as_fresh_as_its_newest_row(client: Client) -> None:
    """Whatever the event's own time: that of the event here is long past."""
    insert_facts(client, [Event("e1", "c-1", "page_viewed", NEWEST)])
    client.command(
        "INSERT INTO events (event_id, customer_id, occurred_at, ingested_at)"
        " VALUES ('e2', 'c-1', '2026-01-01 00:00:00', '2020-01-01 00:00:00')"
    )
    rows = client.query(
        "SELECT newest_at = (SELECT max(ingested_at) FROM events), abs(freshness_seconds) < 600"
        " FROM v_freshness WHERE table_name = 'events'"
    ).result_rows
    assert rows == [(1, 1)]


def test_every_table_that_the_worker_fills_is_there(client: Client) -> None:
    write(client, random_life(2))
    rows = client.query("SELECT table_name FROM v_freshness WHERE freshness_seconds IS NOT NULL").result_rows
    assert {table for (table,) in rows} == TABLES
