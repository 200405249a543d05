"""Measures how far consumer groups are behind, whether or not their workers live."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from kafka import IsolationLevel, OffsetSpec, TopicPartition  # type: ignore[import-untyped]
from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    NotCoordinatorError,
)

from schemas.topics import REKEYED, SOURCE_TOPICS
from streams.config import Settings
from streams.core.lag import (
    NOTHING_COMMITTED,
    GroupLag,
    Measurement,
    Offsets,
    PartitionLag,
    age_seconds,
)
from streams.errors import EngageError
from streams.ops.kafka_client import describe_topics, open_admin
from streams.ops.oldest_records import READ_COMMITTED, READ_UNCOMMITTED, OldestRecords, Range

#: What the workers consume.
CONSUMED_TOPICS: Final = (*SOURCE_TOPICS, REKEYED)

_OffsetOf = Mapping[TopicPartition, int]
T = TypeVar("T")

#: A new broker makes the topic of groups when it is first asked; a restarted one reads it.
_COORDINATOR_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1
_COORDINATOR_ERRORS: Final = (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
)


class Watched(NamedTuple):
    """The groups that are measured, in the partitions of these topics; a group need not exist."""

    groups: Sequence[str]
    topics: Collection[str] = CONSUMED_TOPICS


class LagReader:
    """Measures through one connection; used from one thread.

    Lag in seconds is the age, by the broker's append time, of the oldest record behind the committed offset
    that a worker may read. Where none is left the records of an open transaction count: one that hangs
    holds up all that came later. The age is by this machine's clock.
    """

    def __init__(
        self,
        admin: KafkaAdminClient,
        settings: Settings,
        watched: Watched,
        readable: OldestRecords,
        undecided: OldestRecords,
    ) -> None:
        self._admin = admin
        self._settings = settings
        self._watched = watched
        self._readable = readable
        self._undecided = undecided
        self._topic_ids: dict[str, object] = {}

    def measure(self) -> Measurement:
        """All groups, in all partitions of the topics.

        Raises:
            MissingTopic: a topic does not exist.
            KafkaError: Kafka does not answer.
        """
        partitions = self._partitions()
        members = {group: self._members(group) for group in self._watched.groups}
        committed = {group: self._committed(group) for group in self._watched.groups}
        measured_at_ms = time.time_ns() // 1_000_000
        # The ends are looked at later, so that no group is ahead of them.
        logs = self._logs(partitions)
        groups = []
        for group in self._watched.groups:
            offsets = {
                tp: log._replace(committed=committed[group].get(tp, NOTHING_COMMITTED))
                for tp, log in logs.items()
            }
            lags = self._lags(group, offsets, measured_at_ms)
            groups.append(GroupLag(group, members[group], tuple(lags)))
        return Measurement(measured_at_ms, tuple(groups))

    def _partitions(self) -> list[TopicPartition]:
        topics = describe_topics(self._admin, self._settings, self._watched.topics)
        ids = {name: topic["topic_id"] for name, topic in topics.items()}
        if ids != self._topic_ids:
            # What was read of a topic is not in another one of its name.
            self._readable.close()
            self._undecided.close()
            self._topic_ids = ids
        return [
            TopicPartition(name, number)
            for name, topic in topics.items()
            for number in range(len(topic["partitions"]))
        ]

    def _members(self, group: str) -> int:
        described: dict[str, Any] = _ask_coordinator(lambda: self._admin.describe_groups([group]), {})
        return len(described[group]["members"]) if described else 0

    def _committed(self, group: str) -> _OffsetOf:
        committed: dict[str, Any] = _ask_coordinator(
            lambda: self._admin.list_group_offsets(group), {group: {}}
        )
        return {tp: at.offset for tp, at in committed[group].items()}

    def _logs(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, Offsets]:
        """Where each log begins and ends. Asked in this order, no offset is less than the one before."""

        def ask(spec: OffsetSpec, isolation: IsolationLevel) -> _OffsetOf:
            found = self._admin.list_partition_offsets(
                dict.fromkeys(partitions, spec), isolation_level=isolation
            )
            return {tp: at.offset for tp, at in found.items()}

        start = ask(OffsetSpec.EARLIEST, IsolationLevel.READ_UNCOMMITTED)
        readable_end = ask(OffsetSpec.LATEST, IsolationLevel.READ_COMMITTED)
        end = ask(OffsetSpec.LATEST, IsolationLevel.READ_UNCOMMITTED)
        return {tp: Offsets(start[tp], readable_end[tp], end[tp]) for tp in partitions}

    def _lags(
        self, group: str, offsets: Mapping[TopicPartition, Offsets], now_ms: int
    ) -> Iterator[PartitionLag]:
        appended_at_ms = self._appended_at_ms(group, offsets)
        for tp, at in offsets.items():
            yield PartitionLag(
                group=group,
                topic=tp.topic,
                partition=tp.partition,
                committed_offset=at.committed,
                end_offset=at.end,
                lag=at.lag,
                lag_seconds=age_seconds(appended_at_ms.get(tp), now_ms),
            )

    def _appended_at_ms(self, group: str, offsets: Mapping[TopicPartition, Offsets]) -> _OffsetOf:
        """When the oldest record that is left was appended; partitions without any are left out."""
        readable = {tp: Range(at.next_offset, at.readable_end) for tp, at in offsets.items()}
        found = self._readable.appended_at_ms(group, readable)
        undecided = {
            tp: Range(max(at.next_offset, at.readable_end), at.end)
            for tp, at in offsets.items()
            if tp not in found
        }
        return found | self._undecided.appended_at_ms(group, undecided)


@contextmanager
def open_lag_reader(settings: Settings, watched: Watched) -> Iterator[LagReader]:
    """A reader whose errors are one line each.

    Raises:
        KafkaUnavailable: no broker answers, at the start or inside the block.
    """
    readable = OldestRecords(settings, READ_COMMITTED)
    undecided = OldestRecords(settings, READ_UNCOMMITTED)
    with open_admin(settings) as admin, closing(readable), closing(undecided):
        yield LagReader(admin, settings, watched, readable, undecided)


def measurements(settings: Settings, watched: Watched) -> Generator[Measurement | EngageError, None, None]:
    """Endless: each step measures. What goes wrong is a value, and the next step connects anew."""
    while True:
        try:
            with open_lag_reader(settings, watched) as reader:
                while True:
                    yield reader.measure()
        except EngageError as error:
            yield error


def _ask_coordinator(ask: Callable[[], T], without_group: T) -> T:
    """Ask again for some seconds while no broker answers for the group."""
    deadline = time.monotonic() + _COORDINATOR_SECONDS
    while True:
        try:
            return ask()
        except GroupIdNotFoundError:
            return without_group
        except _COORDINATOR_ERRORS:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
