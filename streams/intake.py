"""Records to events: decoding, and the coordinates under which an event is applied.

A record that was forwarded through `engagement.rekeyed` is applied under the coordinates of its origin,
which travel in its headers; so it is counted once, however often it is forwarded or replayed. The same topic
carries what owners tell one another about identity (`streams.identity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import ConsumerRecord
from msgspec.structs import astuple

from schemas import topics
from schemas.decode import Event, decode
from schemas.fields import ANONYMOUS_PREFIX
from schemas.rejections import Rejection, RejectReason
from streams.core.project import Columns
from streams.core.state import linked_source, source_id
from streams.sending import Record
from streams.transport import RecordBatch

_TOPIC_INDEX: Final = {topic: index for index, topic in enumerate(topics.SOURCE_TOPICS)}
_MIB: Final = 1024 * 1024
_PREVIEW_BYTES: Final = 64 * 1024
CUSTOMER_HEADER: Final = "customer"
NEWS_HEADER: Final = "news"
_EVENT_FIELDS: Final = Event.__struct_fields__
_FACT_CELLS: Final = len(_EVENT_FIELDS) + 4
#: The first fields of an event are columns of its row.
_FACT_COLUMNS: Final = (
    *range(_EVENT_FIELDS.index("extra_json") + 1),
    *range(len(_EVENT_FIELDS), _FACT_CELLS),
)

Coordinates = tuple[str, int, int]


class Origin(NamedTuple):
    """Where a record entered the system, and when the broker appended it there."""

    topic: str
    partition: int
    offset: int
    appended_at_ms: int


class Delivery(msgspec.Struct, gc=False):
    """An event with its origin, and the customer and partition whose state it belongs to.

    An event of an anonymous visitor who is linked is delivered twice: to the visitor's owner, as a fact, and
    forwarded from there to the customer, who is then not the event's own.
    """

    event: Event
    customer: str
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

    @property
    def origin(self) -> Origin:
        return Origin(self.topic, self.source_partition, self.offset, self.appended_at_ms)

    def fact_cells(self) -> tuple[Any, ...]:
        """The event's fields, and what a fact has beside them; see `fact_columns`."""
        return *astuple(self.event), self.topic, self.source_partition, self.offset, self.appended_at_ms

    def rejected(self, rejection: Rejection) -> Rejected:
        return Rejected(self.origin, self.record, rejection)

    def forwarded_to(self, customer_id: str) -> Record:
        """For `engagement.rekeyed`: the event as one of the customer that its visitor is linked to."""
        headers = (*_origin_headers(self.origin), (CUSTOMER_HEADER, customer_id.encode()))
        return Record(customer_id.encode(), self.record.value, headers)


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
        return Record(self.key.encode(), self.value, _origin_headers(self.origin))


class News(str, Enum):
    """What owners of customers tell one another about identity, besides forwarded events."""

    #: To a visitor's owner: there is a new claim among the facts.
    CLAIMED = "claimed"
    #: To a customer's owner: links to the customer have changed.
    LINKED = "linked"

    def record(self, key: str) -> Record:
        """For `engagement.rekeyed`; `key` is the record key of the visitor or customer."""
        return Record(key.encode(), b"", ((NEWS_HEADER, self.value.encode()),))


_NEWS: Final[dict[bytes | None, News]] = {news.value.encode(): news for news in News}


class Intake(NamedTuple):
    """What records turned out to be. `news` has (partition, stored id) by kind as keys: each once."""

    deliveries: list[Delivery]
    rejected: list[Rejected]
    misplaced: list[Misplaced]
    news: dict[News, dict[tuple[int, str], None]]

    def extend(self, later: Intake) -> None:
        """Add what came behind it."""
        self.deliveries.extend(later.deliveries)
        self.rejected.extend(later.rejected)
        self.misplaced.extend(later.misplaced)
        for kind, about in later.news.items():
            self.news[kind].update(about)


def _origin_headers(origin: Origin) -> tuple[tuple[str, bytes], ...]:
    return (
        ("origin_topic", origin.topic.encode()),
        ("origin_partition", str(origin.partition).encode()),
        ("origin_offset", str(origin.offset).encode()),
        ("origin_appended_ms", str(origin.appended_at_ms).encode()),
    )


def fact_columns(cells: list[Any]) -> Columns:
    """Columns of `schemas.rows.EventRow` from the `fact_cells` of deliveries, one behind the other."""
    return [cells[start::_FACT_CELLS] for start in _FACT_COLUMNS] if cells else []


def read(batches: Iterable[RecordBatch], partitions: int, is_known: Callable[[int, str], bool]) -> Intake:
    """Decode batches, in order.

    `is_known` says whether a customer's state is at hand for a partition; only others have their key's
    partition checked, as a known customer's was when it first appeared.
    """
    found = Intake([], [], [], {kind: {} for kind in News})
    for batch in batches:
        if batch.tp.topic == topics.REKEYED:
            _read_forwarded(batch, found)
        else:
            _read_source(batch, partitions, is_known, found)
    return found


def _read_source(
    batch: RecordBatch, partitions: int, is_known: Callable[[int, str], bool], found: Intake
) -> None:
    """The hot path: records that producers have sent."""
    deliveries = found.deliveries
    topic, partition = batch.tp.topic, batch.tp.partition
    channel = topics.CHANNEL_OF_TOPIC[topic]
    source = source_id(_TOPIC_INDEX[topic], partition)
    for record in batch.records:
        offset, appended_at_ms = record.offset, record.timestamp
        event = decode(record.value, channel=channel, appended_at_ms=appended_at_ms)
        if isinstance(event, Rejection):
            found.rejected.append(Rejected(Origin(topic, partition, offset, appended_at_ms), record, event))
            continue
        customer = event.customer
        if not is_known(partition, customer):
            owner = topics.partition_of(event.key, partitions)
            if owner != partition:
                origin = Origin(topic, partition, offset, appended_at_ms)
                found.misplaced.append(Misplaced(origin, event.key, record.value, owner))
                continue
        deliveries.append(
            Delivery(event, customer, partition, source, topic, partition, offset, appended_at_ms, record)
        )


def _read_forwarded(batch: RecordBatch, found: Intake) -> None:
    """Records that workers have sent: each is an event under the coordinates of its origin, or news."""
    for record in batch.records:
        headers = dict(record.headers)
        news = _NEWS.get(headers.get(NEWS_HEADER))
        if news is not None and record.key is not None:
            prefix = ANONYMOUS_PREFIX if news is News.CLAIMED else ""
            found.news[news].setdefault((batch.tp.partition, prefix + record.key.decode()))
            continue
        origin = _origin_of(headers)
        if origin is None:
            found.rejected.append(_foreign(record))
            continue
        channel = topics.CHANNEL_OF_TOPIC[origin.topic]
        event = decode(record.value, channel=channel, appended_at_ms=origin.appended_at_ms)
        if isinstance(event, Rejection):
            found.rejected.append(Rejected(origin, record, event))
            continue
        customer = event.customer
        source = source_id(_TOPIC_INDEX[origin.topic], origin.partition)
        if CUSTOMER_HEADER in headers:
            customer, source = headers[CUSTOMER_HEADER].decode(), linked_source(source, customer)
        found.deliveries.append(Delivery(event, customer, batch.tp.partition, source, *origin, record))


def _origin_of(headers: dict[str, bytes]) -> Origin | None:
    """The origin of a forwarded record, None if its headers do not name one."""
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
