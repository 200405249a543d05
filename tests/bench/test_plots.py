"""Each kind of measurement can be drawn from its CSV."""

from __future__ import annotations

from pathlib import Path

from tests.bench.growth import EVEN, POWER_LAW, Cost
from tests.bench.latency import SHARES_PCT, Latency
from tests.bench.measurements import save
from tests.bench.plots import draw_all
from tests.bench.queries import Timing
from tests.bench.recovery import EMPTY_DISK, KILLED_AT_ONCE, KILLED_LATER, Recovery

MEASURED = {
    "queries": [
        Timing(query, 1_000, 100, 10, 20.5, 30.1, 19.0, 0.5)
        for query in ("SELECT 1", "v_customer_360 by id: planning", "v_activity_5m for a day")
    ],
    "latency": [Latency(share, 1e3, 1e3, 999.5, 100, 0.1, 0.2, 0.3, 60.0, 0.5) for share in SHARES_PCT],
    "recovery": [
        Recovery(1_000, case, 3, 2_000, 1.0, 0.5, 2.0, 0.1, 3.6, 0.5)
        for case in (EMPTY_DISK, KILLED_AT_ONCE, KILLED_LATER)
    ],
    "growth": [
        Cost(workers, customers, activity, 1_000, 5e3, 20.0, 300.0, 29.3, 0.5)
        for workers, customers in ((1, 10_000), (1, 100_000), (2, 100_000))
        for activity in (POWER_LAW, EVEN)
    ],
}


def test_every_measurement_is_drawn(tmp_path: Path) -> None:
    for name, rows in MEASURED.items():
        save(name, rows, tmp_path)
    images = draw_all(tmp_path)
    assert {image.name for image in images} == {f"{name}.png" for name in MEASURED}
    assert all(image.read_bytes().startswith(b"\x89PNG") for image in images)


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    assert draw_all(tmp_path) == []
