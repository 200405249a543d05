"""Sends traffic and keeps a ledger of every acknowledged record."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults.traffic import Message, Traffic

Coordinates = tuple[str, int, int]

_TRANSACTION_RECORDS = 50
_SLICE_SECONDS = 0.05
_BATCH_BYTES = 256 * 1024
_FLOOD_SLICE = 5_000
_GIVE_UP_SECONDS = 180.0

# What a broker that is being killed makes the client say is the point of the exercise.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class Ledger:
    """What was sent: `sent` maps the coordinates of each acknowledged record to its value.

    A record whose acknowledgement failed is sent again with the same bytes, as producers do; the first try
    may be in the topic all the same. `valid` says for every value ever sent whether it must become a fact.
    """

    def __init__(self, traffic: Traffic, bootstrap: str) -> None:
        self.traffic = traffic
        self.sent: dict[Coordinates, bytes | None] = {}
        self.valid: dict[bytes | None, bool] = {}
        self._bootstrap = bootstrap

    def produce(self, records: int, *, transactional_id: str | None = None) -> None:
        """Send that many records and wait for their acknowledgements."""
        messages = self.traffic.take(records)
        asyncio.run(
            self._in_transactions(messages, transactional_id) if transactional_id else self._at_once(messages)
        )

    def send(self, *messages: Message) -> None:
        """Send exactly these, and wait for their acknowledgements."""
        asyncio.run(self._at_once(messages))

    @contextmanager
    def load(self, per_second: float = 300.0) -> Iterator[None]:
        """Send at this rate, from another thread, inside the block; the end waits for acknowledgements."""
        stop = threading.Event()
        failure: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._steadily(per_second, stop))
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=run, name="load", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(_GIVE_UP_SECONDS + 10)
        assert not thread.is_alive(), "the producer hangs"
        assert not failure, f"the producer failed: {failure}"

    def flood(self, records: int) -> None:
        """As `produce`, in slices, so that not too many acknowledgements are awaited at once."""
        for number in range(0, records, _FLOOD_SLICE):
            self.produce(min(_FLOOD_SLICE, records - number))

    # -- the books --------------------------------------------------------------------------------

    def offered(self, messages: Iterable[Message]) -> None:
        """These may be in the topics from now on."""
        self.valid.update((message.value, message.valid) for message in messages)

    def acknowledged(self, records: Iterable[tuple[Coordinates, Message]]) -> None:
        """These are."""
        self.sent.update((at, message.value) for at, message in records)

    # -- producers -------------------------------------------------------------------------------

    def _producer(self, **options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=10_000,
            **options,
        )

    async def _at_once(self, messages: Sequence[Message]) -> None:
        async with self._producer() as producer:
            await self._send_until_acknowledged(producer, messages)

    async def _steadily(self, per_second: float, stop: threading.Event) -> None:
        async with self._producer() as producer:
            started, count = time.monotonic(), 0
            while not stop.is_set():
                # After an outage the rate is kept, not caught up with.
                due = min(int((time.monotonic() - started) * per_second) - count, int(per_second))
                if due > 0:
                    await self._send_until_acknowledged(producer, self.traffic.take(due))
                    count = int((time.monotonic() - started) * per_second)
                await asyncio.sleep(_SLICE_SECONDS)

    async def _in_transactions(self, messages: Sequence[Message], transactional_id: str) -> None:
        """Every third transaction is aborted and must leave no trace."""
        async with self._producer(transactional_id=transactional_id) as producer:
            for number in range(0, len(messages), _TRANSACTION_RECORDS):
                part = messages[number : number + _TRANSACTION_RECORDS]
                await producer.begin_transaction()
                acknowledged = await self._send(producer, part)
                if number // _TRANSACTION_RECORDS % 3 == 2:
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()
                    self.acknowledged(acknowledged)

    async def _send_until_acknowledged(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while messages:
            failed: list[Message] = []
            self.acknowledged(await self._send(producer, messages, failed))
            messages = failed
            if failed:
                assert time.monotonic() < deadline, f"{len(failed)} records are never acknowledged"
                await asyncio.sleep(0.2)

    async def _send(
        self, producer: AIOKafkaProducer, messages: Sequence[Message], failed: list[Message] | None = None
    ) -> list[tuple[Coordinates, Message]]:
        """In batches by partition; returns what was acknowledged, and adds to `failed` what was not."""
        self.offered(messages)
        by_partition: dict[tuple[str, int], list[Message]] = defaultdict(list)
        for message in messages:
            by_partition[message.topic, message.partition].append(message)
        pending = [
            (group, asyncio.create_task(self._send_group(producer, topic, partition, group)))
            for (topic, partition), group in by_partition.items()
        ]
        acknowledged: list[tuple[Coordinates, Message]] = []
        for group, task in pending:
            try:
                acknowledged += await task
            except KafkaError:
                if failed is None:
                    raise
                failed += group
        return acknowledged

    @staticmethod
    async def _send_group(
        producer: AIOKafkaProducer, topic: str, partition: int, messages: Sequence[Message]
    ) -> list[tuple[Coordinates, Message]]:
        acknowledged: list[tuple[Coordinates, Message]] = []
        rest = list(messages)
        while rest:
            batch = producer.create_batch()
            count = 0
            while count < len(rest) and batch.append(
                key=rest[count].key, value=rest[count].value, timestamp=None
            ):
                count += 1
            at = await (await producer.send_batch(batch, topic, partition=partition))
            acknowledged += [((topic, partition, at.offset + n), rest[n]) for n in range(count)]
            rest = rest[count:]
        return acknowledged
