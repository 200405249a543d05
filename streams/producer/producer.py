"""The producer: kafka-python's, idempotent, with an account of every event."""

from __future__ import annotations

from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, NamedTuple

from kafka.errors import KafkaError  # type: ignore[import-untyped]
from typing_extensions import Self

from schemas.events import EngagementEvent
from schemas.topics import TOPIC_OF_CHANNEL
from streams.errors import ConfigError, KafkaUnavailable
from streams.kafka_security import Brokers
from streams.producer.client import GIVE_UP_SECONDS, check_addresses, check_topics, open_client
from streams.producer.errors import NotDelivered, ProducerBusy, Undelivered
from streams.producer.events import Record, to_record
from streams.producer.pending import Pending

_CLOSE_SECONDS: Final = 5.0


class Delivered(NamedTuple):
    """Where Kafka has put an event, on all replicas that are in sync."""

    topic: str
    partition: int
    offset: int


class EngagementProducer:
    """Sends events to the source topics; threads may share it.

    Args:
        bootstrap: Kafka brokers, `host:port,…`; or `Brokers`, for TLS or a login.
        delivery_timeout_seconds: an event that Kafka has not acknowledged by then has failed. Until then the
            producer tries again, through broker restarts and with the order and the number of records kept.
        max_pending: so many events wait for their acknowledgement at most (each of 32 KiB at most); then
            `send` waits.
        max_block_seconds: so long `send` waits at most.
        linger_ms: an event waits so long for company, before `flush` too; more is faster in bulk.

    Raises:
        ConfigError: an argument is wrong.
        KafkaUnavailable: no broker answers.
        MissingTopic: a source topic does not exist.
    """

    def __init__(
        self,
        bootstrap: str | Brokers,
        *,
        delivery_timeout_seconds: float = 120.0,
        max_pending: int = 10_000,
        max_block_seconds: float = 60.0,
        linger_ms: int = 5,
    ) -> None:
        brokers = Brokers(bootstrap) if isinstance(bootstrap, str) else bootstrap
        self._bootstrap = brokers.bootstrap
        self._delivery_timeout_seconds = delivery_timeout_seconds
        self._max_pending = max_pending
        self._max_block_seconds = max_block_seconds
        self._pending = Pending(max_pending)
        self._closed = False
        check_addresses(brokers)
        if not 0 <= linger_ms < delivery_timeout_seconds * 500:
            raise ConfigError("linger_ms: must be 0 or more, and less than half the delivery timeout")
        check_topics(brokers)
        try:
            self._client = open_client(brokers, delivery_timeout_seconds, linger_ms)
        except KafkaError as error:
            raise self._unavailable(error) from error

    def send(self, event: EngagementEvent, *, channel: str | None = None) -> Future[Delivered]:
        """Take an event; the future tells where it is once Kafka has it.

        Nobody has to look at the future: what fails is raised by the next `send`, `flush` or `close`.

        Args:
            channel: `website`, `chat` or `purchase`; by the type if left out (`order_…` is purchase,
                `conversation_…` and `message_sent` are chat, all else is website).

        Raises:
            InvalidEvent: the event breaks the contract; nothing is sent.
            NotDelivered: earlier events have failed; this one, the last in the list, was not tried.
            ProducerBusy: too many events wait, and none was acknowledged for `max_block_seconds`.
        """
        if self._closed:
            raise RuntimeError("the producer is closed")
        record = to_record(event, channel)
        failed = self._pending.take_failed()
        if failed:
            untried = Undelivered(event, record.channel, "not tried, as earlier events failed")
            raise NotDelivered([*failed, untried])
        number = self._pending.reserve(event, record.channel, self._max_block_seconds)
        if number is None:
            raise ProducerBusy(
                f"{self._max_pending} events wait for Kafka at {self._bootstrap}, "
                f"and for {self._max_block_seconds:g} s none of them was acknowledged: send this one later"
            )
        return self._hand_over(number, record)

    def flush(self, timeout_seconds: float | None = None) -> None:
        """Return once Kafka has acknowledged every event.

        Args:
            timeout_seconds: how long to wait; the delivery timeout if left out.

        Raises:
            NotDelivered: with the events that failed since the last call, and those that still wait. The
                latter may arrive later, and are told again if they do not.
        """
        timeout_seconds = self._delivery_timeout_seconds if timeout_seconds is None else timeout_seconds
        reason = f"Kafka at {self._bootstrap} did not acknowledge within {timeout_seconds:g} s"
        undelivered = self._pending.take_undelivered(timeout_seconds, reason)
        if undelivered:
            raise NotDelivered(undelivered)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Flush, and end the connection and the thread; raises as `flush` does, and is harmless twice."""
        if self._closed:
            return
        self._closed = True
        close_seconds = GIVE_UP_SECONDS
        try:
            self.flush(timeout_seconds)
            close_seconds = _CLOSE_SECONDS
        finally:
            self._client.close(timeout=close_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hand_over(self, number: int, record: Record) -> Future[Delivered]:
        future: Future[Delivered] = Future()
        future.set_running_or_notify_cancel()  # it is under way: too late to cancel
        try:
            sent = self._client.send(TOPIC_OF_CHANNEL[record.channel], key=record.key, value=record.value)
        except KafkaError as error:
            self._pending.settle(number)
            raise self._unavailable(error) from error
        sent.add_callback(self._on_delivered, number, future)
        sent.add_errback(self._on_failed, number, future)
        return future

    def _on_delivered(self, number: int, future: Future[Delivered], metadata: Any) -> None:
        future.set_result(Delivered(metadata.topic, metadata.partition, metadata.offset))
        self._pending.settle(number)

    def _on_failed(self, number: int, future: Future[Delivered], error: Exception) -> None:
        failed = self._pending.fail(number, f"Kafka at {self._bootstrap}: {type(error).__name__}")
        future.set_exception(NotDelivered([failed]))

    def _unavailable(self, error: Exception) -> KafkaUnavailable:
        return KafkaUnavailable(f"Kafka at {self._bootstrap} does not serve ({type(error).__name__})")
