"""Lag on a real broker, against what another client reads."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from kafka import KafkaConsumer

from streams.errors import KafkaUnavailable, MissingTopic
from streams.ops.lag import Watched, measurements, open_lag_reader
from tests.ops.lag_rig import PARTITIONS, Log, lag_log


def test_seconds_are_the_age_of_the_oldest_record_that_is_not_committed(log: Log) -> None:
    for _ in range(3):
        log.send(4)
    with log.reader() as reader:
        # Also in the midst of a batch.
        for offset in (0, 2, 4, 5, 11):
            log.commit(offset)
            lag = log.check(reader.measure())
            assert (lag.committed_offset, lag.end_offset, lag.lag) == (offset, 12, 12 - offset)
            assert lag.lag_seconds > 0


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_records_count_whatever_their_producer_compressed_them_with(log: Log, compression: str) -> None:
    """The collector and the workers send zstd, for which kafka-python needs a package that was missing."""
    log.send(3, compression=compression)
    log.commit(1)
    assert log.check(log.measure()).lag_seconds > 0


def test_when_everything_is_committed_nothing_lags(log: Log) -> None:
    log.send(3)
    log.commit(3)
    lag = log.check(log.measure())
    assert (lag.lag, lag.lag_seconds) == (0, 0.0)


def test_where_nothing_is_committed_lag_is_minus_one_and_seconds_count_from_the_logs_start(log: Log) -> None:
    log.send(3)
    log.send(3)
    lag = log.check(log.measure())
    assert (lag.committed_offset, lag.end_offset, lag.lag) == (-1, 6, -1)
    assert lag.lag_seconds > 0


def test_an_empty_topic_has_nothing_to_read(log: Log) -> None:
    measured = log.measure()
    assert [lag[1:] for lag in measured.partitions] == [
        (log.topic, number, -1, 0, -1, 0.0) for number in range(PARTITIONS)
    ]


def test_a_group_that_does_not_exist_has_no_members_and_nothing_committed(log: Log) -> None:
    log.send(1)
    (group,) = log.measure("nobody").groups
    assert (group.group, group.members, group.lag_by_topic) == ("nobody", 0, {log.topic: -1})


def test_groups_are_measured_each_by_its_own_offsets(log: Log) -> None:
    log.send(2)
    log.send(2)
    log.commit(1, group="slow")
    log.commit(3, group="fast")
    measured = log.measure("slow", "fast", "none")
    log.check(measured)
    assert [lag.lag for lag in measured.partitions if lag.partition == 0] == [3, 1, -1]


def test_dead_workers_lag_as_living_ones_do(log: Log) -> None:
    log.send(2)
    log.send(2, partition=1)
    with KafkaConsumer(
        log.topic, bootstrap_servers=log.broker, group_id=log.group, auto_offset_reset="earliest"
    ) as worker:
        while not worker.poll(timeout_ms=500, max_records=1):
            pass
        worker.commit()
        (alive,) = log.measure().groups
    (dead,) = log.measure().groups
    assert (alive.members, dead.members) == (1, 0)
    assert [lag.lag for lag in dead.partitions] == [lag.lag for lag in alive.partitions]
    assert sum(lag.lag for lag in dead.partitions if lag.lag >= 0) >= 1
    log.check(log.measure())


# -- transactions ------------------------------------------------------------------------------------


def test_behind_a_marker_there_is_lag_but_nothing_to_read(log: Log) -> None:
    log.send_transaction(2, commits=True)
    log.commit(2)
    lag = log.check(log.measure())
    assert (lag.lag, lag.lag_seconds) == (1, 0.0)


def test_records_of_an_aborted_transaction_are_not_left_to_read(log: Log) -> None:
    log.send(1)
    log.send_transaction(3, commits=False)
    log.commit(1)
    lag = log.check(log.measure())
    assert (lag.lag, lag.lag_seconds) == (4, 0.0)


def test_behind_aborted_transactions_the_next_record_counts(log: Log) -> None:
    log.send_transaction(3, commits=False)
    log.send_transaction(3, commits=False)
    log.send(1)
    log.commit(0)
    assert log.check(log.measure()).lag_seconds > 0


def test_an_open_transaction_holds_up_what_comes_behind_it(log: Log) -> None:
    log.send(1)
    log.commit(1)
    with log.reader() as reader, log.transaction(1) as open_transaction:
        first = next(iter(reader.measure().partitions))
        log.send(1)
        second = reader.measure()
        lag = next(iter(second.partitions))
        assert 0 < first.lag_seconds < lag.lag_seconds
        assert lag.lag == 2
        open_transaction.abort_transaction()
        aborted = log.check(reader.measure())
        assert aborted.lag == 3
        assert aborted.lag_seconds > 0


# -- what retention and people do ---------------------------------------------------------------------


def test_what_retention_removed_is_lag_but_the_oldest_record_is_the_one_that_is_left(log: Log) -> None:
    for _ in range(3):
        log.send(2)
    log.commit(1)
    with log.reader() as reader:
        before = log.check(reader.measure())
        log.retain_from(3)
        after = log.check(reader.measure())
    assert (before.lag, after.lag) == (5, 5)


def test_when_retention_removed_everything_nothing_is_left_to_read(log: Log) -> None:
    log.send(4)
    log.commit(1)
    log.retain_from(4)
    lag = log.check(log.measure())
    assert (lag.lag, lag.lag_seconds) == (3, 0.0)


def test_a_record_larger_than_what_is_fetched_at_once_is_read(log: Log) -> None:
    log.send(1, size=3 * 2**20)
    log.send(1, partition=1, size=3 * 2**20)
    assert log.check(log.measure()).lag_seconds > 0


def test_a_topic_made_anew_is_read_anew(log: Log) -> None:
    with log.reader() as reader:
        log.send(2)
        log.commit(1)
        log.check(reader.measure())
        log.delete()
        log.create()
        log.send(2)
        log.check(reader.measure())
        log.commit(1)
        log.check(reader.measure())


def test_an_offset_of_a_former_log_counts_as_none(log: Log) -> None:
    log.send(2)
    log.commit(5)
    lag = next(iter(log.measure().partitions))
    assert (lag.committed_offset, lag.lag) == (5, -1)
    assert lag.lag_seconds > 0


@pytest.mark.slow
def test_many_partitions_are_read_again_and_again(kafka_broker: str) -> None:
    """Defect: a consumer that paused what it had found never came back to the other partitions."""
    with lag_log(kafka_broker, partitions=8) as log, log.reader() as reader:
        for _ in log.flow(rounds=30):
            lags = list(reader.measure().partitions)
            assert [lag.lag for lag in lags] == [35] * 8
            assert min(lag.lag_seconds for lag in lags) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_what_is_remembered_stays_exact(log: Log, seed: int) -> None:
    """One reader for all steps, as in the exporter; each measurement is compared with what is there."""
    rng = random.Random(seed)
    end = 0

    def commit_anywhere() -> None:
        log.commit(rng.randrange(end + 1))

    def retain_from_anywhere() -> None:
        log.retain_from(rng.randrange(max(1, end - 3)))

    steps: list[Callable[[], None]] = [
        lambda: log.send(rng.randrange(1, 5)),
        lambda: log.send_transaction(rng.randrange(1, 4), commits=True),
        lambda: log.send_transaction(rng.randrange(1, 4), commits=False),
        commit_anywhere,
        commit_anywhere,
        commit_anywhere,
        retain_from_anywhere,
    ]
    with log.reader() as reader:
        for _ in range(25):
            rng.choice(steps)()
            end = log.check(reader.measure()).end_offset
    assert end > 0


# -- Kafka away ---------------------------------------------------------------------------------------


def test_a_topic_that_does_not_exist_is_named(log: Log) -> None:
    watched = Watched([log.group], ["nowhere"])
    with (
        pytest.raises(MissingTopic, match="has no topic nowhere: run `engage topics`"),
        open_lag_reader(log.settings, watched) as reader,
    ):
        reader.measure()


def test_what_goes_wrong_is_a_value_and_the_next_step_tries_again(log: Log) -> None:
    steps = measurements(log.settings, Watched([log.group], [log.topic, "later"]))
    assert isinstance(next(steps), MissingTopic)
    assert isinstance(next(steps), MissingTopic)
    steps.close()


def test_a_broker_that_is_not_there_is_a_value_too(log: Log) -> None:
    settings = log.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    steps = measurements(settings, Watched([log.group]))
    assert isinstance(next(steps), KafkaUnavailable)
    steps.close()
