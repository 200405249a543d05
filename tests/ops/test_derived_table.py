"""A table that follows from another one by the rules has every row, whenever it was written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from streams.rules.derived_table import DerivedTable
from streams.rules.model import DEFAULT_RULES, Churn, Rules
from tests.ops.restating import slowly_inserted
from tests.sql.scenario import Event, insert_facts

SHORT = DEFAULT_RULES.model_copy(update={"churn": Churn(population_gap_days=7)})
LONG = DEFAULT_RULES.model_copy(update={"churn": Churn(population_gap_days=90)})


def select(rules: Rules, source: str) -> str:
    gap = rules.churn.population_gap_days
    return f"SELECT event_id, {gap!r} AS gap FROM {source} WHERE type = 'page_viewed'"


SEEN = DerivedTable("pages_seen", "events", ("event_id", "gap"), select)


@pytest.fixture
def client(migrated: Settings) -> Iterator[Client]:
    """A migrated database with facts of three months, and the empty table that the derived ones are like."""
    with closing(connect(migrated)) as client:
        client.command("TRUNCATE TABLE events")
        client.command("CREATE OR REPLACE TABLE pages_seen (event_id String, gap Float64) ORDER BY event_id")
        insert_facts(client, [fact(f"old-{n}", month) for n, month in enumerate((1, 1, 2, 3))])
        yield client
        SEEN.tidy(client, DEFAULT_RULES)


def fact(event_id: str, month: int = 4, type_: str = "page_viewed") -> Event:
    return Event(event_id, "c-1", type_, datetime(2026, month, 1, tzinfo=timezone.utc))


def tables(client: Client) -> list[str]:
    names = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'pages_seen')"
    )
    return sorted(name for (name,) in client.query(names).result_rows)


def held(client: Client, rules: Rules) -> set[tuple[str, float]]:
    return set(client.query(f"SELECT event_id, gap FROM {SEEN.table(rules)}").result_rows)


def ignore(done: int, total: int) -> None: ...


def restate(client: Client, rules: Rules) -> None:
    SEEN.prepare(client, rules)
    SEEN.fill(client, rules, ignore)
    SEEN.switch(client, rules)
    SEEN.tidy(client, rules)


def test_rows_from_before_and_after_are_there(client: Client) -> None:
    restate(client, SHORT)
    insert_facts(client, [fact("new"), fact("other", type_="search_performed")])
    assert held(client, SHORT) == {(name, 7.0) for name in ("old-0", "old-1", "old-2", "old-3", "new")}


def test_rows_that_are_written_meanwhile_are_there(client: Client, migrated: Settings) -> None:
    written: list[str] = []
    ended = threading.Event()

    def write() -> None:
        with closing(connect(migrated)) as writer:
            while not ended.is_set() or len(written) < 5:
                insert_facts(writer, [fact(f"new-{len(written)}")])
                written.append(f"new-{len(written)}")

    thread = threading.Thread(target=write)
    thread.start()
    for rules in (SHORT, LONG):
        restate(client, rules)
    ended.set()
    thread.join()
    assert held(client, LONG) == {(name, 90.0) for name in ("old-0", "old-1", "old-2", "old-3", *written)}


def test_the_rows_of_other_rules_go_with_what_fills_them(client: Client) -> None:
    restate(client, SHORT)
    restate(client, LONG)
    assert tables(client) == ["pages_seen", SEEN.table(LONG), f"{SEEN.table(LONG)}_mv"]
    assert SEEN.constants(LONG) == {"pages_seen": SEEN.table(LONG)}


def test_rules_that_come_back_are_filled_anew(client: Client) -> None:
    restate(client, SHORT)
    restate(client, LONG)
    insert_facts(client, [fact("new")])
    restate(client, SHORT)
    assert held(client, SHORT) == {(name, 7.0) for name in ("old-0", "old-1", "old-2", "old-3", "new")}


def test_an_interrupted_fill_goes_on_where_it_stopped(client: Client) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(done: int, total: int) -> None:
        assert total == 3
        if done == 2:
            raise Interrupted

    SEEN.prepare(client, SHORT)
    with pytest.raises(Interrupted):
        SEEN.fill(client, SHORT, interrupt)
    assert len(held(client, SHORT)) == 3
    # Were the first month read again, its rows would be there once more: this table does not replace rows.
    SEEN.prepare(client, SHORT)
    SEEN.fill(client, SHORT, ignore)
    SEEN.fill(client, SHORT, ignore)
    rows = client.query(f"SELECT count() FROM {SEEN.table(SHORT)}").result_rows
    assert rows == [(4,)]
    assert len(held(client, SHORT)) == 4


def test_an_insert_that_began_before_and_ends_later_is_not_missed(client: Client, migrated: Settings) -> None:
    slow = (
        "INSERT INTO events (event_id, customer_id, type, occurred_at) "
        "SELECT concat('slow-', toString(number)), 'c-1', 'page_viewed', now64(3) "
        "FROM numbers(4) WHERE sleepEachRow(0.5) = 0"
    )
    with slowly_inserted(client, migrated, slow):
        restate(client, SHORT)
    assert {f"slow-{n}" for n in range(4)} <= {name for name, _ in held(client, SHORT)}
