"""Churn status of the CDNOW customers against a simulation of every day, however their orders arrive."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.core.status_oracle import Change, simulate
from tests.e2e.stack import Stack, running, until

CDNOW = Path(__file__).parents[3] / "shared" / "data" / "cdnow" / "CDNOW_sample.txt"
LATE_DAYS = 200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CDNOW.exists(), reason=f"public data set not present: {CDNOW.name}"),
]

#: Customer and event of each purchase.
Purchase = tuple[str, datetime, dict[str, Any]]


def purchases() -> list[Purchase]:
    found = []
    for number, line in enumerate(CDNOW.read_text().splitlines()):
        _, customer_id, day, _, dollars = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=timezone.utc)
        order = {"order_id": f"o-{number}", "total_minor": round(float(dollars) * 100), "currency": "USD"}
        event = {
            "event_id": f"e-{number}",
            "type": "order_completed",
            "occurred_at": at.isoformat(),
            "customer_id": customer_id,
            "properties": order,
        }
        found.append((customer_id, at, event))
    return found


def expected(sent: list[Purchase]) -> dict[str, list[Change]]:
    """By customer, at the newest order of all."""
    times_ms = defaultdict(list)
    for customer_id, at, _ in sent:
        times_ms[customer_id].append(int(at.timestamp()) * 1000)
    as_of_ms = max(map(max, times_ms.values()))
    return {customer_id: simulate(times, as_of_ms) for customer_id, times in times_ms.items()}


def published(stack: Stack) -> dict[str, list[Change]]:
    found = defaultdict(list)
    for customer_id, *change in stack.rows(
        "SELECT customer_id, toUnixTimestamp64Milli(changed_at), from_status, to_status FROM v_transitions "
        "ORDER BY customer_id, changed_at"
    ):
        found[customer_id].append(Change(*change))
    return dict(found)


def replay(stack: Stack, file: Path, sent: list[Purchase], *options: str) -> None:
    file.write_text("".join(json.dumps(event) + "\n" for *_, event in sent))
    stack.engage("replay", str(file), "--format", "events-jsonl", *options)
    stack.drain()


def assert_published(stack: Stack, wanted: dict[str, list[Change]]) -> None:
    """Sweeps follow the events: as many lines as wanted come at some time, and they are the right ones."""
    count = sum(map(len, wanted.values()))
    until(lambda: stack.rows("SELECT count() FROM v_transitions") == [(count,)], "status is not told")
    assert published(stack) == wanted
    by_last = {customer_id: changes[-1].to_status for customer_id, changes in wanted.items()}
    assert dict(stack.rows("SELECT customer_id, churn_status FROM v_customer_360")) == by_last


def assert_audited(stack: Stack) -> None:
    """The user's own audit agrees, too: of these and of all other numbers of everybody."""
    said = stack.engage("verify", "--all")
    assert "0 disagreements in" in said
    assert "of 2,357 customers" in said


def test_status_is_right_in_order_and_again_after_every_twentieth_event_comes_200_days_late(
    tmp_path: Path,
) -> None:
    sent = sorted(purchases(), key=lambda purchase: purchase[1])
    newest = sent[-1][1]
    late = set(random.Random(7).sample(range(len(sent)), len(sent) // 20))
    late = {at for at in late if newest - sent[at][1] >= timedelta(days=LATE_DAYS)}
    punctual = [purchase for at, purchase in enumerate(sent) if at not in late]
    with running(tmp_path, clock="event") as stack:
        replay(stack, tmp_path / "punctual.jsonl", punctual)
        assert_published(stack, expected(punctual))

        replay(stack, tmp_path / "late.jsonl", [sent[at] for at in sorted(late)])
        assert_published(stack, expected(sent))
        assert stack.rows("SELECT count() > 0 FROM customer_transitions FINAL WHERE is_retracted") == [(1,)]
        assert_audited(stack)


def test_status_is_right_after_shuffle_duplicates_and_a_killed_worker(tmp_path: Path) -> None:
    sent = purchases()
    with running(tmp_path, workers=2, clock="event") as stack:
        replay(stack, tmp_path / "half.jsonl", sent[::2], "--shuffle", "7", "--duplicate", "0.3")
        killed = stack.kill("worker-0")
        replay(stack, tmp_path / "rest.jsonl", sent[1::2], "--shuffle", "8", "--duplicate", "0.3")
        stack.wait_for_restart("worker-0", killed)

        assert_published(stack, expected(sent))
        assert_audited(stack)
