"""Records to Kafka, acknowledged by all replicas before anyone is told.

What many requests bring while a flush is under way goes out together in the next one: one batch per partition
instead of one per request and partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.collector import kafka_out
from streams.collector.answers import Refused
from streams.collector.judging import Outgoing
from streams.kafka_security import Brokers

log = structlog.get_logger(__name__)

WAIT_SECONDS: Final = 8.0
"""A request waits this long: a broker that restarts may be back, and some senders try only a few times."""
_RETRY_AFTER_SECONDS: Final = 2.0
_FLUSH_SECONDS: Final = 4 * kafka_out.SEND_SECONDS
"""More than the producer may take for its own retries."""

_Waiting = dict["asyncio.Future[None]", Sequence[Outgoing]]


class Delivery:
    """Sends records; it connects in the background, for as long as it takes.

    Args:
        brokers: where records go.
        observe_flush: told the seconds and records of every flush that was acknowledged.
    """

    def __init__(self, brokers: Brokers, observe_flush: Callable[[float, int], object]) -> None:
        self._brokers = brokers
        self._observe_flush = observe_flush
        self._producer: AIOKafkaProducer | None = None
        self._waiting: _Waiting = {}
        self._arrived = asyncio.Event()
        self._closing = False
        self.running = asyncio.create_task(self._run())
        """Ends with `close`, or with what cannot be: then nothing is delivered any more."""

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Return once Kafka has acknowledged all of them.

        Raises:
            Refused: 503 if it has not within `WAIT_SECONDS`; some may have arrived.
        """
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[acknowledged] = records
        self._arrived.set()
        try:
            await asyncio.wait_for(acknowledged, WAIT_SECONDS)
        except (asyncio.TimeoutError, KafkaError):
            message = "Kafka did not acknowledge in time; send again"
            raise Refused(503, "kafka_unreachable", message, _RETRY_AFTER_SECONDS) from None
        finally:
            # While Kafka is away, what has been given up must not pile up.
            self._waiting.pop(acknowledged, None)

    async def why_not_ready(self) -> str | None:
        """None if a broker answers now and every topic is there; else one line."""
        if self._producer is None:
            return f"no connection to Kafka at {self._brokers.bootstrap} yet"
        return await kafka_out.why_not_ready(self._producer, self._brokers.bootstrap)

    async def close(self) -> None:
        """Send what waits, then disconnect. Nothing may be delivered any more."""
        self._closing = True
        self._arrived.set()
        if self._producer is None:
            self.running.cancel()
        await asyncio.wait({self.running}, timeout=WAIT_SECONDS)
        self.running.cancel()
        if self._producer is not None:
            await self._producer.stop()

    async def _run(self) -> None:
        self._producer = await kafka_out.connect(self._brokers)
        while self._waiting or not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            taken, self._waiting = self._waiting, {}
            if taken:
                await self._flush(self._producer, taken)

    async def _flush(self, producer: AIOKafkaProducer, taken: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        records = [record for some in taken.values() for record in some]
        error = await asyncio.wait_for(kafka_out.send(producer, records), _FLUSH_SECONDS)
        if error is None:
            self._observe_flush(loop.time() - started, len(records))
        else:
            log.warning("kafka_send_failed", error=type(error).__name__, records=len(records))
        for acknowledged in taken:
            if acknowledged.done():
                continue  # given up meanwhile
            if error is None:
                acknowledged.set_result(None)
            else:
                acknowledged.set_exception(error)
