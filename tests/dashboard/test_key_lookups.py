"""What a page asks about one customer, and a search, reads by key."""

from __future__ import annotations

import re

import pytest
from clickhouse_connect.driver.client import Client

from streams.dashboard import customer, search, timeline
from tests.sql.scenario import empty
from tests.sql.test_pruning import FILL, granules

pytestmark = pytest.mark.slow

OF_A_CUSTOMER = {
    "state": customer.STATE,
    **customer.PARTS,
    "events": timeline.EVENTS,
}
VALUES = {"id": "'c-42'", "before": "now64(3)", "channel": "''", "limit": "51"}


@pytest.fixture(scope="module")
def full(session_client: Client) -> Client:
    client = empty(session_client)
    for statement in FILL:
        client.command(statement)
    return client


def with_values(sql: str, **values: str) -> str:
    """EXPLAIN shows keys for values in the text."""
    return re.sub(r"\{(\w+):[^}]*\}", lambda match: values[match[1]], sql)


@pytest.mark.parametrize("name", OF_A_CUSTOMER)
def test_one_customer_is_found_by_key(full: Client, name: str) -> None:
    read = granules(full, with_values(OF_A_CUSTOMER[name], **VALUES))
    assert all(chosen <= 4 for chosen, _ in read.values()), read
    assert name == "transitions" or max(there for _, there in read.values()) > 20


def test_a_search_computes_a_few_customers_only(full: Client) -> None:
    ((last, n),) = full.query(search.BOUND, parameters={"prefix": "c"}).result_rows
    assert n == 20
    read = granules(full, with_values(search.UP_TO, prefix="'c'", last=f"'{last}'"))
    assert all(chosen <= 4 < 20 < there for chosen, there in read.values()), read
    found = full.query(search.UP_TO, parameters={"prefix": "c", "last": last}).result_rows
    assert found == full.query(search.BY_PREFIX, parameters={"prefix": "c"}).result_rows
    assert len(found) == 20
