"""What is really in Kafka: read back by a plain consumer, independent of the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.decode import Event, decode
from schemas.topics import CHANGELOG, CHANNEL_OF_TOPIC, REJECTED, SOURCE_TOPICS
from tests.faults.ledger import Coordinates, Ledger


class Delivery(NamedTuple):
    """A record that a producer has sent and Kafka has kept. `event` is None for bad input."""

    at: Coordinates
    appended_at_ms: int
    value: bytes | None
    event: Event | None


def deliveries(bootstrap: str, partitions: int, ledger: Ledger) -> list[Delivery]:
    """Every committed record of the source topics; valid or not as the ledger made them."""
    found = []
    for record in read_topics(bootstrap, SOURCE_TOPICS, partitions):
        event = None
        if ledger.valid[record.value]:
            decoded = decode(
                record.value, channel=CHANNEL_OF_TOPIC[record.topic], appended_at_ms=record.timestamp
            )
            assert isinstance(decoded, Event), decoded
            event = decoded
        at = (record.topic, record.partition, record.offset)
        found.append(Delivery(at, record.timestamp, record.value, event))
    return found


def rejected_records(bootstrap: str, partitions: int) -> dict[Coordinates, bytes | None]:
    """The original bytes in `events.rejected`, by the coordinates that their headers name."""
    found = {}
    for record in read_topics(bootstrap, [REJECTED], partitions):
        headers = dict(record.headers)
        at = (
            headers["source_topic"].decode(),
            int(headers["source_partition"]),
            int(headers["source_offset"]),
        )
        found[at] = record.value
    return found


def is_compacted(bootstrap: str, partitions: int) -> bool:
    """Whether some records of the changelog are gone."""
    records = read_topics(bootstrap, [CHANGELOG], partitions)
    ends = {record.partition: record.offset + 1 for record in records}
    return len(records) < sum(ends.values())


def read_topics(bootstrap: str, topics: Sequence[str], partitions: int) -> list[ConsumerRecord]:
    """All records of finished transactions and without one, from the first to the present end."""
    tps = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    return asyncio.run(_read(bootstrap, tps))


async def _read(bootstrap: str, tps: list[TopicPartition]) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        records: list[ConsumerRecord] = []
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for fetched in (await consumer.getmany(timeout_ms=200, max_records=10_000)).values():
                records.extend(fetched)
        return records
    finally:
        await consumer.stop()
