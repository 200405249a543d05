"""`engage lag`: for people and for programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from streams.cli.lag_page import summary
from streams.config import Settings
from streams.core.lag import GroupLag, PartitionLag
from streams.embedded.ports import free_ports
from tests.cli.commands import PARTITIONS, Engage

FIELDS = ["group", "topic", "partition", "committed_offset", "end_offset", "lag", "lag_seconds"]


def group(members: int, *lags: int, seconds: float = 0.0) -> GroupLag:
    partitions = (PartitionLag("g", "t", number, 0, 0, lag, seconds) for number, lag in enumerate(lags))
    return GroupLag("g", members, tuple(partitions))


def test_the_summary_tells_an_idle_group_from_a_dead_one() -> None:
    assert summary(group(1, 0, 0)) == "g: 1 member, 0 offsets behind, oldest record 0.0 s"
    assert (
        summary(group(0, 3, -1, 4, seconds=61.25)) == "g: 0 members, 7 offsets behind, oldest record 61.2 s"
    )
    assert summary(group(2, -1, -1)) == "g: 2 members, nothing committed yet, oldest record 0.0 s"


@pytest.mark.usefixtures("kafka")
def test_json_is_a_list_with_an_object_per_partition(engage: Engage) -> None:
    ended = engage("lag", "--json", "--group", "a", "--group", "b")

    assert (ended.status, ended.err) == (0, "")
    lags = json.loads(ended.out)
    assert len(lags) == 2 * 4 * PARTITIONS
    assert all(list(lag) == FIELDS for lag in lags)
    assert {lag["group"] for lag in lags} == {"a", "b"}
    assert {(lag["committed_offset"], lag["lag"]) for lag in lags} == {(-1, -1)}


def test_the_table_shows_each_partition_and_a_summary(kafka: Settings, engage: Engage) -> None:
    sent = b'{"customer_id": "c-1"}'
    assert engage("replay", "-", stdin=sent).status == 0
    commit_everything(kafka, "table")

    ended = engage("lag", "--group", "table")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.count("events.website") == PARTITIONS
    assert "table: 0 members, 0 offsets behind, oldest record 0.0 s" in ended.out


def commit_everything(settings: Settings, name: str) -> None:
    """What is in the website's topic, by a group that has no members."""
    partitions = [TopicPartition("events.website", number) for number in range(PARTITIONS)]
    with KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=name, enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.commit({tp: OffsetAndMetadata(offset, "", -1) for tp, offset in ends.items()})


def test_watching_measures_until_it_is_interrupted(kafka: Settings) -> None:
    command = [sys.executable, "-m", "streams.cli", "lag", "--watch", "--every", "0.1", "--json"]
    environment = {**os.environ, "ENGAGE_KAFKA_BOOTSTRAP": kafka.kafka_bootstrap}
    # A run in the background may ignore SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert [len(line) for line in lines] == [4 * PARTITIONS] * 3


def test_without_kafka_it_is_one_line(engage: Engage, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("ENGAGE_KAFKA_BOOTSTRAP", f"127.0.0.1:{port}")

    ended = engage("lag")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"engage: Kafka at 127.0.0.1:{port} does not serve")
    assert ended.err.count("\n") == 1
