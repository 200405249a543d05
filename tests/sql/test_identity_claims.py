"""Which events claim a device, and that facts from before there were claims make theirs too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from streams.migrations import migrate, sql_directory
from tests.sql.devices import alias, identify
from tests.sql.scenario import Event, at, insert_facts

NOON = at("2026-03-10 12:00:00")
BOTH_IDS = {"anonymous_id": "a"}
CLAIMS = [identify("i1", "c-1", "anon:a", NOON), alias("i2", "c-2", "anon:b c", NOON)]
NO_CLAIMS = [
    Event("n1", "anon:a", "identify", NOON),
    Event("n2", "c-1", "identify", NOON),
    Event("n3", "anon:a", "alias", NOON, properties={"previous_id": "b"}),
    Event("n4", "c-1", "alias", NOON, properties={"previous_id": ""}),
    Event("n5", "c-1", "alias", NOON, **BOTH_IDS),
    Event("n6", "c-1", "page_viewed", NOON, properties={"previous_id": "b"}, **BOTH_IDS),
]


def claims(client: Client) -> list[tuple[Any, ...]]:
    columns = "anonymous_id, customer_id, event_id, toString(claimed_at)"
    return list(client.query(f"SELECT {columns} FROM identity_claims FINAL ORDER BY ALL").result_rows)


WANT = [
    ("anon:a", "c-1", "i1", "2026-03-10 12:00:00.000"),
    ("anon:b c", "c-2", "i2", "2026-03-10 12:00:00.000"),
]


def test_identify_with_both_ids_and_alias_claim_a_device(client: Client) -> None:
    insert_facts(client, [*CLAIMS, *NO_CLAIMS])
    insert_facts(client, CLAIMS, appended_at=at("2026-07-01 00:00:00"))
    assert claims(client) == WANT


@pytest.mark.parametrize("event", NO_CLAIMS, ids=lambda event: f"{event.type} of {event.customer_id}")
def test_nothing_else_does(client: Client, event: Event) -> None:
    insert_facts(client, [event])
    assert claims(client) == []


def test_two_customers_may_claim_with_one_event_id_at_one_instant(client: Client) -> None:
    insert_facts(client, [CLAIMS[0], replace(CLAIMS[0], customer_id="c-2")])
    assert [row[:2] for row in claims(client)] == [("anon:a", "c-1"), ("anon:a", "c-2")]


@pytest.fixture
def before(clickhouse_front: str, tmp_path: Path) -> Iterator[tuple[Settings, Client]]:
    """A database of the version before identity, without views. Rules need the tables of 0008."""
    older = tmp_path / "migrations"
    shutil.copytree(sql_directory() / "migrations", older)
    for path in older.glob("*.sql"):
        if int(path.name[:4]) >= 4 and not path.name.startswith("0008"):
            path.unlink()
    settings = Settings(clickhouse_url=f"{clickhouse_front}/before_identity")
    assert migrate(settings, sql=tmp_path)[-2:] == ["0003_operations", "0008_leads"]
    client = connect(settings)
    yield settings, client
    client.command("DROP DATABASE before_identity")
    client.close()


def test_facts_from_before_the_migration_are_claims_too(before: tuple[Settings, Client]) -> None:
    settings, client = before
    insert_facts(client, [*CLAIMS, *NO_CLAIMS])
    client.command("INSERT INTO customer_state (customer_id, epoch, n_applied) VALUES ('anon:a', 0, 1)")
    migrate(settings)
    assert claims(client) == WANT
    assert client.query("SELECT customer_id FROM v_customer_360").result_rows == [("anon:a",)]


def test_an_interrupted_migration_is_repeated_without_a_claim_too_many(
    before: tuple[Settings, Client],
) -> None:
    settings, client = before
    insert_facts(client, [*CLAIMS, *NO_CLAIMS])
    for _ in range(2):
        migrate(settings)
        client.command("ALTER TABLE schema_migrations DELETE WHERE version >= 4 SETTINGS mutations_sync = 2")
    assert claims(client) == WANT
