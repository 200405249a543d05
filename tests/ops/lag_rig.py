"""A log in Kafka of a test's own, the groups that read it, and what a plain consumer finds in it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.admin import KafkaAdminClient

from streams.config import Settings, load_settings
from streams.core.lag import Measurement, PartitionLag
from streams.ops.lag import LagReader, Watched, open_lag_reader

PARTITIONS = 2


class Log:
    """One topic; `group` is the name of a group that does not exist before its first commit."""

    def __init__(self, broker: str, admin: KafkaAdminClient, partitions: int = PARTITIONS) -> None:
        self.broker = broker
        self.partitions = partitions
        self.topic = f"lag-{uuid.uuid4().hex}"
        self.group = f"group-{self.topic}"
        self._admin = admin
        self.create()

    @property
    def settings(self) -> Settings:
        return load_settings(kafka_bootstrap=self.broker, group_id=self.group)

    def create(self) -> None:
        config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(8 * 2**20)}
        spec = {"num_partitions": self.partitions, "replication_factor": 1, "configs": config}
        self._admin.create_topics({self.topic: spec}, timeout_ms=15_000)
        self._admin.wait_for_topics([self.topic], timeout_ms=15_000)

    def delete(self) -> None:
        self._admin.delete_topics([self.topic], raise_errors=False)
        while self.topic in self._admin.list_topics():
            pass

    def send(self, count: int, partition: int = 0, size: int = 10, compression: str | None = None) -> None:
        """In one batch, as far as they fit."""
        with KafkaProducer(
            bootstrap_servers=self.broker,
            linger_ms=50,
            max_request_size=8 * 2**20,
            compression_type=compression,
        ) as producer:
            for _ in range(count):
                producer.send(self.topic, value=bytes(size), partition=partition)

    @contextmanager
    def transaction(self, count: int, partition: int = 0) -> Iterator[KafkaProducer]:
        """Records of a transaction that the block ends."""
        with KafkaProducer(bootstrap_servers=self.broker, transactional_id=uuid.uuid4().hex) as producer:
            producer.init_transactions()
            producer.begin_transaction()
            for _ in range(count):
                producer.send(self.topic, value=b"x", partition=partition)
            producer.flush()
            yield producer

    def send_transaction(self, count: int, partition: int = 0, *, commits: bool) -> None:
        with self.transaction(count, partition) as producer:
            producer.commit_transaction() if commits else producer.abort_transaction()

    def commit(self, offset: int, partition: int = 0, group: str = "") -> None:
        position = {KafkaPartition(self.topic, partition): OffsetAndMetadata(offset, "", -1)}
        with KafkaConsumer(
            bootstrap_servers=self.broker, group_id=group or self.group, enable_auto_commit=False
        ) as consumer:
            consumer.assign(list(position))
            consumer.commit(position)

    def flow(self, rounds: int) -> Iterator[None]:
        """In each round two batches of 20 come to every partition, and the last 35 are not committed."""
        places = [KafkaPartition(self.topic, number) for number in range(self.partitions)]
        with (
            KafkaProducer(bootstrap_servers=self.broker, linger_ms=5) as producer,
            KafkaConsumer(
                bootstrap_servers=self.broker, group_id=self.group, enable_auto_commit=False
            ) as consumer,
        ):
            consumer.assign(places)
            for number in range(rounds):
                for _ in range(2):
                    for place in places * 20:
                        producer.send(self.topic, value=b"x", partition=place.partition)
                    producer.flush()
                offset = 40 * (number + 1) - 35
                consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place in places})
                yield

    def retain_from(self, offset: int, partition: int = 0) -> None:
        self._admin.delete_records({KafkaPartition(self.topic, partition): offset})

    def appended_at_ms(self, offset: int, partition: int = 0) -> int | None:
        """When the first record at or behind `offset` was appended, as another client reads it."""
        return asyncio.run(self._appended_at_ms(offset, TopicPartition(self.topic, partition)))

    async def _appended_at_ms(self, offset: int, place: TopicPartition) -> int | None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.broker, isolation_level="read_committed", enable_auto_commit=False
        ) as consumer:
            consumer.assign([place])
            start = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, max(start, offset))
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    return int(records[0].timestamp)
        return None

    @contextmanager
    def reader(self, *groups: str) -> Iterator[LagReader]:
        with open_lag_reader(self.settings, Watched(groups or (self.group,), (self.topic,))) as reader:
            yield reader

    def measure(self, *groups: str) -> Measurement:
        with self.reader(*groups) as reader:
            return reader.measure()

    def check(self, measured: Measurement) -> PartitionLag:
        """Lag in seconds is exact for the committed offset that is shown; returns the first partition."""
        for lag in measured.partitions:
            appended_at_ms = self.appended_at_ms(max(0, lag.committed_offset), lag.partition)
            exact = 0.0 if appended_at_ms is None else (measured.measured_at_ms - appended_at_ms) / 1000
            assert lag.lag_seconds == exact, lag
        return next(iter(measured.partitions))


@contextmanager
def lag_log(broker: str, partitions: int = PARTITIONS) -> Iterator[Log]:
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        log = Log(broker, admin, partitions)
        yield log
        log.delete()
