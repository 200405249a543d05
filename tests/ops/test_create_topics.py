"""The topics on a real broker. Their names are fixed, so each test begins and ends with none of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from schemas.topics import REJECTED, TOPICS, WEBSITE
from streams.config import Settings, load_settings
from streams.embedded.ports import free_ports
from streams.errors import ConfigError, KafkaUnavailable, MissingTopic
from streams.ops.topics import check_topics, create_topics

NAMES = [spec.name for spec in TOPICS]


@pytest.fixture
def admin(kafka_broker: str) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as admin:
        delete_all(admin)
        yield admin
        delete_all(admin)


@pytest.fixture
def settings(kafka_broker: str) -> Settings:
    return load_settings(kafka_bootstrap=kafka_broker, partitions=3)


def delete_all(admin: KafkaAdminClient, names: list[str] = NAMES) -> None:
    """Delete those of the topics that exist, and wait until the broker has forgotten them."""
    while existing := set(names) & set(admin.list_topics()):
        admin.delete_topics(sorted(existing), raise_errors=False)


@pytest.mark.usefixtures("admin")
def test_topics_are_created_once(settings: Settings) -> None:
    assert create_topics(settings) == NAMES
    assert create_topics(settings) == []
    check_topics(settings)


def test_a_topic_has_the_settings_and_partitions_of_its_spec(
    admin: KafkaAdminClient, settings: Settings
) -> None:
    create_topics(settings)

    described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(NAMES)}
    assert described == dict.fromkeys(NAMES, 3)
    for spec in TOPICS:
        resource = ConfigResource(ConfigResourceType.TOPIC, spec.name)
        config = admin.describe_configs([resource], config_filter="all")["topic"][spec.name]
        assert {name: config[name]["value"] for name in spec.config} == spec.config


def test_a_missing_topic_is_named_with_the_command_that_creates_it(
    admin: KafkaAdminClient, settings: Settings
) -> None:
    create_topics(settings)
    delete_all(admin, [REJECTED])

    with pytest.raises(MissingTopic, match=rf"has no topic {REJECTED}: run `engage topics`"):
        check_topics(settings)


@pytest.mark.usefixtures("admin")
def test_another_partition_count_is_named_with_the_setting_that_mends_it(settings: Settings) -> None:
    create_topics(settings)
    other = settings.model_copy(update={"partitions": 8})

    for complain in (check_topics, create_topics):
        with pytest.raises(
            MissingTopic, match=rf"{WEBSITE} has 3 partitions, not 8: set ENGAGE_PARTITIONS=3"
        ):
            complain(other)


@pytest.mark.usefixtures("admin")
def test_more_replicas_than_brokers_is_an_error_of_the_setting(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"ENGAGE_REPLICATION_FACTOR: 3 replicas"):
        create_topics(settings.model_copy(update={"replication_factor": 3}))


def test_a_broker_that_is_not_there_is_named_with_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ops.topics._TIMEOUT_SECONDS", 0.1)
    (port,) = free_ports(1)

    with pytest.raises(KafkaUnavailable, match=rf"127\.0\.0\.1:{port} .*ENGAGE_KAFKA_BOOTSTRAP"):
        check_topics(load_settings(kafka_bootstrap=f"127.0.0.1:{port}"))
