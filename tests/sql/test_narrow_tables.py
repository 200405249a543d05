"""The narrow tables of 0005: filled by facts old and new, and by each of them once."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.events import is_engagement
from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate, sql_directory
from tests.sql.devices import claims_of, insert_links, write
from tests.sql.lives import live, random_life
from tests.sql.scenario import Event, at, insert_facts, insert_rows, tables
from tests.sql.test_idempotence import merge

NARROW = ("survey_answers", "referral_events", "engagement_moments")
VIEWS = (
    "v_score_ledger",
    "v_repeat_purchase",
    "v_customer_value",
    "v_rfm",
    "v_nps",
    "v_csat",
    "v_referrals",
    "v_channel_handover",
    "v_chat_assisted",
    "v_lead_ledger",
    "v_live_visitors",
)


def shown(client: Client, views: tuple[str, ...] = VIEWS) -> dict[str, list[Any]]:
    """All rows of all views, each view sorted."""
    return {view: sorted(map(repr, client.query(f"SELECT * FROM {view}").result_rows)) for view in views}


@pytest.fixture(scope="module")
def lives(session_client: Client) -> Client:
    """A client of a database with customers and devices in it."""
    client, _ = live(session_client, 10)
    return client


def contents(client: Client) -> dict[str, list[Any]]:
    return shown(client, tuple(f"{table} FINAL" for table in NARROW))


def test_a_replay_changes_no_view(client: Client) -> None:
    events = random_life(11)
    write(client, events)
    once = shown(client)
    assert all(once.values()), "an empty view proves nothing"
    insert_facts(client, events[::-1], appended_at=at("2026-07-01 00:00:00"))
    insert_links(client, claims_of(events))
    assert shown(client) == once
    merge(client)
    assert shown(client) == once


def test_one_insert_or_many_give_the_same_views(client: Client) -> None:
    events = random_life(12)
    insert_facts(client, events)
    insert_rows(client, events)
    at_once = shown(client)
    rows_of_customers = ("customer_state", "customer_daily", "customer_5m")
    for table in tables(client):
        if table not in rows_of_customers:
            client.command(f"TRUNCATE TABLE {table}")
    for start in range(0, len(events), 50):
        insert_facts(client, events[start : start + 50])
    assert shown(client) == at_once


@pytest.mark.parametrize("view", VIEWS)
def test_a_session_that_makes_joins_nullable_reads_the_same_numbers(lives: Client, view: str) -> None:
    query = f"SELECT * FROM {view} ORDER BY ALL"
    assert lives.query(query, settings={"join_use_nulls": 1}).result_rows == lives.query(query).result_rows


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT count() FROM {view}",
        "SELECT * FROM (SELECT * FROM {view}) AS t WHERE materialize(1) AND rand() >= 0 ORDER BY 1 LIMIT 10",
        "WITH v AS (SELECT * FROM {view}) SELECT * FROM v AS a CROSS JOIN v AS b LIMIT 10",
        "SELECT *, count() OVER () FROM {view}",
        "SELECT * FROM {view} WHERE (SELECT count() FROM {view}) > 0",
    ],
)
def test_whatever_is_asked_of_a_view_devices_are_looked_up(lives: Client, view: str, query: str) -> None:
    """ClickHouse refuses a direct join, instead of falling back, if it rewrites the right side of it."""
    assert lives.query(query.format(view=view)).result_rows


def test_moments_are_the_engagement_events_without_orders(client: Client) -> None:
    events = random_life(13)
    insert_facts(client, events)
    rows = client.query("SELECT customer_id, event_id, type FROM engagement_moments FINAL").result_rows
    assert Counter(rows) == Counter(
        (e.customer_id, e.event_id, e.type)
        for e in events
        if is_engagement(e.type, e.properties) and e.type != "order_completed"
    )


def test_the_earliest_delivery_of_an_answer_holds(client: Client) -> None:
    early, late = at("2026-06-01 00:00:00"), at("2026-06-02 00:00:00")
    for appended_at, score in ((late, 0), (early, 10), (late, 5)):
        properties = {"survey": "nps", "score": score}
        answer = Event("a1", "c-1", "survey_answered", early, properties=properties)
        insert_facts(client, [answer], appended_at=appended_at)
    assert client.query("SELECT n, nps FROM v_nps").result_rows == [(1, 100.0)]


@pytest.mark.slow
def test_facts_from_before_the_tables_are_taken_over(
    clickhouse_front: str, tmp_path: Path, client: Client
) -> None:
    """Also when the migration had stopped half-way and is repeated."""
    events = random_life(14)
    insert_facts(client, events)
    settings = Settings(clickhouse_url=f"{clickhouse_front}/before_narrow_tables", clock=Clock.EVENT)
    migrate(settings, sql=_sql_before(tmp_path))
    old = connect(settings)
    try:
        insert_facts(old, events)
        assert "0005_narrow_tables" in migrate(settings)
        assert contents(old) == contents(client)
        old.command("ALTER TABLE schema_migrations DELETE WHERE version = 5 SETTINGS mutations_sync = 2")
        assert "0005_narrow_tables" in migrate(settings)
        assert contents(old) == contents(client)
    finally:
        old.close()


def _sql_before(directory: Path) -> Path:
    """The migrations up to 0004, and no views. Rules need the tables of 0008."""
    for folder in ("migrations", "views", "fragments"):
        (directory / folder).mkdir()
    for path in (sql_directory() / "migrations").glob("000[1-48]_*.sql"):
        shutil.copy(path, directory / "migrations")
    return directory
