"""The whole product against a Kafka with TLS and logins, and what is said to those who are not let in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import free_ports
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of
from streams.producer import EngagementProducer, new_event
from streams.sending import BatchProducer, Record
from tests.collector.rig import KEYS
from tests.e2e.secured import PASSWORD, USER, SecuredKafka, engage, running_kafka, settings_of
from tests.e2e.stack import until

pytestmark = pytest.mark.slow

WRONG = "wrong-secret-77aa"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with running_kafka(tmp_path_factory.mktemp("secured")) as broker:
        made = engage(broker.environment, "topics")
        assert made.status == 0, made.err
        yield broker


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(KEYS)
    return path


def test_an_event_goes_all_the_way_over_sasl_ssl(
    broker: SecuredKafka, clickhouse_front: str, tmp_path: Path
) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(f"{PASSWORD}\n")
    environment = {
        **broker.environment,
        "ENGAGE_KAFKA_SASL_PASSWORD": "",
        "ENGAGE_KAFKA_SASL_PASSWORD_FILE": str(password_file),
        "ENGAGE_CLICKHOUSE_URL": f"{clickhouse_front}/kafka_security",
        "ENGAGE_DATA_DIR": str(tmp_path / "worker"),
        "ENGAGE_READY_FILE": str(tmp_path / "ready"),
    }
    assert engage(environment, "migrate").status == 0
    log = tmp_path / "worker.log"
    worker = spawn([sys.executable, "-m", "streams.cli", "worker"], log, environment)
    try:
        until(lambda: (tmp_path / "ready").exists() or worker.poll() is not None, "the worker is not ready")
        assert worker.poll() is None, log.read_text()
        sent = engage(
            environment, "send", "page_viewed", "--customer", "c-1", "--property", "url=https://a.b/"
        )
        assert sent.status == 0, sent.err
        drained = engage(environment, "drain", "--timeout", "60")
        assert drained.status == 0, drained.err + log.read_text()

        lags = json.loads(engage(environment, "lag", "--json").out)
        seen = engage(environment, "query", "SELECT events_total FROM v_customer_360", "--format", "json")
    finally:
        terminate([worker], grace_seconds=30)
    assert {partition["lag"] for partition in lags} <= {0, -1}
    assert "1" in seen.out


COMMANDS = {
    "topics": ["topics"],
    "worker": ["worker"],
    "send": ["send", "page_viewed", "--customer", "c-1", "--property", "url=https://a.b/"],
    "lag": ["lag"],
    "drain": ["drain"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_password_is_one_line_that_names_the_setting(broker: SecuredKafka, command: str) -> None:
    ended = engage({**broker.environment, "ENGAGE_KAFKA_SASL_PASSWORD": WRONG}, *COMMANDS[command])

    assert ended == (1, "", f"engage: {refused(broker)}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_authority_is_one_line_that_names_the_setting(broker: SecuredKafka, command: str) -> None:
    foreign = str(broker.certificates.foreign_ca)
    ended = engage({**broker.environment, "ENGAGE_KAFKA_SSL_CAFILE": foreign}, *COMMANDS[command])

    assert ended.status == 1
    assert ended.err.startswith(f"engage: Kafka at {broker.sasl_ssl}: its certificate is not trusted (")
    assert "ENGAGE_KAFKA_SSL_CAFILE" in ended.err
    assert ended.err.count("\n") == 1


def test_plain_text_to_a_tls_listener_is_one_line_that_names_the_setting(broker: SecuredKafka) -> None:
    ended = engage({"ENGAGE_KAFKA_BOOTSTRAP": broker.sasl_ssl}, "topics")

    assert ended.status == 1
    assert "ENGAGE_KAFKA_SECURITY_PROTOCOL=plaintext" in ended.err
    assert ended.err.count("\n") == 1


def test_a_mechanism_that_the_broker_lacks_is_one_line_that_names_the_setting(broker: SecuredKafka) -> None:
    ended = engage({**broker.environment, "ENGAGE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}, "topics")

    assert ended.err == (
        f"engage: Kafka at {broker.sasl_ssl} has no login by SCRAM-SHA-256: "
        "set ENGAGE_KAFKA_SASL_MECHANISM.\n"
    )


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        (
            "ENGAGE_KAFKA_SASL_PASSWORD",
            WRONG,
            "see ENGAGE_KAFKA_SASL_USERNAME and ENGAGE_KAFKA_SASL_PASSWORD",
        ),
        ("ENGAGE_KAFKA_SSL_CAFILE", "foreign", "ENGAGE_KAFKA_SSL_CAFILE names whom to trust"),
    ],
)
def test_a_collector_that_is_not_let_in_says_so_once_and_waits(
    broker: SecuredKafka, keys: Path, tmp_path: Path, variable: str, value: str, says: str
) -> None:
    value = str(broker.certificates.foreign_ca) if value == "foreign" else value
    log = tmp_path / "collector.log"
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "streams.cli", "collect", "--keys", str(keys), "--port", str(port)]
    collector = spawn(command, log, {**broker.environment, variable: value, "ENGAGE_LOG_FORMAT": "json"})
    try:
        until(lambda: says in log.read_text() or collector.poll() is not None, "the collector says nothing")
        assert collector.poll() is None, log.read_text()
    finally:
        terminate([collector], grace_seconds=30)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines] == [
        "collector_started",
        "waiting_for_kafka",
        "collector_stopped",
    ]
    assert WRONG not in log.read_text()


def test_a_lag_exporter_that_is_not_let_in_says_so_once_and_waits(
    broker: SecuredKafka, tmp_path: Path
) -> None:
    log = tmp_path / "exporter.log"
    environment = {**broker.environment, "ENGAGE_KAFKA_SASL_PASSWORD": WRONG, "ENGAGE_LOG_FORMAT": "json"}
    exporter = spawn([sys.executable, "-m", "streams.cli", "lag-exporter", "--port", "0"], log, environment)
    try:
        until(lambda: "lag_not_measured" in log.read_text(), "the exporter says nothing")
        assert exporter.poll() is None, log.read_text()
    finally:
        terminate([exporter], grace_seconds=30)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert refused(broker) in [line.get("reason") for line in lines]


def test_a_password_by_scram_and_a_certificate_let_both_kinds_of_client_in(broker: SecuredKafka) -> None:
    user = UserScramCredentialUpsertion("scrammed", ScramMechanism.SCRAM_SHA_512, PASSWORD)
    with kafka_admin(brokers_of(settings_of(broker.environment)), timeout_seconds=10) as admin:
        assert admin.alter_user_scram_credentials([user]) == {"scrammed": None}
    scram = {"ENGAGE_KAFKA_SASL_USERNAME": "scrammed", "ENGAGE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}
    for environment in ({**broker.environment, **scram}, broker.environment_with_certificate):
        assert engage(environment, "topics").status == 0


async def test_aiokafka_gets_in_by_a_certificate(broker: SecuredKafka) -> None:
    producer = BatchProducer(
        brokers_of(settings_of(broker.environment_with_certificate)), retry_max_seconds=1
    )
    await producer.start()
    try:
        first = await producer.send_all("events.rejected", 0, [Record(b"k", b"v")])
        assert await producer.send_all("events.rejected", 0, [Record(b"k", b"v")]) == first + 1
    finally:
        await producer.stop()


def test_without_the_certificate_that_kafka_asks_for_there_is_one_line(broker: SecuredKafka) -> None:
    without = {"ENGAGE_KAFKA_SSL_CERTFILE": "", "ENGAGE_KAFKA_SSL_KEYFILE": ""}
    ended = engage({**broker.environment_with_certificate, **without}, "topics")

    assert ended.status == 1
    assert "it asks for another certificate" in ended.err
    assert "ENGAGE_KAFKA_SSL_CERTFILE" in ended.err
    assert ended.err.count("\n") == 1


def test_the_python_producer_logs_in_by_its_own_arguments(broker: SecuredKafka) -> None:
    viewed = new_event("page_viewed", customer_id="c-2", properties={"url": "https://a.b/"})
    with EngagementProducer(brokers_of(settings_of(broker.environment))) as producer:
        sent = producer.send(viewed)

    assert sent.result().topic == "events.website"


def refused(broker: SecuredKafka) -> str:
    return (
        f"Kafka at {broker.sasl_ssl} refuses the login of {USER}: "
        "see ENGAGE_KAFKA_SASL_USERNAME and ENGAGE_KAFKA_SASL_PASSWORD."
    )
