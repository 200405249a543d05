"""Kafka's producers: records out, in order within a partition, and acknowledged by all replicas."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import REJECTED_MAX_MESSAGE_BYTES
from streams.kafka_security import Brokers

log = structlog.get_logger(__name__)

_BATCH_BYTES: Final = 1024 * 1024


class Record(NamedTuple):
    """A record to produce."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Producer(Protocol):
    """What a flush needs of Kafka; `BatchProducer` for real."""

    async def send_all(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """Return once all are acknowledged, with the offset after the last."""


async def send_by_partition(producer: Producer, topic: str, placed: Iterable[tuple[int, Record]]) -> None:
    """Send records, each beside its partition, and return once all are acknowledged."""
    by_partition: dict[int, list[Record]] = defaultdict(list)
    for partition, record in placed:
        by_partition[partition].append(record)
    await send_partitions(producer, topic, by_partition)


async def send_partitions(
    producer: Producer, topic: str, by_partition: Mapping[int, Sequence[Record]]
) -> dict[int, int]:
    """Send records of several partitions at once; returns each one's offset after the last."""
    sending = [
        asyncio.create_task(producer.send_all(topic, partition, records))
        for partition, records in by_partition.items()
    ]
    try:
        return dict(zip(by_partition, await asyncio.gather(*sending), strict=True))
    finally:
        for task in sending:
            task.cancel()


def aiokafka_producer(brokers: Brokers, **settings: Any) -> AIOKafkaProducer:
    """A producer that is not idempotent: its sequence would be broken for good by a batch that timed out.

    What is sent twice must be harmless.
    """
    return AIOKafkaProducer(
        **brokers.arguments,
        acks="all",
        # aiokafka compresses lz4 at level 9, which takes longer than all else that sending does.
        compression_type="zstd",
        max_batch_size=_BATCH_BYTES,
        max_request_size=REJECTED_MAX_MESSAGE_BYTES,
        linger_ms=0,
        **settings,
    )


async def send_in_order(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Iterable[Record]
) -> int:
    """Send records, at least one; returns the offset after the last one.

    One batch after the other: with the first lost and the second not, a retry would reorder.

    Raises:
        KafkaError: not all were acknowledged.
    """
    batch = producer.create_batch()
    for record in records:
        # The first record of a batch is taken whatever its size.
        while (
            batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
            is None
        ):
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
    last = await (await producer.send_batch(batch, topic, partition=partition))
    return int(last.offset) + int(batch.record_count())


class BatchProducer:
    """Retries for ever with a back-off while the brokers are away.

    The caller has nothing better to do than to wait, and resending is harmless: keys are compacted; forwarded
    and rejected records carry their source coordinates.
    """

    def __init__(self, brokers: Brokers, *, retry_max_seconds: float) -> None:
        self._retry_max_seconds = retry_max_seconds
        self._producer = aiokafka_producer(brokers)

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def send_all(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """See `Producer.send_all` and `send_in_order`."""
        pause_seconds = 0.1
        while True:
            try:
                return await send_in_order(self._producer, topic, partition, records)
            except KafkaError as error:
                log.warning("kafka_send_retried", topic=topic, partition=partition, error=repr(error))
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, self._retry_max_seconds)
