"""A real Prometheus scrapes a real run: what is broken makes its alert fire, what is mended ends it.

While an alert fires the commands of its entry in the runbook show what the entry says.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from tests.deploy.alert_rules import ALERTS, RULES, RULES_TEXT
from tests.deploy.dashboards import PROMQL
from tests.deploy.prometheus_rig import SPEED, Prometheus, hurried, prometheus
from tests.deploy.promtool import needs_prometheus
from tests.deploy.runbook import QUERIES
from tests.e2e.stack import Stack, running, until
from tests.ops.lag_exporter_rig import lag_exporter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

COLLECTOR = "engagement_collector"


class Watched(NamedTuple):
    """A run with traffic, and what watches it."""

    stack: Stack
    prometheus: Prometheus
    directory: Path
    exporter_port: int

    def looked_up(self, *arguments: str) -> str:
        """What an `engage …` of the runbook prints, whether it succeeds or not."""
        ready = self.stack.ready
        servers = {"ENGAGE_KAFKA_BOOTSTRAP": ready["kafka"], "ENGAGE_CLICKHOUSE_URL": ready["clickhouse"]}
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env={**os.environ, **servers},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    @contextmanager
    def exporter(self) -> Iterator[int]:
        """A lag exporter, until the block ends; gives its process id."""
        with lag_exporter(self.stack.settings, self.directory, port=self.exporter_port) as exporter:
            yield exporter.process.pid

    @contextmanager
    def stopped(self, child: str) -> Iterator[None]:
        """A child of `engage up` that hangs, until the block ends."""
        pid = int(self.stack.ready["pids"][child])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def traffic(stack: Stack, directory: Path) -> Iterator[None]:
    """Twenty events a second, until the block ends."""
    command = [sys.executable, "-m", "streams.cli", "generate", "--rate", "20"]
    environment = {"ENGAGE_KAFKA_BOOTSTRAP": stack.ready["kafka"]}
    process = spawn(command, directory / "generate.log", environment)
    try:
        yield
    finally:
        terminate([process], grace_seconds=20)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Without a lag exporter: that is each test's own."""
    directory = tmp_path_factory.mktemp("watched")
    (exporter_port,) = free_ports(1)
    with pytest.MonkeyPatch.context() as environment:
        # As fast as the rules here.
        environment.setenv("ENGAGE_CLICKHOUSE_TIMEOUT_SECONDS", str(30 / SPEED))
        environment.setenv("ENGAGE_RETRY_BACKOFF_MAX_SECONDS", "0.5")
        with running(directory) as stack, traffic(stack, directory):
            targets = {
                "engagement-worker": stack.ready["metrics"]["worker-0"],
                "engagement-lag-exporter": f"{LOOPBACK}:{exporter_port}",
            }
            with prometheus(directory, targets) as watching:
                yield Watched(stack, watching, directory, exporter_port)


@pytest.fixture
def watched(run: Watched) -> Iterator[Watched]:
    """A run that is well: everything is scraped, and nothing fires."""
    with run.exporter():
        run.prometheus.until_scraped(2)
        run.prometheus.until_quiet()
        yield run


def bad_events(file: Path, count: int) -> Path:
    """A sender whose clock has no date."""
    event = {
        "type": "page_viewed",
        "customer_id": "c-1",
        "occurred_at": "yesterday",
        "properties": {"url": "/"},
    }
    file.write_text("".join(json.dumps({**event, "event_id": f"bad-{n}"}) + "\n" for n in range(count)))
    return file


def test_the_rules_are_the_same_but_faster() -> None:
    fast = [rule for group in hurried(RULES_TEXT)["groups"] for rule in group["rules"]]

    assert [rule["annotations"] for rule in fast] == [rule["annotations"] for rule in RULES]
    assert fast[0]["for"] == "6000ms"
    assert fast[0]["expr"] == "max by (group) (kafka_consumergroup_group_max_lag_seconds) > 3"


@needs_prometheus
def test_stopped_workers_are_told_until_they_work_again(watched: Watched) -> None:
    with watched.stopped("worker-0"):
        firing = watched.prometheus.until_firing("EngagementLagHigh", "EngagementWorkerDown")
        # Kafka waits for a session before it counts the worker as gone.
        until(lambda: "0 members" in watched.looked_up("lag"), "the worker is still a member")

    assert "missing from dashboards" in firing["EngagementLagHigh"]["summary"]
    watched.prometheus.until_quiet()


@needs_prometheus
def test_a_stalled_clickhouse_is_told_until_it_answers(watched: Watched) -> None:
    with watched.stopped("clickhouse"):
        firing = watched.prometheus.until_firing("EngagementNoRowsWritten", "EngagementInsertsFailing")
        assert "1 member," in watched.looked_up("lag")
        assert "ClickHouse" in watched.looked_up("query", "SELECT 1")
        assert "clickhouse_retried" in watched.stack.logs()

    assert "Dashboards stand still" in firing["EngagementNoRowsWritten"]["summary"]
    watched.prometheus.until_quiet()


@needs_prometheus
def test_a_burst_of_rejects_is_told_until_it_is_over(watched: Watched, tmp_path: Path) -> None:
    watched.stack.engage("replay", str(bad_events(tmp_path / "bad.jsonl", 300)))
    firing = watched.prometheus.until_firing("EngagementRejectRatio")
    (what,) = (sql for sql in QUERIES if "v_rejected_events" in sql)
    (answer,) = watched.looked_up("query", what).splitlines()[1:]

    assert answer.startswith("invalid_field\tevents.website\toccurred_at: ")
    assert answer.split("\t")[3] == "300"
    assert "% of the events" in firing["EngagementRejectRatio"]["description"]
    watched.prometheus.until_quiet()


@needs_prometheus
def test_a_dead_lag_exporter_is_told_until_there_is_one(run: Watched) -> None:
    with run.exporter() as pid:
        run.prometheus.until_scraped(2)
        run.prometheus.until_quiet()
        os.kill(pid, signal.SIGKILL)
        firing = run.prometheus.until_firing("EngagementLagExporterDown")
        assert "1 member," in run.looked_up("lag")

    assert "has not reached" in firing["EngagementLagExporterDown"]["description"]
    with run.exporter():
        run.prometheus.until_quiet()


@needs_prometheus
def test_prometheus_has_evaluated_every_alert_without_an_error(run: Watched) -> None:
    rules = [rule for group in run.prometheus.get("rules")["groups"] for rule in group["rules"]]

    assert {rule["name"]: rule["health"] for rule in rules} == dict.fromkeys(ALERTS, "ok")


@needs_prometheus
def test_prometheus_answers_every_query_of_the_dashboard(watched: Watched) -> None:
    """All but those about the collector, which is not in this run, with series."""
    empty = [str(query) for query in PROMQL if not watched.prometheus.query(query.promql())]

    assert empty == [str(query) for query in PROMQL if COLLECTOR in query.promql()]
