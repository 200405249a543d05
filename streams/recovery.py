"""Recovery: bring the local store of newly assigned partitions up to the end of the changelog.

Faust reads a changelog one message at a time and loses live events when it resumes; here a consumer of
its own reads whole batches from the offset that the store has reached. An empty disk starts from zero.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.fields import ANONYMOUS_PREFIX
from schemas.topics import CHANGELOG, partition_of
from streams import lineage
from streams.config import Settings
from streams.errors import LineageError
from streams.state_store import StateStore
from streams.transport import BatchProducer, Record

log = structlog.get_logger(__name__)

_MIB = 1024 * 1024


async def restore(
    settings: Settings,
    store: StateStore,
    producer: BatchProducer,
    database: tuple[str, int],
    partitions: Sequence[int],
) -> None:
    """Bring the state of assigned partitions up to date, and see that it belongs to the topics and rows.

    Raises:
        LineageError: it does not.
    """
    source = await asyncio.to_thread(lineage.read_source, settings)
    now = lineage.Lineage(*database, source.topics)
    lineage.discard_foreign_state(store, partitions, now)
    await recover(settings.kafka_bootstrap, store, partitions)
    new = [partition for partition in partitions if not lineage.check(store, partition, now, source)]
    if new:
        await asyncio.to_thread(lineage.note_topics, settings, source.topics)
        for partition in new:
            value = now.to_value()
            offset = await producer.send_all(CHANGELOG, partition, [Record(lineage.LINEAGE_KEY, value)])
            store.write({partition: [(lineage.LINEAGE_KEY, value)]}, {partition: offset})
    versions = await asyncio.to_thread(lineage.newest_versions, settings, now.epoch)
    for partition in partitions:
        mine = {
            customer: version
            for customer, version in versions.items()
            if partition_of(customer.removeprefix(ANONYMOUS_PREFIX), settings.partitions) == partition
        }
        lineage.check_not_behind(store, partition, mine)


async def recover(bootstrap: str, store: StateStore, partitions: Sequence[int]) -> int:
    """Read the changelog of these partitions to its present end; returns the number of records read.

    Raises:
        LineageError: the store has more than the changelog, so they do not belong together.
    """
    started = time.monotonic()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * _MIB,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        records = await _recover(
            consumer, store, [TopicPartition(CHANGELOG, number) for number in partitions]
        )
    finally:
        await consumer.stop()
    seconds = time.monotonic() - started
    log.info("state_recovered", partitions=len(partitions), records=records, seconds=round(seconds, 3))
    return records


async def _recover(consumer: AIOKafkaConsumer, store: StateStore, tps: list[TopicPartition]) -> int:
    consumer.assign(tps)
    ends = await consumer.end_offsets(tps)
    behind = set()
    for tp in tps:
        held = store.offset(tp.partition)
        if held > ends[tp]:
            raise LineageError(
                f"local state of partition {tp.partition} is at changelog offset {held}, but {CHANGELOG} "
                f"ends at {ends[tp]}: the topic was recreated or cut. Run `engage rebuild`, or delete the "
                "data directory."
            )
        consumer.seek(tp, held)
        if held < ends[tp]:
            behind.add(tp)
    consumer.pause(*(set(tps) - behind))
    total = 0
    while behind:
        fetched = await consumer.getmany(timeout_ms=500, max_records=50_000)
        for tp, records in fetched.items():
            position = records[-1].offset + 1
            store.restore(tp.partition, [(record.key, record.value) for record in records], position)
            total += len(records)
        for tp in list(behind):
            if await consumer.position(tp) >= ends[tp]:
                behind.discard(tp)
                consumer.pause(tp)
    return total
