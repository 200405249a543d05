"""`engage lag-exporter`: what Prometheus gets, and what happens while Kafka or ClickHouse is away."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from kafka.admin import KafkaAdminClient

from schemas.topics import TOPICS, WEBSITE
from streams.clickhouse import connect
from streams.config import Settings, load_settings
from streams.embedded import clickhouse, kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.metrics import LAG
from streams.migrations import migrate
from streams.ops.topics import create_topics
from tests.ops.lag_exporter_rig import Exporter, lag_exporter
from tests.ops.lag_rig import Log

pytestmark = pytest.mark.slow
PARTITIONS = 2
GROUP = "workers"
UP = "engagement_lag_exporter_up"
LAST_SUCCESS = "engagement_lag_exporter_last_success_timestamp_seconds"
LAG_SECONDS = "kafka_consumergroup_group_lag_seconds"
ROWS = "engagement_lag_exporter_rows_total"


class Consumed(Log):
    """The product's topics instead of one of the test's own; what is sent goes to the website's."""

    def __init__(self, broker: str, admin: KafkaAdminClient) -> None:
        super().__init__(broker, admin)
        self.topic, self.group = WEBSITE, GROUP

    def create(self) -> None:
        create_topics(load_settings(kafka_bootstrap=self.broker, partitions=PARTITIONS))

    def delete(self) -> None:
        names = {spec.name for spec in TOPICS}
        while existing := names & set(self._admin.list_topics()):
            self._admin.delete_topics(sorted(existing), raise_errors=False)


@pytest.fixture
def consumed(kafka_broker: str) -> Iterator[Consumed]:
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as admin:
        log = Consumed(kafka_broker, admin)
        yield log
        log.delete()


@pytest.fixture
def settings(clickhouse_front: str, kafka_broker: str, request: pytest.FixtureRequest) -> Settings:
    """A migrated database of the test's own."""
    settings = load_settings(
        kafka_bootstrap=kafka_broker,
        clickhouse_url=f"{clickhouse_front}/lag_{abs(hash(request.node.name))}",
        group_id=GROUP,
    )
    migrate(settings)
    return settings


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = connect(settings)
    yield client
    client.close()


@pytest.fixture
def exporter(consumed: Consumed, settings: Settings, tmp_path: Path) -> Iterator[Exporter]:
    with lag_exporter(settings, tmp_path) as exporter:
        exporter.until_answers("/readyz", 200)
        yield exporter


def test_a_scrape_has_every_metric_that_is_listed_and_no_other(exporter: Exporter) -> None:
    scrape = exporter.scrape()
    assert scrape.names == {spec.name for spec in LAG}
    for spec in LAG:
        family = scrape.families[spec.name.removesuffix("_total")]
        assert family.documentation == spec.help
        assert {tuple(sorted(sample.labels)) for sample in family.samples} == {tuple(sorted(spec.labels))}


def test_a_scrape_says_what_dashboards_expect(consumed: Consumed, exporter: Exporter) -> None:
    consumed.send(5)
    consumed.send(2, partition=1)
    consumed.commit(2)
    scrape = exporter.scrape()
    place = {"consumergroup": GROUP, "topic": WEBSITE}
    assert scrape.value("kafka_consumergroup_lag", **place, partition=0) == 3
    assert scrape.value("kafka_consumergroup_lag", **place, partition=1) == -1
    assert scrape.value("kafka_consumergroup_lag_sum", **place) == 3
    assert scrape.value("kafka_consumergroup_current_offset", **place, partition=0) == 2
    assert scrape.value("kafka_consumergroup_current_offset", **place, partition=1) == -1
    assert scrape.value("kafka_consumergroup_members", consumergroup=GROUP) == 0


def test_each_scrape_measures_anew_and_seconds_are_exact(consumed: Consumed, exporter: Exporter) -> None:
    consumed.send(3)
    consumed.commit(0)
    for offset in (0, 1, 1, 3):
        consumed.commit(offset)
        appended_at_ms = consumed.appended_at_ms(offset)
        scrape = exporter.scrape()
        measured_at_ms = round(1000 * scrape.value(LAST_SUCCESS))
        exact = 0.0 if appended_at_ms is None else (measured_at_ms - appended_at_ms) / 1000
        assert scrape.value(LAG_SECONDS, group=GROUP, topic=WEBSITE, partition=0) == exact
        assert scrape.value("kafka_consumergroup_group_max_lag_seconds", group=GROUP) == exact


def test_rows_say_the_same(consumed: Consumed, exporter: Exporter, client: Client) -> None:
    consumed.send(5)
    consumed.commit(2)
    written = exporter.scrape().value(ROWS)
    exporter.until(lambda scrape: scrape.value(ROWS) >= written + 2 * 4 * PARTITIONS)
    newest = (
        "SELECT consumer_group, topic, partition, lag, lag_seconds > 0, measured_at > now64(3) - 60"
        " FROM v_stream_lag WHERE measured_at = (SELECT max(measured_at) FROM v_stream_lag)"
        " AND topic = 'events.website' ORDER BY partition"
    )
    assert client.query(newest).result_rows == [(GROUP, WEBSITE, 0, 3, 1, 1), (GROUP, WEBSITE, 1, -1, 0, 1)]
    twice = "SELECT count() - uniqExact(measured_at, consumer_group, topic, partition) FROM v_stream_lag"
    assert client.query(twice).result_rows == [(0,)]


