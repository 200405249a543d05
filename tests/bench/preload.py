"""Fills topics as fast as this machine can: whole batches, compressed with lz4."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from tests.bench.workload import BenchRecord

#: As large as the batches of a busy producer.
_BATCH_BYTES: Final = 64 * 1024
_IN_FLIGHT: Final = 64


def send(bootstrap: str, sent: Iterable[BenchRecord], prefix: str = "") -> None:
    """Send records to their partitions of the topics whose names are theirs behind `prefix`.

    Returns when all are acknowledged.
    """
    asyncio.run(_send(bootstrap, sent, prefix))


async def _send(bootstrap: str, sent: Iterable[BenchRecord], prefix: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="lz4", max_batch_size=_BATCH_BYTES
    )
    async with producer:
        waiting: list[asyncio.Future[Any]] = []
        for topic, partition, batch in batches(producer, sent):
            waiting.append(await producer.send_batch(batch, prefix + topic, partition=partition))
            if len(waiting) >= _IN_FLIGHT:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)


def batches(producer: AIOKafkaProducer, sent: Iterable[BenchRecord]) -> Iterator[tuple[str, int, Any]]:
    """Records in full batches, and at the end what is left: topic, partition, batch."""
    open_batches: dict[tuple[str, int], Any] = {}
    for topic, partition, key, value in sent:
        batch = open_batches.get((topic, partition))
        if batch is not None and batch.append(key=key, value=value, timestamp=None) is not None:
            continue
        if batch is not None:
            yield topic, partition, batch
        batch = open_batches[topic, partition] = producer.create_batch()
        batch.append(key=key, value=value, timestamp=None)
    for (topic, partition), batch in open_batches.items():
        yield topic, partition, batch
