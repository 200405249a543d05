"""The comparison runs and counts right. How fast is not a test's business."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.bench.catalogue import CONTENDERS
from tests.bench.compare import compare, workload_of

EVENTS = 5_000


@pytest.mark.slow
def test_every_contender_but_the_peers_counts_each_event_once() -> None:
    present = [contender for contender in CONTENDERS if not contender.is_peer]
    results = compare(present, workload_of(EVENTS), repetitions=1, console=Console(quiet=True))

    measured = {result.contender.name: result.to_json() for result in results}
    assert {"worker", "aiokafka", "chdb"} == set(measured)
    assert {result["events"] for result in measured.values()} == {EVENTS}
    for result in measured.values():
        assert {"events_per_s", "events_per_core_s", "cpu_s_per_million", "peak_mib"} <= set(result)
        assert set(result["cpu_s_per_million"]) == {"worker", "broker", "clickhouse"}
