"""One customer, and the customer's devices, are found by primary key in every table that a view reads."""

from __future__ import annotations

import re

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import empty

CUSTOMERS = 200_000
GRANULE_ROWS = 8_192
LINKS = ("identity_links", "customer_links")
CUSTOMER = "concat('c-', toString(number)) AS customer_id"
DEVICE = "concat('anon:', toString(number))"
FILL = (
    f"INSERT INTO customer_state (customer_id, events_total) SELECT {CUSTOMER}, 1 FROM numbers({CUSTOMERS})",
    f"""INSERT INTO customer_daily (customer_id, day, channel, events, counts)
        SELECT {CUSTOMER}, today(), 'website', 1, map('page_viewed', 1) FROM numbers({CUSTOMERS})""",
    f"""INSERT INTO customer_5m (customer_id, bucket_at, channel, events)
        SELECT {CUSTOMER}, toStartOfFiveMinutes(now()), 'website', 1 FROM numbers({CUSTOMERS})""",
    f"""INSERT INTO events (event_id, customer_id, channel, type, occurred_at, session_id, properties)
        SELECT toString(number), {CUSTOMER}, 'purchase', 'order_completed', now64(3), 's',
            concat('{{"order_id":"', toString(number), '","total_minor":100,"currency":"EUR"}}')
        FROM numbers({CUSTOMERS})""",
    # Every tenth customer has a device, with an order under the anonymous id. That of c-60 went to c-70.
    f"""INSERT INTO events (event_id, customer_id, channel, type, occurred_at, session_id, properties)
        SELECT concat('d', toString(number)), {DEVICE}, 'purchase', 'order_completed', now64(3), 's',
            concat('{{"order_id":"d', toString(number), '","total_minor":100,"currency":"EUR"}}')
        FROM numbers({CUSTOMERS}) WHERE number % 10 = 0""",
    f"""INSERT INTO identity_links (anonymous_id, customer_id, claimed_at, event_id, valid_until)
        SELECT {DEVICE}, {CUSTOMER}, now64(3), toString(number), '2299-12-31 00:00:00'
        FROM numbers({CUSTOMERS}) WHERE number % 10 = 0 AND number != 60""",
    # The customers that are looked up below have none of these.
    f"""INSERT INTO events (event_id, customer_id, channel, type, occurred_at, properties)
        SELECT concat('l', toString(number)), {CUSTOMER}, 'website', 'search_performed', now64(3), '{{}}'
        FROM numbers(100, {CUSTOMERS})""",
    """INSERT INTO identity_links
        (anonymous_id, customer_id, claimed_at, event_id, valid_until, valid_until_event_id)
        VALUES ('anon:60', 'c-60', now64(3), 'i1', '2026-01-01 00:00:00', 'i2')""",
    """INSERT INTO identity_links
        (anonymous_id, customer_id, claimed_at, event_id, valid_from, valid_from_event_id, valid_until)
        VALUES ('anon:60', 'c-70', now64(3), 'i2', '2026-01-01 00:00:00', 'i2', '2299-12-31 00:00:00')""",
)


@pytest.fixture(scope="module")
def full(session_client: Client) -> Client:
    client = empty(session_client)
    for statement in FILL:
        client.command(statement)
    return client


def granules(client: Client, query: str) -> dict[str, tuple[int, int]]:
    """By table, without the digest of rules: granules read and granules there are, after all indexes."""
    result: dict[str, tuple[int, int]] = {}
    table = ""
    for (line,) in client.query(f"EXPLAIN indexes = 1 {query}").result_rows:
        if read := re.search(r"ReadFromMergeTree \(\w+\.(\w+)\)", line):
            table = re.sub(r"_[0-9a-f]{8}$", "", read[1])
        elif share := re.search(r"Granules: (\d+)/(\d+)", line):
            total = result.get(table, (0, int(share[2])))[1]
            result[table] = (int(share[1]), total)
    return result


@pytest.mark.parametrize(
    ("view", "tables"),
    [
        (
            "v_customer_360",
            {
                "customer_state",
                "customer_daily",
                "customer_5m",
                "order_events",
                "customer_links",
                "lead_events",
            },
        ),
        ("v_lead_ledger", {"customer_state", "customer_links", "lead_events"}),
        ("v_customer_windows", {"customer_daily", "customer_5m"}),
        ("v_customer_revenue", {"order_events", *LINKS}),
        ("v_orders", {"order_events", *LINKS}),
        ("v_events", {"events", *LINKS}),
        ("v_sessions", {"sessions", *LINKS}),
        ("v_score_ledger", {"customer_daily"}),
        ("v_customer_value", {"order_events", "customer_links"}),
        ("v_purchase_summary_at(cutoff = '2026-01-01')", {"order_events", "customer_links"}),
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


def rows_read(client: Client, query: str) -> tuple[int, int]:
    """How many rows the query has, and how many the tables were read for them."""
    counter = "SELECT value FROM system.events WHERE event = 'SelectedRows'"
    ((before,),) = client.query(counter).result_rows
    rows = len(client.query(query).result_rows)
    ((after,),) = client.query(counter).result_rows
    return rows, after - before


# What a direct join looks up is not in EXPLAIN.
@pytest.mark.parametrize("view", ["v_events", "v_sessions", "v_orders", "v_customer_360"])
@pytest.mark.parametrize("customer", ["c-42", "c-50", "c-70"], ids=["no device", "a device", "two devices"])
def test_the_facts_of_a_customers_devices_are_found_by_key(full: Client, view: str, customer: str) -> None:
    rows, read = rows_read(full, f"SELECT * FROM {view} WHERE customer_id = '{customer}'")
    devices = {"c-42": 0, "c-50": 1, "c-70": 2}[customer]
    assert rows == {"v_customer_360": 1, "v_sessions": 1}.get(view, 1 + devices)
    assert read < CUSTOMERS // 10
