"""One customer is found by primary key in every table that a view reads."""

from __future__ import annotations

import re

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import empty

CUSTOMERS = 200_000
GRANULE_ROWS = 8_192
CUSTOMER = "concat('c-', toString(number)) AS customer_id"
FILL = (
    f"INSERT INTO customer_state (customer_id, events_total) SELECT {CUSTOMER}, 1 FROM numbers({CUSTOMERS})",
    f"""INSERT INTO customer_daily (customer_id, day, channel, events, counts, points)
        SELECT {CUSTOMER}, today(), 'website', 1, map('page_viewed', 1), 1 FROM numbers({CUSTOMERS})""",
    f"""INSERT INTO customer_5m (customer_id, bucket_at, channel, events)
        SELECT {CUSTOMER}, toStartOfFiveMinutes(now()), 'website', 1 FROM numbers({CUSTOMERS})""",
    f"""INSERT INTO events (event_id, customer_id, channel, type, occurred_at, session_id, properties)
        SELECT toString(number), {CUSTOMER}, 'purchase', 'order_completed', now64(3), 's',
            concat('{{"order_id":"', toString(number), '","total_minor":100,"currency":"EUR"}}')
        FROM numbers({CUSTOMERS})""",
)


@pytest.fixture(scope="module")
def full(session_client: Client) -> Client:
    client = empty(session_client)
    for statement in FILL:
        client.command(statement)
    return client


def granules(client: Client, query: str) -> dict[str, tuple[int, int]]:
    """By table: granules read and granules there are, after all of its indexes."""
    result: dict[str, tuple[int, int]] = {}
    table = ""
    for (line,) in client.query(f"EXPLAIN indexes = 1 {query}").result_rows:
        if read := re.search(r"ReadFromMergeTree \(\w+\.(\w+)\)", line):
            table = read[1]
        elif share := re.search(r"Granules: (\d+)/(\d+)", line):
            total = result.get(table, (0, int(share[2])))[1]
            result[table] = (int(share[1]), total)
    return result


@pytest.mark.parametrize(
    ("view", "tables"),
    [
        ("v_customer_360", {"customer_state", "customer_daily", "customer_5m", "order_events"}),
        ("v_customer_windows", {"customer_daily", "customer_5m"}),
        ("v_customer_revenue", {"order_events"}),
        ("v_orders", {"order_events"}),
        ("v_events", {"events"}),
        ("v_sessions", {"sessions"}),
        ("v_purchase_summary_at(cutoff = '2026-01-01')", {"order_events"}),
    ],
)
@pytest.mark.parametrize("condition", ["= 'c-42'", "IN ('c-42', 'c-77')", "IN (SELECT 'c-42')"])
def test_a_lookup_of_one_customer_prunes_every_table(
    full: Client, view: str, tables: set[str], condition: str
) -> None:
    read = granules(full, f"SELECT * FROM {view} WHERE customer_id {condition}")
    assert set(read) == tables
    for table, (chosen, there) in read.items():
        assert there > CUSTOMERS // GRANULE_ROWS // 2, f"{table} is too small to tell"
        assert chosen <= 4, f"{table}: {chosen} of {there} granules"
