"""Lag from offsets and append times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.core.lag import GroupLag, Measurement, Offsets, PartitionLag, age_seconds


def log(start: int, end: int, committed: int = -1) -> Offsets:
    return Offsets(start, end, end, committed)


def partition(topic: str, number: int, lag: int, lag_seconds: float = 0.0) -> PartitionLag:
    return PartitionLag("g", topic, number, 0, 0, lag, lag_seconds)


def test_lag_is_the_end_minus_what_is_committed() -> None:
    assert log(0, 10, committed=7).lag == 3
    assert log(0, 10, committed=10).lag == 0


def test_where_nothing_is_committed_lag_is_minus_one_and_reading_begins_at_the_logs_start() -> None:
    assert log(4, 10).lag == -1
    assert log(4, 10).next_offset == 4


def test_what_retention_removed_counts_as_lag_but_is_not_left_to_read() -> None:
    #      committed      start          end
    # ─────────┼────────────┼─────────────┼
    #          3            8             10
    assert log(8, 10, committed=3).lag == 7
    assert log(8, 10, committed=3).next_offset == 8


def test_an_offset_beyond_the_end_is_of_another_log() -> None:
    assert log(0, 10, committed=11).lag == -1
    assert log(0, 10, committed=11).next_offset == 0


@given(start=st.integers(0, 50), length=st.integers(0, 50), committed=st.integers(-1, 120))
def test_reading_begins_in_the_log_and_never_before_what_is_committed(
    start: int, length: int, committed: int
) -> None:
    at = log(start, start + length, committed)
    assert start <= at.next_offset <= at.end
    assert at.lag == -1 or (at.lag >= 0 and at.next_offset >= committed)


def test_the_age_of_no_record_is_zero_and_so_is_that_of_a_later_one() -> None:
    assert age_seconds(None, 5_000) == 0.0
    assert age_seconds(6_000, 5_000) == 0.0
    assert age_seconds(3_500, 5_000) == 1.5


def test_a_topics_sum_leaves_out_partitions_without_a_commit() -> None:
    group = GroupLag("g", 1, (partition("a", 0, 3), partition("a", 1, -1), partition("a", 2, 4)))
    assert group.lag_by_topic == {"a": 7}


def test_a_topic_without_any_commit_has_minus_one_for_its_sum() -> None:
    group = GroupLag("g", 1, (partition("a", 0, -1), partition("a", 1, -1), partition("b", 0, 0)))
    assert group.lag_by_topic == {"a": -1, "b": 0}


def test_a_group_is_as_old_as_its_oldest_partition() -> None:
    group = GroupLag("g", 0, (partition("a", 0, 1, 2.5), partition("b", 0, 1, 0.5)))
    assert group.max_lag_seconds == 2.5
    assert GroupLag("g", 0, ()).max_lag_seconds == 0.0


def test_a_measurement_lists_all_partitions_group_by_group() -> None:
    groups = tuple(GroupLag(name, 0, (partition(name, 0, 1), partition(name, 1, 1))) for name in "ab")
    assert [(lag.topic, lag.partition) for lag in Measurement(0, groups).partitions] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
    ]
