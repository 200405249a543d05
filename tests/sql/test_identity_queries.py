"""Whatever is asked of a view, the lookup of devices in it can be planned."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.devices import random_visits, write
from tests.sql.scenario import Event, at, empty


@pytest.fixture(scope="module")
def visits(session_client: Client) -> Client:
    """A client of a database with devices in it."""
    client = empty(session_client)
    newest = at("2026-03-29 10:07:00")
    write(client, [*random_visits(3, newest), Event("live", "c-3", "page_viewed", newest)])
    return client


@pytest.mark.parametrize(
    "view",
    [
        "v_events",
        "v_orders",
        "v_sessions",
        "v_customer_revenue",
        "v_customer_360",
        "v_customer_value",
        "v_referrals",
        "v_rfm",
        "v_live_visitors",
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT count() FROM {view}",
        "SELECT * FROM {view} WHERE 1 AND materialize(1) AND rand() >= 0",
        "SELECT * FROM (SELECT * FROM {view}) AS t WHERE customer_id LIKE 'c-%' ORDER BY 1 LIMIT 10",
        "WITH v AS (SELECT * FROM {view}) SELECT a.customer_id FROM v AS a JOIN v AS b USING (customer_id)",
        "SELECT * FROM {view} WHERE customer_id IN (SELECT customer_id FROM v_events WHERE type = 'alias')",
        "SELECT v.* FROM v_customer_360 AS c INNER JOIN {view} AS v ON v.customer_id = c.customer_id",
        "SELECT customer_id, count() OVER (PARTITION BY customer_id) FROM {view} WHERE customer_id > 'c-1'",
        "SELECT * FROM {view} WHERE customer_id = (SELECT max(customer_id) FROM v_customer_360)",
    ],
)
def test_whatever_is_asked_of_a_view_devices_are_looked_up(visits: Client, view: str, query: str) -> None:
    """ClickHouse refuses a direct join, instead of falling back, if it rewrites the right side of it."""
    assert visits.query(query.format(view=view)).result_rows
