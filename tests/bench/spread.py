"""Records spread evenly over customers: the workload's, given to others than the busy ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from schemas.topics import partition_of
from tests.bench.workload import BenchRecord, Workload, records

_BATCH_BYTES: Final = 64 * 1024
_IN_FLIGHT: Final = 64
#: Whose records are given away does not matter; fewer customers are quicker to make up.
_DONORS: Final = 1_000


def once_each(customers: int, partitions: int, seed: int) -> Iterator[BenchRecord]:
    """One record for each customer, from 0 on."""
    return _given_to(range(customers), customers, partitions, seed)


def at_random(events: int, customers: int, partitions: int, seed: int) -> Iterator[BenchRecord]:
    """Records of customers drawn with the same odds for all."""
    chance = Random(seed)
    return _given_to((chance.randrange(customers) for _ in range(events)), events, partitions, seed)


def _given_to(owners: Iterable[int], events: int, partitions: int, seed: int) -> Iterator[BenchRecord]:
    made = records(Workload(events, _DONORS, seed), partitions)
    for owner, (topic, _, key, value) in zip(owners, made, strict=True):
        customer_id = f"c-{owner:07}"
        to_key = customer_id.encode()
        yield BenchRecord(topic, partition_of(customer_id, partitions), to_key, value.replace(key, to_key, 1))


def send(bootstrap: str, sent: Iterable[BenchRecord]) -> None:
    """Send records to their partitions as fast as it goes; returns when all are acknowledged."""
    asyncio.run(_send(bootstrap, sent))


async def _send(bootstrap: str, sent: Iterable[BenchRecord]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="lz4", max_batch_size=_BATCH_BYTES
    )
    async with producer:
        waiting: list[asyncio.Future[Any]] = []
        for topic, partition, batch in batches(producer, sent):
            waiting.append(await producer.send_batch(batch, topic, partition=partition))
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
