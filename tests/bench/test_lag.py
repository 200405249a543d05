"""Lag in seconds against Kafka's own logs, with a worker that works, is dead, and catches up."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.ops.topics import create_topics
from tests.bench.lag import measure
from tests.bench.measurements import show
from tests.bench.servers import Servers


@pytest.mark.slow
def test_lag_in_seconds_is_less_than_a_second_off_what_was_true(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers:
        settings = servers.settings("lag")
        create_topics(settings)
        servers.migrate("lag")
        rows = measure(settings, stalls=[0, 5], calm_seconds=2)
    show("Error of lag in seconds", rows)
    assert [(row.load, row.stall_s) for row in rows] == [
        ("steady", 0),
        ("steady", 5),
        ("bursty", 0),
        ("bursty", 5),
    ]
    for row in rows:
        assert row.values == row.scrapes * 4 * 8
        assert row.max_error_ms < 1_000
    assert all(row.max_true_lag_s > 1 for row in rows if row.stall_s)
