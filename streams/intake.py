"""Records to events: decoding, and the coordinates under which an event is applied.

A record that was forwarded through `engagement.rekeyed` is applied under the coordinates of its origin,
which travel in its headers; so it is counted once, however often it is forwarded or replayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import ConsumerRecord
from msgspec.structs import astuple

from schemas import topics
from schemas.decode import Event, decode
from schemas.rejections import Rejection, RejectReason
from streams.core.project import Columns, transpose
from streams.core.state import source_id
from streams.transport import Record, RecordBatch

_TOPIC_INDEX: Final = {topic: index for index, topic in enumerate(topics.SOURCE_TOPICS)}
_MIB: Final = 1024 * 1024
_PREVIEW_BYTES: Final = 64 * 1024
#: The first fields of an event are columns of its row.
_EVENT_COLUMNS: Final = Event.__struct_fields__.index("extra_json") + 1

Coordinates = tuple[str, int, int]


class Origin(NamedTuple):
    """Where a record entered the system, and when the broker appended it there."""

    topic: str
    partition: int
    offset: int
    appended_at_ms: int


class Delivery(msgspec.Struct, gc=False):
    """An event with its origin, and the partition whose state it belongs to."""

    event: Event
    partition: int
    source: int
    topic: str
    source_partition: int
    offset: int
    appended_at_ms: int
    record: ConsumerRecord

    @property
    def coordinates(self) -> Coordinates:
        return self.topic, self.source_partition, self.offset

    def rejected(self, rejection: Rejection) -> Rejected:
        origin = Origin(self.topic, self.source_partition, self.offset, self.appended_at_ms)
        return Rejected(origin, self.record, rejection)


class Rejected(NamedTuple):
    """A record that becomes no fact, and why."""

    origin: Origin
    source: ConsumerRecord
    rejection: Rejection

    @property
    def coordinates(self) -> Coordinates:
        return self.origin.topic, self.origin.partition, self.origin.offset

    @property
    def partition(self) -> int:
        return self.origin.partition

    def record(self) -> Record:
        """The original bytes for `events.rejected`."""
        headers = (
            ("reason", self.rejection.reason.value.encode()),
            ("detail", self.rejection.detail.encode()),
            ("source_topic", self.origin.topic.encode()),
            ("source_partition", str(self.origin.partition).encode()),
            ("source_offset", str(self.origin.offset).encode()),
        )
        return Record(self.source.key, self.source.value, headers)

    def row(self) -> tuple[Any, ...]:
        """In the order of `schemas.rows.RejectedEventRow`."""
        payload = self.source.value or b""
        return (
            self.origin.appended_at_ms,
            self.rejection.reason.value,
            self.rejection.detail,
            self.origin.topic,
            self.origin.partition,
            self.origin.offset,
            self.source.key or b"",
            payload if len(payload) <= _MIB else payload[:_PREVIEW_BYTES],
            len(payload),
            hashlib.sha256(payload).hexdigest(),
            None,
        )


class Misplaced(NamedTuple):
    """A record whose key belongs to another partition: its producer does not partition by murmur2."""

    origin: Origin
    key: str
    value: bytes
    owner: int

    def record(self) -> Record:
        """For `engagement.rekeyed`."""
        headers = (
            ("origin_topic", self.origin.topic.encode()),
            ("origin_partition", str(self.origin.partition).encode()),
            ("origin_offset", str(self.origin.offset).encode()),
            ("origin_appended_ms", str(self.origin.appended_at_ms).encode()),
        )
        return Record(self.key.encode(), self.value, headers)


def fact_columns(facts: Sequence[Delivery]) -> Columns:
    """Columns of `schemas.rows.EventRow`."""
    of_events = transpose([astuple(item.event) for item in facts])
    return [
        *of_events[:_EVENT_COLUMNS],
        [item.topic for item in facts],
        [item.source_partition for item in facts],
        [item.offset for item in facts],
        [item.appended_at_ms for item in facts],
    ]


def read(
    batches: Iterable[RecordBatch], partitions: int, is_known: Callable[[int, str], bool]
) -> tuple[list[Delivery], list[Rejected], list[Misplaced]]:
    """Decode batches, in order.

    `is_known` says whether a customer's state is at hand for a partition; only others have their key's
    partition checked, as a known customer's was when it first appeared.
    """
    deliveries: list[Delivery] = []
    rejected: list[Rejected] = []
    misplaced: list[Misplaced] = []
    for batch in batches:
        forwarded = batch.tp.topic == topics.REKEYED
        topic, partition = batch.tp.topic, batch.tp.partition
        if not forwarded:
            source_partition, channel = partition, topics.CHANNEL_OF_TOPIC[topic]
            source = source_id(_TOPIC_INDEX[topic], partition)
        for record in batch.records:
            offset, appended_at_ms = record.offset, record.timestamp
            if forwarded:
                origin = _origin_of(record)
                if origin is None:
                    rejected.append(_foreign(record))
                    continue
                topic, source_partition, offset, appended_at_ms = origin
                channel = topics.CHANNEL_OF_TOPIC[topic]
                source = source_id(_TOPIC_INDEX[topic], source_partition)
            event = decode(record.value, channel=channel, appended_at_ms=appended_at_ms)
            if isinstance(event, Rejection):
                origin = Origin(topic, source_partition, offset, appended_at_ms)
                rejected.append(Rejected(origin, record, event))
                continue
            if not forwarded and not is_known(partition, event.customer):
                owner = topics.partition_of(event.key, partitions)
                if owner != partition:
                    origin = Origin(topic, source_partition, offset, appended_at_ms)
                    misplaced.append(Misplaced(origin, event.key, record.value, owner))
                    continue
            deliveries.append(
                Delivery(event, partition, source, topic, source_partition, offset, appended_at_ms, record)
            )
    return deliveries, rejected, misplaced


def _origin_of(record: ConsumerRecord) -> Origin | None:
    """The origin of a forwarded record, None if its headers do not name one."""
    headers = dict(record.headers)
    try:
        origin = Origin(
            headers["origin_topic"].decode(),
            int(headers["origin_partition"]),
            int(headers["origin_offset"]),
            int(headers["origin_appended_ms"]),
        )
    except (KeyError, ValueError):
        return None
    return origin if origin.topic in _TOPIC_INDEX else None


def _foreign(record: ConsumerRecord) -> Rejected:
    """A record that no worker forwarded, in a topic that is ours."""
    origin = Origin(record.topic, record.partition, record.offset, record.timestamp)
    detail = f"{record.topic} is internal; headers that name an origin are missing"
    return Rejected(origin, record, Rejection(RejectReason.MISSING_FIELD, detail))
