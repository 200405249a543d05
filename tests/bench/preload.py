"""Fills topics as fast as this machine can: whole batches, compressed with lz4."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from tests.bench.workload import Workload, records

#: As large as the batches of a busy producer.
_BATCH_BYTES: Final = 64 * 1024
_IN_FLIGHT: Final = 64


async def fill(bootstrap: str, workload: Workload, partitions: int, prefix: str) -> None:
    """Send the workload's records to the topics whose names are those of the contract behind `prefix`."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="lz4", max_batch_size=_BATCH_BYTES
    )
    async with producer:
        await _send(producer, workload, partitions, prefix)


async def _send(producer: AIOKafkaProducer, workload: Workload, partitions: int, prefix: str) -> None:
    batches: dict[tuple[str, int], Any] = {}
    sent: list[asyncio.Future[Any]] = []
    for topic, partition, key, value in records(workload, partitions):
        batch = batches.get((topic, partition))
        if batch is None:
            batch = batches[topic, partition] = producer.create_batch()
        if batch.append(key=key, value=value, timestamp=None) is not None:
            continue
        sent.append(await producer.send_batch(batch, prefix + topic, partition=partition))
        batch = batches[topic, partition] = producer.create_batch()
        batch.append(key=key, value=value, timestamp=None)
        if len(sent) >= _IN_FLIGHT:
            await asyncio.gather(*sent)
            sent.clear()
    for (topic, partition), batch in batches.items():
        sent.append(await producer.send_batch(batch, prefix + topic, partition=partition))
    await asyncio.gather(*sent)
