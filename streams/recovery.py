"""Recovery: bring the local store of newly assigned partitions up to the end of the changelog.

Faust reads a changelog one message at a time and loses live events when it resumes; here a consumer of
its own reads whole batches from the offset that the store has reached. An empty disk starts from zero.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.fields import ANONYMOUS_PREFIX
from schemas.topics import CHANGELOG, partition_of
from streams import lineage
from streams.config import Settings
from streams.errors import FencedError, LineageError
from streams.kafka_security import Brokers, brokers_of
from streams.sending import BatchProducer, Record
from streams.state_store import StateStore

log = structlog.get_logger(__name__)

_MIB = 1024 * 1024

#: Told how many changelog records are still to be read.
Remaining = Callable[[int], None]


async def restore(
    settings: Settings,
    store: StateStore,
    producer: BatchProducer,
    database: tuple[str, int],
    partitions: Sequence[int],
    on_remaining: Remaining = lambda records: None,
) -> None:
    """Bring the state of assigned partitions up to date, and see that it belongs to the topics and rows.

    Raises:
        LineageError: it does not.
    """
    brokers = brokers_of(settings)
    source = await asyncio.to_thread(lineage.read_source, settings)
    now = lineage.Lineage(*database, source.topics)
    lineage.discard_foreign_state(store, partitions, now)
    outdated = await recover(brokers, store, partitions, on_remaining)
    known = [lineage.check(store, partition, now, source) for partition in partitions]
    if not all(known):
        await asyncio.to_thread(lineage.note_topics, settings, source.topics)
    for partition in partitions:
        await take_over(brokers, store, producer, partition, outdated[partition], now)
    versions = await asyncio.to_thread(lineage.newest_versions, settings, now.epoch)
    for partition in partitions:
        mine = {
            customer: version
            for customer, version in versions.items()
            if partition_of(customer.removeprefix(ANONYMOUS_PREFIX), settings.partitions) == partition
        }
        lineage.check_not_behind(store, partition, mine)


async def take_over(
    brokers: Brokers,
    store: StateStore,
    producer: BatchProducer,
    partition: int,
    outdated: Sequence[bytes],
    now: lineage.Lineage,
) -> None:
    """Begin a new term: whatever a former owner may still write is older than all that comes from here on.

    What it wrote before the term's first record counts, so that record must follow what has been read.
    """
    values, contiguous = {lineage.LINEAGE_KEY: now.to_value()}, False
    while not contiguous:
        store.begin_term(partition, store.term_of(partition, lineage.LINEAGE_KEY) + 1)
        contiguous, outdated = await rewrite(brokers, store, producer, partition, outdated, values)


async def close_gap(
    brokers: Brokers, store: StateStore, producer: BatchProducer, partition: int, start: int, end: int
) -> None:
    """Read changelog records, `start` to `end`, among which are some that this worker did not write.

    Most often they are its own, sent twice when an acknowledgement was lost. Those of a former owner must
    not be the last of their keys.

    Raises:
        FencedError: one is the first of another owner's term. Nothing of this worker may reach ClickHouse:
            its rows may have counted more events than the new owner's, and yet not all that they have.
    """
    contiguous, outdated = False, await _read_back(brokers, store, partition, start, end)
    while not contiguous:
        if store.term_of(partition, lineage.LINEAGE_KEY) > store.term(partition):
            raise FencedError(
                f"partition {partition} has been given to another worker meanwhile: start this one again"
            )
        contiguous, outdated = await rewrite(brokers, store, producer, partition, outdated, {})


async def rewrite(
    brokers: Brokers,
    store: StateStore,
    producer: BatchProducer,
    partition: int,
    outdated: Sequence[bytes],
    values: Mapping[bytes, bytes],
) -> tuple[bool, Sequence[bytes]]:
    """Put values held, and new ones, at the end of the changelog: compaction keeps the last of a key.

    Returns whether nobody else's records came in between; and the keys outdated by those that did.
    """
    held = zip(outdated, store.get(partition, outdated), strict=True)
    records = [(key, value) for key, value in (*held, *values.items()) if value is not None]
    if not records:
        return True, []
    changes = store.stamp_all(partition, records)
    start = store.offset(partition)
    end = await producer.send_all(CHANGELOG, partition, [Record(key, value) for key, value in changes])
    if end - len(changes) > start:
        return False, await _read_back(brokers, store, partition, start, end)
    store.write({partition: changes}, {partition: end})
    return True, []


async def _read_back(
    brokers: Brokers, store: StateStore, partition: int, start: int, end: int
) -> Sequence[bytes]:
    """Restore what is between two offsets; returns outdated keys."""
    async with _consumer(brokers) as consumer:
        outdated = await _read(consumer, store, {TopicPartition(CHANGELOG, partition): (start, end)})
    log.warning("changelog_gap", partition=partition, records=end - start, outdated=len(outdated[partition]))
    return outdated[partition]


async def recover(
    brokers: Brokers,
    store: StateStore,
    partitions: Sequence[int],
    on_remaining: Remaining = lambda records: None,
) -> dict[int, list[bytes]]:
    """Read the changelog of these partitions to its present end.

    Returns, by partition, keys whose last record in the changelog is older than what the store holds.

    Raises:
        LineageError: the store has more than the changelog, so they do not belong together.
    """
    started = time.monotonic()
    async with _consumer(brokers) as consumer:
        ranges = {}
        ends = await consumer.end_offsets([TopicPartition(CHANGELOG, number) for number in partitions])
        for tp, end in ends.items():
            held = store.offset(tp.partition)
            if held > end:
                raise LineageError(
                    f"local state of partition {tp.partition} is at changelog offset {held}, but {CHANGELOG} "
                    f"ends at {end}: the topic was recreated or cut. Run `engage rebuild`, or delete the "
                    "data directory."
                )
            ranges[tp] = (held, end)
        outdated = await _read(consumer, store, ranges, on_remaining)
    seconds = round(time.monotonic() - started, 3)
    records = sum(end - held for held, end in ranges.values())
    log.info("state_recovered", partitions=len(partitions), records=records, seconds=seconds)
    return outdated


@asynccontextmanager
async def _consumer(brokers: Brokers) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **brokers.arguments,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * _MIB,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer,
    store: StateStore,
    ranges: Mapping[TopicPartition, tuple[int, int]],
    on_remaining: Remaining = lambda records: None,
) -> dict[int, list[bytes]]:
    """Restore the records of each range of offsets; returns outdated keys by partition."""
    outdated: dict[int, dict[bytes, None]] = {tp.partition: {} for tp in ranges}
    behind = {tp: end for tp, (start, end) in ranges.items() if start < end}
    consumer.assign(list(behind))
    for tp in behind:
        consumer.seek(tp, ranges[tp][0])
    while behind:
        on_remaining(sum(end - store.offset(tp.partition) for tp, end in behind.items()))
        fetched = await consumer.getmany(timeout_ms=500, max_records=50_000)
        for tp, records in fetched.items():
            keys = outdated[tp.partition]
            for key, _ in (changes := [(record.key, record.value) for record in records]):
                keys.pop(key, None)
            position = max(records[-1].offset + 1, store.offset(tp.partition))
            keys.update(dict.fromkeys(store.restore(tp.partition, changes, position)))
        for tp in list(behind):
            if await consumer.position(tp) >= behind[tp]:
                del behind[tp]
                consumer.pause(tp)
    on_remaining(0)
    return {partition: list(keys) for partition, keys in outdated.items()}
