"""The queries run on made-up facts, and a lookup prunes. How fast is not a test's business."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.bench.facts import customer_id
from tests.bench.queries import DAY, LOOKUP, Front, filled, measure, scans_of

FACTS, CUSTOMERS = 300_000, 50_000


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with filled(tmp_path_factory.mktemp("queries"), FACTS, CUSTOMERS) as front:
        yield front


@pytest.mark.slow
def test_facts_and_rows_agree(front: Front) -> None:
    per_customer = "SELECT count(), sum(events_total), sum(orders_total) > 0 FROM v_customer_360"
    assert front.client.query(per_customer).result_rows == [(CUSTOMERS, FACTS, 1)]
    assert front.client.query("SELECT sum(events) FROM v_activity_5m").result_rows == [(FACTS,)]
    assert front.client.query("SELECT count() FROM v_orders WHERE refunded_minor > 0").result_rows[0][0] > 0


@pytest.mark.slow
def test_a_lookup_reads_a_few_granules_of_each_part(front: Front) -> None:
    scans = scans_of(front.client, LOOKUP, {"id": customer_id(CUSTOMERS // 2)})
    # The table of leads is named by the rules that fill it.
    assert {re.sub(r"_[0-9a-f]{8}$", "", scan.table) for scan in scans} == {
        "customer_state",
        "customer_daily",
        "customer_5m",
        "order_events",
        "lead_events",
    }
    for scan in scans:
        assert scan.granules <= 2 * scan.parts, scan
    assert sum(scan.granules for scan in scans) < sum(scan.granules_of_table for scan in scans) / 10


@pytest.mark.slow
def test_a_day_of_traffic_reads_its_part_of_the_buckets(front: Front) -> None:
    (scan,) = scans_of(front.client, DAY, {"days": 45})
    assert scan.granules < scan.granules_of_table / 5


@pytest.mark.slow
def test_every_query_is_timed(front: Front) -> None:
    timings = measure(front, runs=10)
    assert [timing.query for timing in timings] == [
        "SELECT 1",
        "v_customer_360 by id",
        "v_customer_360 by id: planning",
        "v_activity_5m for a day",
    ]
    assert all(0 < timing.p50_ms <= timing.p95_ms for timing in timings)
