"""Creates the topics of `schemas.topics` and checks that they are what the worker expects."""

from __future__ import annotations

from typing import Any

from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    InvalidReplicationFactorError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from schemas.topics import TOPICS, TopicSpec
from streams.config import Settings
from streams.errors import ConfigError, EngageError, MissingTopic
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of

_TIMEOUT_SECONDS = 10.0
_NAMES = tuple(spec.name for spec in TOPICS)


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names, once every partition has a leader.

    Safe to run again, and by several at once. Settings of existing topics stay as they are.

    Raises:
        KafkaUnavailable: no broker answers in time.
        MissingTopic: an existing topic has another partition count than `settings.partitions`.
        ConfigError: there are fewer brokers than `settings.replication_factor`.
    """
    with kafka_admin(brokers_of(settings), _TIMEOUT_SECONDS) as admin:
        existing = _partition_counts(admin)
        missing = [spec for spec in TOPICS if spec.name not in existing]
        if missing:
            _create(admin, missing, settings)
        _check(_partition_counts(admin), settings)
    return [spec.name for spec in missing]


def check_topics(settings: Settings) -> None:
    """Return if every topic exists with `settings.partitions` partitions.

    Raises:
        KafkaUnavailable: no broker answers in time.
        MissingTopic: a topic is missing or has another partition count.
    """
    with kafka_admin(brokers_of(settings), _TIMEOUT_SECONDS) as admin:
        _check(_partition_counts(admin), settings)


def _partition_counts(admin: KafkaAdminClient) -> dict[str, int]:
    """Partition count of each of our topics that exists."""
    described: list[dict[str, Any]] = admin.describe_topics(list(_NAMES))
    return {topic["name"]: len(topic["partitions"]) for topic in described if not topic["error_code"]}


def _create(admin: KafkaAdminClient, missing: list[TopicSpec], settings: Settings) -> None:
    wanted = {
        spec.name: {
            "num_partitions": settings.partitions,
            "replication_factor": settings.replication_factor,
            "configs": spec.config,
        }
        for spec in missing
    }
    answer = admin.create_topics(wanted, timeout_ms=int(_TIMEOUT_SECONDS * 1000), raise_errors=False)
    for topic in answer["topics"]:
        _raise_for(topic, settings)
    admin.wait_for_topics(list(wanted), timeout_ms=int(_TIMEOUT_SECONDS * 1000))


def _raise_for(topic: dict[str, Any], settings: Settings) -> None:
    error = for_code(topic["error_code"])
    # Somebody else created it a moment ago: as good as ours, and checked like any other.
    if error in (NoError, TopicAlreadyExistsError):
        return
    if error is InvalidReplicationFactorError:
        raise ConfigError(
            f"ENGAGE_REPLICATION_FACTOR: {settings.replication_factor} replicas need as many brokers, "
            f"and {settings.kafka_bootstrap} has fewer: lower it or add brokers"
        )
    detail = topic.get("error_message") or error.__name__
    raise EngageError(f"Kafka at {settings.kafka_bootstrap} refuses the topic {topic['name']}: {detail}")


def _check(partition_counts: dict[str, int], settings: Settings) -> None:
    missing = [name for name in _NAMES if name not in partition_counts]
    if missing:
        raise MissingTopic(
            f"Kafka at {settings.kafka_bootstrap} has no topic {', '.join(missing)}: run `engage topics`"
        )
    for name in _NAMES:
        if partition_counts[name] != settings.partitions:
            raise MissingTopic(
                f"topic {name} has {partition_counts[name]} partitions, not {settings.partitions}: "
                f"set ENGAGE_PARTITIONS={partition_counts[name]}, or use a Kafka without it"
            )
