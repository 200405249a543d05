"""A Kafka of the producer's tests' own, because they stop it, and what has arrived in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from schemas.topics import SOURCE_TOPICS
from streams.ops.topics import create_topics
from tests.producer.broker import PARTITIONS, Arrived, Broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """With the product's topics."""
    own = Broker(tmp_path_factory.mktemp("producer"))
    try:
        create_topics(own.settings)
        yield own
    finally:
        own.stop()


@pytest.fixture
def arrived(broker: Broker) -> Callable[[], list[Arrived]]:
    """What has come into the source topics since the test began."""
    partitions = [TopicPartition(topic, number) for topic in SOURCE_TOPICS for number in range(PARTITIONS)]
    with KafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        starts = consumer.end_offsets(partitions)

    def read() -> list[Arrived]:
        with KafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            for partition, start in starts.items():
                consumer.seek(partition, start)
            found: list[Any] = []
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=100).values():
                    found += records
        return [Arrived(r.topic, r.partition, r.offset, r.key.decode(), json.loads(r.value)) for r in found]

    return read
