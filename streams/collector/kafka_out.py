"""The collector's producer: connected with patience, used without. What arrives twice counts once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import SOURCE_TOPICS, partition_of
from streams.collector.judging import Outgoing
from streams.kafka_greeting import why_unavailable
from streams.kafka_security import Brokers
from streams.sending import Record, aiokafka_producer, send_in_order

log = structlog.get_logger(__name__)

SEND_SECONDS: Final = 5.0
"""A batch that Kafka has not acknowledged by then has failed."""
_PROBE_SECONDS: Final = 2.0
_CONNECT_PAUSE_SECONDS: Final = 0.5


async def connect(brokers: Brokers) -> AIOKafkaProducer:
    """A producer whose broker answers and has the source topics; tries until there is one."""
    told = None
    while True:
        producer = aiokafka_producer(brokers, request_timeout_ms=int(SEND_SECONDS * 1000))
        try:
            await producer.start()
            await producer.client.set_topics(SOURCE_TOPICS)
            problem = _missing_topics(producer)
        except KafkaError as error:
            # aiokafka tells its log why, not its caller.
            problem = str(await why_unavailable(brokers) or brokers.unanswered(type(error).__name__))
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
    by_partition: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        partitions = len(producer.client.cluster.partitions_for_topic(record.topic) or ())
        if not partitions:
            return KafkaError(f"topic {record.topic} is missing")
        place = record.topic, partition_of(record.spread_by, partitions)
        by_partition[place].append(Record(record.key, record.value))
    sends = (send_in_order(producer, *place, some) for place, some in by_partition.items())
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for error in errors:
        if not isinstance(error, KafkaError):
            raise error
    return errors[0] if errors else None


def _missing_topics(producer: AIOKafkaProducer) -> str | None:
    missing = [topic for topic in SOURCE_TOPICS if not producer.client.cluster.partitions_for_topic(topic)]
    return f"topics are missing: {', '.join(missing)}; run `engage topics`" if missing else None
