"""Replayed history: published answers, whatever the order, the duplicates and the crashes on the way."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack, running, until

DATA = Path(__file__).parents[3] / "shared" / "data"
CDNOW = DATA / "cdnow" / "CDNOW_sample.txt"
CDNOW_KEY = DATA / "cdnow" / "cdnow_customers_summary_with_transactions.csv"
OTTO = DATA / "otto" / "sessions.jsonl"

needs_cdnow = pytest.mark.skipif(not CDNOW.exists(), reason=f"public data set not present: {CDNOW.name}")
needs_otto = pytest.mark.skipif(not OTTO.exists(), reason=f"public data set not present: {OTTO.name}")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # A path with a space in it, as users have.
    directory = tmp_path_factory.mktemp("one worker")
    with running(directory, clock="event") as stack:
        yield stack


def published_key() -> dict[str, tuple[int, float, float, float]]:
    with CDNOW_KEY.open() as lines:
        return {
            row["ID"].zfill(4): (int(row["x"]), float(row["t_x"]), float(row["T"]), float(row["zbar"]))
            for row in csv.DictReader(lines)
        }


def assert_equals_the_published_key(stack: Stack) -> None:
    rows = stack.rows("SELECT customer_id, x, t_x, T, zbar FROM v_purchase_summary_at(cutoff='1997-09-30')")
    key = published_key()
    assert len(key) == 2357
    assert {row[0] for row in rows} == set(key)
    differing = {
        row[0]: (row[1:], key[row[0]])
        for row in rows
        # The key is printed with two decimals.
        if row[1] != key[row[0]][0]
        or any(abs(a - b) > 0.0051 for a, b in zip(row[2:], key[row[0]][1:], strict=True))
    }
    assert differing == {}


@needs_cdnow
def test_the_cdnow_sample_gives_the_published_summary(one_worker: Stack) -> None:
    one_worker.engage("replay", str(CDNOW), "--format", "cdnow")
    one_worker.drain()
    assert one_worker.rows("SELECT count() FROM events FINAL WHERE startsWith(event_id, 'cdnow-')") == [
        (6919,)
    ]
    assert_equals_the_published_key(one_worker)


@needs_cdnow
def test_shuffled_duplicated_cdnow_survives_a_killed_worker_without_its_disk(tmp_path: Path) -> None:
    with running(tmp_path, workers=2, clock="event") as stack:
        ready = stack.ready
        replay = subprocess.Popen(
            [
                *(sys.executable, "-m", "streams.cli", "replay", str(CDNOW), "--format", "cdnow"),
                *("--shuffle", "7", "--duplicate", "0.3", "--rate", "1500"),
            ],
            env={**os.environ, "ENGAGE_KAFKA_BOOTSTRAP": ready["kafka"]},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: stack.rows("SELECT count() > 2000 FROM events") == [(1,)], "nothing arrives")
        killed = stack.kill("worker-0")
        shutil.rmtree(tmp_path / "data" / "worker-0" / "state")
        assert replay.wait(timeout=120) == 0
        stack.wait_for_restart("worker-0", killed)
        stack.drain()
        assert_equals_the_published_key(stack)
        assert stack.rows("SELECT count(), uniqExact(event_id) FROM events FINAL") == [(6919, 6919)]
        assert stack.rows("SELECT sum(n_applied), sum(events_total) FROM customer_state FINAL") == [
            (6919, 6919)
        ]
        assert stack.rows("SELECT sum(events), sum(orders) FROM customer_daily FINAL") == [(6919, 6919)]


@needs_otto
def test_otto_windows_equal_a_plain_computation(one_worker: Stack) -> None:
    one_worker.engage("replay", str(OTTO), "--format", "otto")
    one_worker.drain()
    by_channel = one_worker.rows(
        "SELECT channel, count() FROM events FINAL WHERE startsWith(event_id, 'otto-') "
        "GROUP BY channel ORDER BY channel"
    )
    assert by_channel == [("purchase", 5), ("website", 852)]
    published = {
        row[:3]: row[3:]
        for row in one_worker.rows(
            "SELECT customer_id, channel, window_name, events, points, active_days, orders, conversations, "
            "messages FROM v_customer_windows WHERE startsWith(customer_id, 'anon:')"
        )
    }
    assert published == expected_windows(otto_events())


# -- an independent computation, from the metric dictionary alone ---------------------------------

Event = tuple[str, datetime, str, str]
DAYS = {"7d": 7, "30d": 30, "90d": 90}
WEIGHT_AND_CAP = {"product_viewed": (2, 20), "product_added": (4, 10), "order_completed": (15, 3)}


def otto_events() -> list[Event]:
    """(customer, occurred_at, channel, type) as the mapping in the data's README says."""
    events: list[Event] = []
    for line in OTTO.read_text().splitlines():
        session = json.loads(line)
        customer = f"anon:{session['session']}"
        orders = set()
        for action in session["events"]:
            at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=action["ts"])
            if action["type"] == "orders":
                orders.add(at)
            else:
                kind = {"clicks": "product_viewed", "carts": "product_added"}[action["type"]]
                events.append((customer, at, "website", kind))
        events += [(customer, at, "purchase", "order_completed") for at in orders]
    return events


def expected_windows(events: list[Event]) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    as_of = max(at for _, at, _, _ in events)
    found: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for event in events:
        _, at, _, _ = event
        inside = {
            "1h": bucket(as_of, 300) - 12 < bucket(at, 300),
            "24h": bucket(as_of, 3600) - 24 < bucket(at, 3600),
            **{name: (as_of.date() - at.date()).days < days for name, days in DAYS.items()},
        }
        for name in [name for name, is_in in inside.items() if is_in]:
            found[event[0], event[2], name].append(event)
    return {key: summary(key[2], group) for key, group in found.items()}


def bucket(at: datetime, seconds: int) -> int:
    return int(at.timestamp() // seconds)


def summary(window: str, events: list[Event]) -> tuple[Any, ...]:
    per_day: dict[tuple[Any, str], int] = defaultdict(int)
    for _, at, _, kind in events:
        per_day[at.date(), kind] += 1
    points = sum(
        WEIGHT_AND_CAP[kind][0] * min(n, WEIGHT_AND_CAP[kind][1]) for (_, kind), n in per_day.items()
    )
    daily = window in DAYS
    orders = sum(kind == "order_completed" for _, _, _, kind in events)
    active_days = len({day for day, _ in per_day})
    return (len(events), float(points) if daily else None, active_days if daily else None, orders, 0, 0)