def test_groups_are_named_by_option(consumed: Consumed, settings: Settings, tmp_path: Path) -> None:
    consumed.send(1)
    consumed.commit(1, group="a")
    with lag_exporter(settings, tmp_path, "--group", "a", "--group", "b") as exporter:
        scrape = exporter.until(lambda scrape: scrape.value(UP) == 1)
    at = {"topic": WEBSITE, "partition": 0}
    assert scrape.value("kafka_consumergroup_lag", consumergroup="a", **at) == 0
    assert scrape.value("kafka_consumergroup_lag", consumergroup="b", **at) == -1


def test_while_topics_are_missing_it_is_alive_but_not_ready(
    kafka_broker: str, settings: Settings, tmp_path: Path
) -> None:
    with lag_exporter(settings, tmp_path) as exporter:
        answer = exporter.until_answers("/readyz", 503)
        exporter.until(lambda scrape: scrape.value("engagement_lag_exporter_failures_total") > 1)
        assert "has no topic events.website" in exporter.get("/readyz").body, answer
        assert exporter.get("/livez").status == 200
        with KafkaAdminClient(bootstrap_servers=kafka_broker) as admin:
            consumed = Consumed(kafka_broker, admin)
            exporter.until_answers("/readyz", 200)
            consumed.delete()


def test_while_kafka_is_away_no_lag_is_served_and_afterwards_it_is_again(
    settings: Settings, tmp_path: Path
) -> None:
    port, controller_port = free_ports(2)
    argv = kafka.prepare(tmp_path / "kafka", port, controller_port)
    settings = settings.model_copy(update={"kafka_bootstrap": f"{LOOPBACK}:{port}", "partitions": PARTITIONS})
    # It may start before Kafka does.
    with lag_exporter(settings, tmp_path) as exporter:
        assert nothing_but_itself(exporter)
        process = spawn(argv, tmp_path / "kafka.log")
        try:
            kafka.wait_until_ready(port, timeout_seconds=60)
            create_topics(settings)
            measured_at = exporter.until(lambda scrape: scrape.value(UP) == 1).value(LAST_SUCCESS)

            terminate([process], grace_seconds=20)
            assert nothing_but_itself(exporter)
            exporter.until_answers("/readyz", 503)
            assert exporter.get("/livez").status == 200

            process = spawn(argv, tmp_path / "kafka.log")
            kafka.wait_until_ready(port, timeout_seconds=60)
            again = exporter.until(lambda scrape: scrape.value(UP) == 1)
            assert again.value(LAST_SUCCESS) > measured_at
            assert again.value("kafka_consumergroup_members", consumergroup=GROUP) == 0
            exporter.until_answers("/readyz", 200)
            assert len(exporter.logged("lag_not_measured")) == 2
            assert len(exporter.logged("lag_measured_again")) == 2
        finally:
            terminate([process], grace_seconds=20)


def nothing_but_itself(exporter: Exporter) -> bool:
    """Without an answer from Kafka there is no number that could be taken for one."""
    scrape = exporter.scrape()
    served = {spec.name for spec in LAG if spec.name.startswith("engagement_lag_exporter_")}
    return scrape.value(UP) == 0 and scrape.names == served


def test_while_clickhouse_is_away_lag_is_served_and_afterwards_no_row_is_missing(
    consumed: Consumed, settings: Settings, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    away = settings.model_copy(update={"clickhouse_url": f"http://{LOOPBACK}:{port}/lag"})
    command = clickhouse.command(tmp_path / "clickhouse", port)
    with lag_exporter(away, tmp_path) as exporter:
        failures = "engagement_lag_exporter_insert_failures_total"
        waiting = "engagement_lag_exporter_rows_waiting"
        scrape = exporter.until(lambda s: s.value(failures) >= 2 and s.value(waiting) >= 2 * 4 * PARTITIONS)
        assert scrape.value(UP) == 1
        assert len(exporter.logged("lag_rows_not_written")) == 1

        process = spawn(command, tmp_path / "clickhouse.log")
        try:
            clickhouse.wait_until_ready(port, timeout_seconds=60)
            migrate(away)
            scrape = exporter.until(lambda s: s.value(waiting) == 0 and s.value(ROWS) > 0)
            assert len(exporter.logged("lag_rows_written_again")) == 1
            exporter.process.send_signal(signal.SIGTERM)
            assert exporter.process.wait(timeout=30) == 0
            client = connect(away)
            ((rows, measurements),) = client.query(
                "SELECT count(), uniqExact(measured_at) FROM v_stream_lag"
            ).result_rows
            client.close()
            assert rows >= scrape.value(ROWS)
            assert rows == measurements * 4 * PARTITIONS
            assert measurements >= 3
        finally:
            terminate([process], grace_seconds=20)


def test_sigterm_ends_it_in_order(exporter: Exporter) -> None:
    exporter.process.send_signal(signal.SIGTERM)
    assert exporter.process.wait(timeout=30) == 0
    assert len(exporter.logged("lag_exporter_stopped")) == 1


def test_another_path_is_not_found(exporter: Exporter) -> None:
    assert exporter.get("/").status == 404


def test_a_port_in_use_is_one_line_that_says_what_to_do() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "streams.cli", "lag-exporter", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"Port {port} on 127.0.0.1: " in ended.stderr
    assert "choose another --port" in ended.stderr
