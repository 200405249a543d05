"""Kafka for commands: an admin client and a producer, whose errors are one line each."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

from kafka import KafkaProducer  # type: ignore[import-untyped]
from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    BrokerResponseError,
    KafkaError,
    MessageSizeTooLargeError,
    RetriableError,
)

from schemas.topics import REJECTED_MAX_MESSAGE_BYTES, SOURCE_TOPICS
from streams.config import Settings
from streams.errors import EngageError, MissingTopic
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of
from streams.ops.outgoing import Outgoing

_CONNECT_SECONDS: Final = 8.0
_ANSWER_MS: Final = 8_000
_DELIVERY_MS: Final = 60_000
"""A restarted broker is waited for; one that stays away for a minute is an error."""
_IN_FLIGHT_MAX: Final = 10_000
_CLOSE_SECONDS: Final = 5.0


def open_admin(settings: Settings) -> AbstractContextManager[KafkaAdminClient]:
    """An admin client of the settings' brokers; see `kafka_admin`. A command does not wait for a start."""
    return kafka_admin(brokers_of(settings), _CONNECT_SECONDS, wait_for_listener=False)


def unavailable(settings: Settings, error: Exception) -> EngageError:
    """What Kafka's client raised, in one line that says what to do."""
    name = type(error).__name__
    if isinstance(error, BrokerResponseError) and not isinstance(error, RetriableError):
        return EngageError(f"Kafka at {settings.kafka_bootstrap} refuses: {name}")
    return brokers_of(settings).unavailable(name)


def partitions_of(admin: KafkaAdminClient, settings: Settings, topics: Collection[str]) -> dict[str, int]:
    """Partition count by topic.

    Raises:
        MissingTopic: one of them does not exist.
    """
    described = describe_topics(admin, settings, topics)
    return {name: len(topic["partitions"]) for name, topic in described.items()}


def describe_topics(
    admin: KafkaAdminClient, settings: Settings, topics: Collection[str]
) -> dict[str, dict[str, Any]]:
    """What Kafka says of each topic, by name, in the order of `topics`.

    Raises:
        MissingTopic: one of them does not exist.
    """
    described: list[dict[str, Any]] = admin.describe_topics(list(topics))
    found = {topic["name"]: topic for topic in described if not topic["error_code"]}
    missing = [topic for topic in topics if topic not in found]
    if missing:
        raise MissingTopic(
            f"Kafka at {settings.kafka_bootstrap} has no topic {', '.join(missing)}: run `engage topics`"
        )
    return {topic: found[topic] for topic in topics}


class Sender:
    """Sends records and notices each one that does not arrive.

    The producer is an idempotent one with `acks=all` and Kafka's default partitioner (murmur2 of the key).
    At most 10,000 records wait for their acknowledgement; `send` blocks beyond that.
    """

    def __init__(self, producer: KafkaProducer, settings: Settings) -> None:
        self._producer = producer
        self._settings = settings
        self._waiting: deque[Any] = deque()
        self.sent = 0
        """Records handed over by now."""

    def send(self, record: Outgoing) -> None:
        """Hand a record over.

        Raises:
            KafkaUnavailable: an earlier record was not acknowledged.
            EngageError: Kafka refused an earlier one, or this one is too large.
        """
        try:
            self._waiting.append(self._hand_over(record))
            self.sent += 1
            self._settle(_IN_FLIGHT_MAX)
        except KafkaError as error:
            raise unavailable(self._settings, error) from error

    def flush(self) -> None:
        """Return once every record is acknowledged; raises as `send` does."""
        try:
            self._producer.flush(timeout=_DELIVERY_MS / 1000)
            self._settle(0)
        except KafkaError as error:
            raise unavailable(self._settings, error) from error

    def _settle(self, at_most: int) -> None:
        """Look at the oldest acknowledgements, and wait for them while more than `at_most` are due."""
        while self._waiting and (len(self._waiting) > at_most or self._waiting[0].is_done):
            self._waiting.popleft().get(timeout=_DELIVERY_MS / 1000)

    def _hand_over(self, record: Outgoing) -> Any:
        try:
            return self._producer.send(record.topic, key=record.key, value=record.value)
        except MessageSizeTooLargeError as error:
            size = len(record.value or b"") + len(record.key or b"")
            raise EngageError(
                f"a record of {size} bytes is more than a topic takes, {REJECTED_MAX_MESSAGE_BYTES}"
            ) from error


@contextmanager
def open_sender(settings: Settings, *, linger_ms: int = 0) -> Iterator[Sender]:
    """A sender to the source topics; everything is acknowledged when the block ends without an error.

    Args:
        linger_ms: how long a record waits for company, in milliseconds; more is faster in bulk.

    Raises:
        KafkaUnavailable: no broker answers within about ten seconds.
        MissingTopic: a source topic does not exist.
    """
    with open_admin(settings) as admin:
        partitions_of(admin, settings, SOURCE_TOPICS)
    try:
        producer = KafkaProducer(
            **brokers_of(settings).arguments,
            acks="all",
            enable_idempotence=True,
            linger_ms=linger_ms,
            batch_size=64 * 1024,
            max_request_size=REJECTED_MAX_MESSAGE_BYTES,
            delivery_timeout_ms=_DELIVERY_MS,
            request_timeout_ms=10_000,
            max_block_ms=_ANSWER_MS,
            bootstrap_timeout_ms=_ANSWER_MS,
        )
    except KafkaError as error:
        raise unavailable(settings, error) from error
    sender = Sender(producer, settings)
    try:
        yield sender
        sender.flush()
    finally:
        with suppress(KafkaError):  # the block's own outcome is the one to tell
            producer.close(timeout=_CLOSE_SECONDS)
