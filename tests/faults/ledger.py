"""Sends traffic and keeps a ledger of every acknowledged record."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults.traffic import Message, Traffic

Coordinates = tuple[str, int, int]

_TRANSACTION_RECORDS = 50
_SLICE_SECONDS = 0.05
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

    # -- producers -------------------------------------------------------------------------------

    def _producer(self, **options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", linger_ms=5, request_timeout_ms=10_000, **options
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
                    self.sent.update(acknowledged)

    async def _send_until_acknowledged(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while messages:
            failed: list[Message] = []
            self.sent.update(await self._send(producer, messages, failed))
            messages = failed
            if failed:
                assert time.monotonic() < deadline, f"{len(failed)} records are never acknowledged"
                await asyncio.sleep(0.2)

    async def _send(
        self, producer: AIOKafkaProducer, messages: Sequence[Message], failed: list[Message] | None = None
    ) -> dict[Coordinates, bytes | None]:
        self.valid.update((message.value, message.valid) for message in messages)
        # Handed over one after the other, so that order is kept, and acknowledged in batches.
        pending = [(asyncio.create_task(self._hand_over(producer, message)), message) for message in messages]
        acknowledged: dict[Coordinates, bytes | None] = {}
        for task, message in pending:
            try:
                at = await task
                acknowledged[at.topic, at.partition, at.offset] = message.value
            except KafkaError:
                if failed is None:
                    raise
                failed.append(message)
        return acknowledged

    @staticmethod
    async def _hand_over(producer: AIOKafkaProducer, message: Message) -> Any:
        return await producer.send_and_wait(
            message.topic, message.value, key=message.key, partition=message.partition
        )
