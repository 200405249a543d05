"""kafka-python's producer, set up for the contract: idempotent, acknowledged by all replicas, murmur2."""

from __future__ import annotations

from typing import Final

from kafka import KafkaProducer  # type: ignore[import-untyped]
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.topics import SOURCE_TOPICS
from streams.errors import ConfigError, MissingTopic
from streams.kafka_admin import kafka_admin
from streams.kafka_security import Brokers

GIVE_UP_SECONDS: Final = 0.5
"""How long `close` goes on for events that are known to be late."""

_CONNECT_SECONDS: Final = 10.0
_REQUEST_SECONDS: Final = 10.0
_RECONNECT_MAX_MS: Final = 1_000


class Client(KafkaProducer):  # type: ignore[misc]  # kafka-python has no types
    def flush(self, timeout: float | None = None) -> None:
        """`Pending` knows what is under way. kafka-python's own waits `timeout` for each batch, and when
        that fails, `close` ends with its thread still running."""


def open_client(brokers: Brokers, delivery_timeout_seconds: float, linger_ms: int) -> KafkaProducer:
    """A client that knows the partitions of the source topics.

    Raises:
        KafkaError: no broker answers.
    """
    client = Client(
        **brokers.arguments,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        linger_ms=linger_ms,
        batch_size=64 * 1024,
        delivery_timeout_ms=int(delivery_timeout_seconds * 1000),
        # Time for a second attempt, and more than the client's own check asks for.
        request_timeout_ms=int(min(_REQUEST_SECONDS, delivery_timeout_seconds / 2) * 1000),
        # A broker that comes back is noticed within a second.
        reconnect_backoff_max_ms=_RECONNECT_MAX_MS,
        bootstrap_timeout_ms=int(_CONNECT_SECONDS * 1000),
        max_block_ms=int(_CONNECT_SECONDS * 1000),
    )
    try:
        # Asked for now, so that no `send` has to wait for it.
        for topic in SOURCE_TOPICS:
            client.partitions_for(topic)
    except KafkaError:
        client.close(timeout=GIVE_UP_SECONDS)
        raise
    return client


def check_addresses(brokers: Brokers) -> None:
    """Raises ConfigError, in one line, if they are not `host:port,…`."""
    for server in brokers.servers:
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError(f"bootstrap: {server!r} is not host:port, for example 127.0.0.1:9092")


def check_topics(brokers: Brokers) -> None:
    """First see that a broker serves: when kafka-python's constructor fails, it leaves a thread behind.

    Raises:
        KafkaUnavailable: no broker answers.
        MissingTopic: a source topic does not exist.
    """
    with kafka_admin(brokers, _CONNECT_SECONDS, wait_for_listener=False) as admin:
        existing = set(admin.list_topics())
    missing = [topic for topic in SOURCE_TOPICS if topic not in existing]
    if missing:
        raise MissingTopic(
            f"Kafka at {brokers.bootstrap} has no topic {', '.join(missing)}: run `engage topics`"
        )
