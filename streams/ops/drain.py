"""Waits until everything in Kafka is processed: visible in ClickHouse and committed.

The worker commits an offset only after its rows are in ClickHouse, so committed implies visible. It forwards
a record to `engagement.rekeyed` before it commits the origin, so the ends of that topic are looked at when
the source topics are done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final, TypeVar

from kafka import IsolationLevel, OffsetSpec, TopicPartition  # type: ignore[import-untyped]
from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import GroupIdNotFoundError, RetriableError  # type: ignore[import-untyped]

from schemas.topics import REKEYED, SOURCE_TOPICS
from streams.config import Settings
from streams.errors import EngageError
from streams.ops.kafka_client import open_admin, partitions_of

T = TypeVar("T")
Offsets = Mapping[TopicPartition, int]
_LOOK_SECONDS: Final = 0.1
_PARTITIONS_NAMED: Final = 8


def drain(
    settings: Settings,
    timeout_seconds: float,
    *,
    on_lag: Callable[[int], None] = lambda lag: None,
    sources: Collection[str] = SOURCE_TOPICS,
    forwarded: str = REKEYED,
) -> None:
    """Return once the group has committed everything that was in Kafka when this was called.

    Args:
        timeout_seconds: how long to wait; a broker that goes away meanwhile is waited for as well.
        on_lag: told again and again how many records are left.

    Raises:
        KafkaUnavailable: no broker answers at the start, or none did when the time was up.
        MissingTopic: a topic does not exist.
        EngageError: the time is up; the message says which partitions lag and by how much.
    """
    deadline = time.monotonic() + timeout_seconds
    with open_admin(settings) as admin:
        for topics in (sources, [forwarded]):
            starts, ends = _until(deadline, partial(_bounds, admin, settings, topics))
            committed = partial(_until, deadline, partial(_committed, admin, settings.group_id))
            # A group that has nothing to read need not exist.
            left = lags(starts, ends, {})
            while left and (left := lags(starts, ends, committed())):
                on_lag(sum(left.values()))
                if time.monotonic() >= deadline:
                    raise EngageError(not_drained(left, settings.group_id, timeout_seconds))
                time.sleep(_LOOK_SECONDS)
    on_lag(0)


def records_left(settings: Settings) -> int:
    """How many records the group has still to commit; raises as `drain` does at its start."""
    with open_admin(settings) as admin:
        starts, ends = _bounds(admin, settings, [*SOURCE_TOPICS, REKEYED])
        return sum(lags(starts, ends, _committed(admin, settings.group_id)).values())


def lags(starts: Offsets, ends: Offsets, committed: Offsets) -> dict[TopicPartition, int]:
    """Records still to be committed, by partition; partitions without any are left out.

    `committed` is -1 or absent where the group has committed nothing: then all that is there still counts.
    """
    left = {tp: end - max(committed.get(tp, -1), starts[tp]) for tp, end in ends.items()}
    return {tp: lag for tp, lag in left.items() if lag > 0}


def not_drained(left: Mapping[TopicPartition, int], group_id: str, timeout_seconds: float) -> str:
    """One line that names the partitions that lag most."""
    worst = sorted(left.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{tp.topic}/{tp.partition} by {lag}" for tp, lag in worst[:_PARTITIONS_NAMED])
    more = f" and {len(left) - _PARTITIONS_NAMED} more" if len(left) > _PARTITIONS_NAMED else ""
    return (
        f"not drained after {timeout_seconds:g} s: the group {group_id} lags in {named}{more} "
        f"({sum(left.values())} records): see that `engage worker` runs and that ClickHouse serves"
    )


def _until(deadline: float, ask: Callable[[], T]) -> T:
    """Ask again while the broker is away or elects a leader, until the monotonic instant `deadline`."""
    while True:
        try:
            return ask()
        except RetriableError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_LOOK_SECONDS)


def _bounds(admin: KafkaAdminClient, settings: Settings, topics: Collection[str]) -> tuple[Offsets, Offsets]:
    """The first offset of each partition and the one after its last, as far as the worker may read.

    With `read_committed` the end lies before the first transaction that is still open.
    """
    counts = partitions_of(admin, settings, topics)
    partitions = [TopicPartition(topic, number) for topic in topics for number in range(counts[topic])]
    return _offsets(admin, partitions, OffsetSpec.EARLIEST), _offsets(admin, partitions, OffsetSpec.LATEST)


def _offsets(admin: KafkaAdminClient, partitions: list[TopicPartition], spec: OffsetSpec) -> Offsets:
    found = admin.list_partition_offsets(
        dict.fromkeys(partitions, spec), isolation_level=IsolationLevel.READ_COMMITTED
    )
    return {tp: at.offset for tp, at in found.items()}


def _committed(admin: KafkaAdminClient, group_id: str) -> Offsets:
    try:
        committed = admin.list_group_offsets(group_id)
    except GroupIdNotFoundError:
        return {}
    return {tp: at.offset for tp, at in committed[group_id].items()}
