"""aiokafka's producer: how it is set, connected and used.

It is not an idempotent one: its sequence is broken for good by a batch that timed out. A record that arrives
twice carries the same event id and counts once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import REJECTED_MAX_MESSAGE_BYTES, SOURCE_TOPICS, partition_of
from streams.collector.judging import Outgoing

log = structlog.get_logger(__name__)

SEND_SECONDS: Final = 5.0
"""A batch that Kafka has not acknowledged by then has failed."""
_PROBE_SECONDS: Final = 2.0
_CONNECT_PAUSE_SECONDS: Final = 0.5
_BATCH_BYTES: Final = 1024 * 1024


async def connect(bootstrap: str) -> AIOKafkaProducer:
    """A producer whose broker answers and has the source topics; tries until there is one."""
    told = None
    while True:
        producer = _producer(bootstrap)
        try:
            await producer.start()
            await producer.client.set_topics(SOURCE_TOPICS)
            problem = _missing_topics(producer)
        except KafkaError as error:
            problem = f"Kafka at {bootstrap} does not serve ({type(error).__name__})"
        if problem is None:
            return producer
        await producer.stop()
        if problem != told:
            log.warning("waiting_for_kafka", problem=problem)
            told = problem
        await asyncio.sleep(_CONNECT_PAUSE_SECONDS)


async def why_not_ready(producer: AIOKafkaProducer, bootstrap: str) -> str | None:
    """None if a broker answers now and every topic is there; else one line."""
    try:
        answered = await asyncio.wait_for(producer.client.force_metadata_update(), _PROBE_SECONDS)
    except asyncio.TimeoutError:
        answered = False
    return _missing_topics(producer) if answered else f"Kafka at {bootstrap} does not answer"


async def send(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> KafkaError | None:
    """Send all; an error if any was not acknowledged, once the fate of all is known."""
    by_partition: defaultdict[tuple[str, int], list[Outgoing]] = defaultdict(list)
    for record in records:
        partitions = len(producer.client.cluster.partitions_for_topic(record.topic) or ())
        if not partitions:
            return KafkaError(f"topic {record.topic} is missing")
        by_partition[record.topic, partition_of(record.spread_by, partitions)].append(record)
    sends = (_send_in_order(producer, *place, some) for place, some in by_partition.items())
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for error in errors:
        if not isinstance(error, KafkaError):
            raise error
    return errors[0] if errors else None


async def _send_in_order(producer: Any, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
    batch = producer.create_batch()
    for record in records:
        # The first record of a batch is taken whatever its size.
        while batch.append(key=record.key, value=record.value, timestamp=None) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
    await (await producer.send_batch(batch, topic, partition=partition))


def _producer(bootstrap: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        # aiokafka compresses lz4 at level 9, which takes longer than all else that sending does.
        compression_type="zstd",
        max_batch_size=_BATCH_BYTES,
        max_request_size=REJECTED_MAX_MESSAGE_BYTES,
        request_timeout_ms=int(SEND_SECONDS * 1000),
        linger_ms=0,
    )


def _missing_topics(producer: AIOKafkaProducer) -> str | None:
    missing = [topic for topic in SOURCE_TOPICS if not producer.client.cluster.partitions_for_topic(topic)]
    return f"topics are missing: {', '.join(missing)}; run `engage topics`" if missing else None
