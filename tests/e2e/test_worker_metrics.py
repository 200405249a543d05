"""What a worker tells Prometheus and probes, after a run whose numbers are known."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import metrics
from tests.e2e.stack import Stack, running, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CUSTOMERS = 40


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("metrics")) as stack:
        yield stack


def get(stack: Stack, path: str) -> tuple[int, str]:
    address = f"http://{stack.ready['metrics']['worker-0']}{path}"
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def samples(stack: Stack) -> dict[tuple[str, tuple[str, ...]], float]:
    """By name and label values."""
    status, text = get(stack, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def event(number: int, **changes: object) -> dict[str, object]:
    return {
        "event_id": f"e-{number}",
        "type": "order_completed",
        "occurred_at": "2026-11-01T10:00:00Z",
        "customer_id": f"c-{number}",
        "properties": {"order_id": f"o-{number}", "total_minor": 100, "currency": "EUR"},
        **changes,
    }


def test_the_numbers_of_a_known_run(stack: Stack, tmp_path: Path) -> None:
    good = [event(number) for number in range(CUSTOMERS)]
    bad = [event(100, occurred_at="yesterday"), event(101, type="Not A Type")]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in [*good, good[0], *bad]))
    stack.engage("replay", str(file))
    stack.drain()

    def records() -> float:
        return sum(value for (name, _), value in samples(stack).items() if name == RECORDS)

    # The offsets are committed before the flush is noted.
    until(lambda: records() == CUSTOMERS + 3, "flushes are not counted")
    found = samples(stack)

    assert found["engagement_worker_rejected_total", ("invalid_field",)] == 2
    assert found["engagement_worker_duplicates_total", ()] == 1
    assert found["engagement_worker_rows_total", ("events",)] == CUSTOMERS
    assert found["engagement_worker_transitions_total", ("active",)] == CUSTOMERS
    assert found["engagement_worker_flush_records_sum", ()] == CUSTOMERS + 3
    assert found["engagement_worker_cache_lookups_total", ("miss",)] == CUSTOMERS
    assert found["engagement_worker_changelog_bytes_total", ()] > 0
    assert found["engagement_worker_partitions", ()] == 4
    assert found["engagement_worker_recovering", ()] == 0
    assert found["engagement_worker_recovery_remaining_records", ()] == 0
    assert found["engagement_worker_disk_free_bytes", ()] > 0
    steps = {labels[0] for name, labels in found if name == "engagement_worker_step_seconds_count"}
    assert steps == {"decode", "hand_over", "fold", "facts", "identity", "state", "rows", "late", "status"}


RECORDS = "engagement_worker_records_total"


def test_every_listed_metric_is_served_with_its_help(stack: Stack) -> None:
    _, text = get(stack, "/metrics")

    for spec in metrics.WORKER:
        assert f"# HELP {spec.name} {spec.help}" in text


def test_a_worker_without_kafka_is_alive_and_not_ready(stack: Stack) -> None:
    assert get(stack, "/livez") == get(stack, "/readyz") == (200, "ok\n")
    killed = stack.kill("kafka")
    until(lambda: get(stack, "/readyz") == (503, "Kafka does not answer\n"), "/readyz says it is ready")

    assert get(stack, "/livez") == (200, "ok\n")
    stack.wait_for_restart("kafka", killed)
    until(lambda: get(stack, "/readyz") == (200, "ok\n"), "/readyz says it is not ready")


def test_nothing_else_is_served(stack: Stack) -> None:
    assert get(stack, "/tables")[0] == 404
