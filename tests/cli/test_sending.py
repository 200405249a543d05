"""`engage replay` and `engage generate` on a real broker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from schemas.decode import Event, decode
from schemas.topics import CHANNEL_OF_TOPIC, CHAT, PURCHASE, SOURCE_TOPICS, WEBSITE, partition_of
from streams.config import Settings, load_settings
from streams.embedded.ports import free_ports
from streams.errors import EngageError, KafkaUnavailable, MissingTopic
from streams.ops.kafka_client import open_admin, open_sender, partitions_of
from streams.ops.outgoing import Outgoing
from tests.cli.commands import PARTITIONS, Engage

Read = Callable[[], list[Outgoing]]


@pytest.fixture
def arrived(kafka: Settings) -> Read:
    """What is in the source topics since the test began, one partition after the other."""
    partitions = [TopicPartition(topic, number) for topic in SOURCE_TOPICS for number in range(PARTITIONS)]
    with KafkaConsumer(bootstrap_servers=kafka.kafka_bootstrap) as consumer:
        starts = consumer.end_offsets(partitions)

    def read() -> list[Outgoing]:
        with KafkaConsumer(bootstrap_servers=kafka.kafka_bootstrap, check_crcs=True) as consumer:
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            for partition, start in starts.items():
                consumer.seek(partition, start)
            found = []
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=100).values():
                    found += records
            for record in found:
                key = None if record.key is None else record.key.decode()
                assert key is None or record.partition == partition_of(key, PARTITIONS)
            return [Outgoing(record.topic, record.key, record.value) for record in found]

    return read


def lines(count: int, channel: str = "website") -> bytes:
    """Events of seven customers, with the ids e-0, e-1, …"""
    events = [{"event_id": f"e-{number}", "customer_id": f"c-{number % 7}"} for number in range(count)]
    return b"".join(json.dumps({**event, "channel": channel}).encode() + b"\n" for event in events)


def ids(sent: list[Outgoing]) -> list[str]:
    return [json.loads(record.value or b"")["event_id"] for record in sent]


# -- replay ------------------------------------------------------------------------------------------


def test_a_file_is_sent_whole_and_keyed_by_customer(engage: Engage, arrived: Read, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(300))

    ended = engage("replay", str(path))

    assert ended.status == 0, ended.err
    assert ended.out.startswith("sent 300 events in ")
    assert sorted(ids(arrived())) == sorted(f"e-{number}" for number in range(300))
    assert {record.key for record in arrived()} == {f"c-{number}".encode() for number in range(7)}


def test_standard_input_is_a_file_too(engage: Engage, arrived: Read) -> None:
    ended = engage("replay", "-", stdin=lines(2, "chat") + lines(1, "purchase"))

    assert (ended.status, ended.err) == (0, "")
    assert sorted(record.topic for record in arrived()) == [CHAT, CHAT, PURCHASE]


def test_shuffled_and_duplicated_the_same_events_arrive(engage: Engage, arrived: Read) -> None:
    ended = engage("replay", "-", "--shuffle", "5", "--duplicate", "0.3", stdin=lines(100))

    sent = ids(arrived())
    assert ended.out.startswith("sent 130 events in ")
    assert len(sent) == 130
    assert set(sent) == {f"e-{number}" for number in range(100)}


def test_of_a_file_with_a_wrong_line_nothing_is_sent(engage: Engage, arrived: Read, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(5) + b'{"channel": "telex"}\n')

    ended = engage("replay", str(path))

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == f"engage: {path}, line 6: channel must be one of website, chat, purchase\n"
    assert arrived() == []


def test_what_is_no_event_is_sent_as_it_stands(engage: Engage, arrived: Read) -> None:
    ended = engage("replay", "-", stdin=b"rubbish \xff\n")

    assert ended.status == 0
    assert arrived() == [Outgoing(WEBSITE, None, b"rubbish \xff")]


def test_an_event_of_5_mb_is_sent(engage: Engage, arrived: Read) -> None:
    line = json.dumps({"customer_id": "c", "type": "page_viewed", "title": "x" * 5_000_000}).encode()

    ended = engage("replay", "-", stdin=line)

    assert ended.status == 0, ended.err
    assert arrived() == [Outgoing(WEBSITE, b"c", line)]


def test_a_line_that_no_topic_takes_is_said_in_one_line(engage: Engage, arrived: Read) -> None:
    ended = engage("replay", "-", stdin=b"x" * 10 * 1024 * 1024)

    assert ended.status == 1
    assert ended.err == "engage: a record of 10485760 bytes is more than a topic takes, 9437184\n"
    assert arrived() == []


def test_a_missing_file_is_said_in_one_line(engage: Engage, tmp_path: Path) -> None:
    ended = engage("replay", str(tmp_path / "none"))

    assert ended.status == 1
    assert ended.err == f"engage: cannot read {tmp_path / 'none'}: No such file or directory\n"


# -- generate ----------------------------------------------------------------------------------------


def test_live_traffic_is_valid(engage: Engage, arrived: Read) -> None:
    ended = engage("generate", "--rate", "500", "--seconds", "0.3")

    sent = arrived()
    now_ms = int(time.time() * 1000)
    events = [
        decode(record.value, channel=CHANNEL_OF_TOPIC[record.topic], appended_at_ms=now_ms) for record in sent
    ]
    assert ended.status == 0, ended.err
    assert ended.out.startswith(f"sent {len(sent)} events in ")
    assert sent
    assert all(isinstance(event, Event) for event in events)


# -- the broker --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["replay", "-"], ["generate"], ["drain"]])
def test_a_kafka_that_is_not_there_is_one_line(
    engage: Engage, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("ENGAGE_KAFKA_BOOTSTRAP", f"127.0.0.1:{port}")

    ended = engage(*command, stdin=lines(1))

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        f"engage: Kafka at 127.0.0.1:{port} does not serve (nobody listens there). "
        "Start it (`engage up`) or set ENGAGE_KAFKA_BOOTSTRAP.\n"
    )


def test_something_else_at_kafkas_port_is_one_line(
    clickhouse_front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.ops.kafka_client._ANSWER_MS", 300)
    settings = load_settings(kafka_bootstrap=clickhouse_front.removeprefix("http://"))

    with (
        pytest.raises(KafkaUnavailable, match=r"does not serve \(Kafka\w+\)\. See that it is up"),
        open_sender(settings),
    ):
        pass


def test_a_missing_topic_is_named_with_the_command_that_creates_it(kafka: Settings) -> None:
    with (
        open_admin(kafka) as admin,
        pytest.raises(MissingTopic, match=r"has no topic nothing\.here: run `engage topics`"),
    ):
        partitions_of(admin, kafka, [WEBSITE, "nothing.here"])


def test_a_record_that_kafka_refuses_is_not_counted_as_delivered(kafka: Settings) -> None:
    too_large_for_the_broker = Outgoing(WEBSITE, b"c", b"x" * (8 * 1024 * 1024 + 1))

    with (
        pytest.raises(EngageError, match=r"Kafka at .* refuses: \w+"),
        open_sender(kafka) as sender,
    ):
        sender.send(too_large_for_the_broker)
