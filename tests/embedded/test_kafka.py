"""The embedded Kafka: a real broker, one process, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.embedded import kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import KafkaUnavailable, MachineError

ONE_PARTITION = {"num_partitions": 1, "replication_factor": 1}


@contextmanager
def running_kafka(data_dir: Path) -> Iterator[str]:
    """A broker of this test's own, on fresh ports, as each start has them; stopped at the end."""
    port, controller_port = free_ports(2)
    argv = kafka.prepare(data_dir, port, controller_port, heap_mib=256)
    process = spawn(argv, data_dir / "kafka.log")
    try:
        kafka.wait_until_ready(port, timeout_seconds=60)
        yield f"{LOOPBACK}:{port}"
    finally:
        terminate([process], grace_seconds=30)


def create_topic(bootstrap: str, name: str, **config: str) -> None:
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics({name: {**ONE_PARTITION, "configs": config}}, wait_for_metadata=True)


def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    with KafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=9 * 1024 * 1024) as producer:
        for sent in [producer.send(topic, value) for value in values]:
            sent.get(timeout=30)


def consume(bootstrap: str, topic: str) -> list[bytes]:
    """All values of the topic's only partition."""
    partition = TopicPartition(topic, 0)
    with KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        values: list[bytes] = []
        while consumer.position(partition) < end:
            values += [record.value for records in consumer.poll(5_000).values() for record in records]
    return values


def test_a_restart_keeps_the_data_in_a_directory_with_odd_characters(tmp_path: Path) -> None:
    data_dir = tmp_path / "two words" / "=#! \\"
    with running_kafka(data_dir) as bootstrap:
        create_topic(bootstrap, "kept")
        produce(bootstrap, "kept", b"one", b"two")
    assert (data_dir / "log" / ".kafka_cleanshutdown").exists()
    identity = (data_dir / "log" / "meta.properties").read_text()

    with running_kafka(data_dir) as bootstrap:
        produce(bootstrap, "kept", b"three")
        assert consume(bootstrap, "kept") == [b"one", b"two", b"three"]
    assert (data_dir / "log" / "meta.properties").read_text() == identity


def test_a_record_of_8_mib_passes(kafka_broker: str) -> None:
    create_topic(kafka_broker, "large", **{"max.message.bytes": str(9 * 1024 * 1024)})
    value = b"x" * (8 * 1024 * 1024)

    produce(kafka_broker, "large", value)

    assert consume(kafka_broker, "large") == [value]


def test_asking_for_an_unknown_topic_does_not_create_it(kafka_broker: str) -> None:
    with KafkaConsumer(bootstrap_servers=kafka_broker) as consumer:
        assert not consumer.partitions_for_topic("mistyped")
        assert "mistyped" not in consumer.topics()


def test_the_command_is_the_java_binary_with_the_heap_that_was_asked_for(tmp_path: Path) -> None:
    argv = kafka.prepare(tmp_path, 9092, 9093, heap_mib=300)

    assert Path(argv[0]).name == "java"
    assert "-Xmx300m" in argv


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    settings = kafka._write_config(tmp_path, 9092, 9093).read_text().splitlines()

    assert "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093" in settings
    assert "advertised.listeners=PLAINTEXT://127.0.0.1:9092" in settings


def test_an_accented_directory_is_written_as_java_reads_properties(tmp_path: Path) -> None:
    config = kafka._write_config(tmp_path / "é😀", 9092, 9093)

    assert f"log.dirs={tmp_path}/\\u00e9\\ud83d\\ude00/log" in config.read_text("ascii").splitlines()


def test_without_java_the_error_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MachineError, match=r"^Kafka needs Java 17.*docker compose up`$"):
        kafka.prepare(tmp_path / "data", 9092, 9093)


def test_a_comma_in_the_directory_is_refused_as_kafka_would_split_it(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="a path without one"):
        kafka.prepare(tmp_path / "a,b", 9092, 9093)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(MachineError, match=r"cannot write .*file/data/server\.properties"):
        kafka.prepare(tmp_path / "file" / "data", 9092, 9093)


def test_waiting_for_a_broker_that_is_not_there_ends_with_one_line() -> None:
    (port,) = free_ports(1)

    with pytest.raises(KafkaUnavailable, match=rf"Kafka at 127\.0\.0\.1:{port} does not serve"):
        kafka.wait_until_ready(port, timeout_seconds=0)
