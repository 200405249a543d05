"""The views answer over two years, and sweeps find somebody. How fast is not a test's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import sweep
from tests.bench.queries import filled
from tests.bench.views import QUERIES, measure

FACTS, CUSTOMERS = 60_000, 6_000


@pytest.mark.slow
def test_every_view_has_something_to_say_and_is_timed(tmp_path: Path) -> None:
    with filled(tmp_path, FACTS, CUSTOMERS, days=730) as front:
        empty = [name for name, query in QUERIES.items() if not front.client.query(query).result_rows]
        timings = measure(front, runs=2)

    assert empty == []
    assert [timing.query for timing in timings] == list(QUERIES)
    assert all(0 < timing.p50_ms <= timing.p95_ms for timing in timings)


@pytest.mark.slow
async def test_a_month_of_sweeps_tells_changes_of_many_customers(tmp_path: Path) -> None:
    cost = await sweep.measure(tmp_path, 5_000)

    assert 10 < cost.changes_per_day < 5_000
    assert cost.us_per_change > 0
