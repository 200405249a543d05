"""`engage drain`: done when everything that was sent before is committed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.config import Settings, load_settings
from streams.errors import EngageError, MissingTopic
from streams.ops.drain import drain, lags, not_drained
from tests.cli.commands import Engage

P0, P1 = TopicPartition("events.website", 0), TopicPartition("events.website", 1)


# -- the arithmetic ----------------------------------------------------------------------------------


def test_what_is_not_committed_lags() -> None:
    assert lags({P0: 0, P1: 0}, {P0: 10, P1: 5}, {P0: 7, P1: 5}) == {P0: 3}


@pytest.mark.parametrize("committed", [{}, {P0: -1}])
def test_without_a_commit_everything_that_is_there_lags(committed: dict[TopicPartition, int]) -> None:
    assert lags({P0: 4}, {P0: 10}, committed) == {P0: 6}


def test_an_empty_partition_needs_no_commit() -> None:
    assert lags({P0: 0, P1: 9}, {P0: 0, P1: 9}, {}) == {}


def test_what_retention_removed_is_not_waited_for() -> None:
    assert lags({P0: 8}, {P0: 10}, {P0: 3}) == {P0: 2}


def test_what_was_sent_later_is_not_waited_for() -> None:
    assert lags({P0: 0}, {P0: 10}, {P0: 12}) == {}


def test_the_line_names_the_worst_partitions() -> None:
    left = {TopicPartition("t", number): number for number in range(1, 11)}

    line = not_drained(left, "group", 30)

    assert line.startswith("not drained after 30 s: the group group lags in t/10 by 10, t/9 by 9, ")
    assert "t/3 by 3 and 2 more (55 records)" in line
    assert "\n" not in line


@given(st.dictionaries(st.integers(0, 50), st.integers(1, 2**40), min_size=1))
def test_the_line_counts_all_records(left: dict[int, int]) -> None:
    line = not_drained({TopicPartition("t", number): lag for number, lag in left.items()}, "g", 1)

    assert f"({sum(left.values())} records)" in line


# -- on a broker -------------------------------------------------------------------------------------


@dataclass
class Log:
    """Two topics of one partition each, and the group that reads them."""

    settings: Settings
    source: str
    forwarded: str

    def send(self, topic: str, count: int) -> None:
        with KafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap) as producer:
            for _ in range(count):
                producer.send(topic, value=b"x")

    def commit(self, topic: str, offset: int) -> None:
        position = {TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)}
        with KafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap,
            group_id=self.settings.group_id,
            enable_auto_commit=False,
        ) as group:
            group.assign(list(position))
            group.commit(position)

    def drain(self, timeout_seconds: float = 30, on_lag: Callable[[], None] = lambda: None) -> list[int]:
        """Returns the lags that were told; `on_lag` is what happens whenever one is."""
        told: list[int] = []

        def tell(lag: int) -> None:
            told.append(lag)
            on_lag()

        drain(
            self.settings,
            timeout_seconds,
            on_lag=tell,
            sources=[self.source],
            forwarded=self.forwarded,
        )
        return told


@pytest.fixture
def log(kafka_broker: str) -> Iterator[Log]:
    name = uuid.uuid4().hex
    settings = load_settings(kafka_bootstrap=kafka_broker, group_id=f"group-{name}")
    topics = [f"source-{name}", f"forwarded-{name}"]
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as admin:
        admin.create_topics(
            {topic: {"num_partitions": 1, "replication_factor": 1} for topic in topics}, timeout_ms=15_000
        )
        admin.wait_for_topics(topics, timeout_ms=15_000)
        yield Log(settings, *topics)
        admin.delete_topics(topics)


def test_where_nothing_was_sent_nothing_is_waited_for(log: Log) -> None:
    assert log.drain(timeout_seconds=0) == [0]


def test_what_is_committed_already_is_not_waited_for(log: Log) -> None:
    log.send(log.source, 3)
    log.commit(log.source, 3)

    assert log.drain(timeout_seconds=0) == [0]


def test_it_ends_when_the_last_record_is_committed(log: Log) -> None:
    log.send(log.source, 3)
    log.commit(log.source, 1)

    assert log.drain(on_lag=partial(log.commit, log.source, 3)) == [2, 0]


def test_what_is_forwarded_meanwhile_is_waited_for_too(log: Log) -> None:
    log.send(log.source, 2)

    def forward() -> None:
        log.send(log.forwarded, 2)
        log.commit(log.source, 2)

    steps = iter([forward, partial(log.commit, log.forwarded, 2), lambda: None])

    assert log.drain(on_lag=lambda: next(steps)()) == [2, 2, 0]


def test_what_is_sent_after_the_call_is_not_waited_for(log: Log) -> None:
    log.send(log.source, 1)

    def go_on() -> None:
        log.send(log.source, 5)
        log.commit(log.source, 1)

    assert log.drain(on_lag=go_on) == [1, 0]


def test_a_transaction_that_is_still_open_is_not_waited_for(log: Log) -> None:
    log.send(log.source, 1)
    log.commit(log.source, 1)
    with KafkaProducer(
        bootstrap_servers=log.settings.kafka_bootstrap, transactional_id=log.source
    ) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(log.source, value=b"x").get(timeout=15)

        assert log.drain(timeout_seconds=0) == [0]
        producer.abort_transaction()


def test_the_marker_of_a_transaction_counts_as_a_record(log: Log) -> None:
    with KafkaProducer(
        bootstrap_servers=log.settings.kafka_bootstrap, transactional_id=log.source
    ) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(log.source, value=b"x")
        producer.commit_transaction()
    log.commit(log.source, 1)

    with pytest.raises(EngageError, match=rf"{log.source}/0 by 1 \(1 records\)"):
        log.drain(timeout_seconds=0)


def test_when_the_time_is_up_the_lag_is_told(log: Log) -> None:
    log.send(log.source, 4)

    with pytest.raises(EngageError, match=rf"^not drained after 0 s: .* {log.source}/0 by 4 \(4 records\)"):
        log.drain(timeout_seconds=0)


def test_a_topic_that_does_not_exist_is_named(log: Log) -> None:
    with pytest.raises(MissingTopic, match="has no topic nowhere"):
        drain(log.settings, 5, sources=["nowhere"], forwarded=log.forwarded)


@pytest.mark.usefixtures("kafka")
def test_the_command_says_when_everything_is_visible(engage: Engage) -> None:
    ended = engage("drain", "--timeout", "10")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("everything is visible, after ")


@pytest.mark.usefixtures("kafka")
def test_the_command_ends_with_status_1_when_the_time_is_up(
    engage: Engage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_GROUP_ID", "nobody")
    assert engage("replay", "-", stdin=b'{"customer_id": "c-1"}').status == 0

    ended = engage("drain", "--timeout", "0")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("engage: not drained after 0 s: the group nobody lags in events.website/")
    assert ended.err.count("\n") == 1
