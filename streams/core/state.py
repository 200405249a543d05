"""What is kept per customer, and how it is written down.

`CustomerState` is the hot value: one small record per customer, read and written in every flush that
touches the customer. Event-id chunks and orders are records of their own, loaded when needed.
Encoding is deterministic: equal states are equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final

import msgspec

from streams.core import five_cells
from streams.core.dedupe import ChunkMeta, hash_of
from streams.core.five_cells import FiveCell
from streams.core.identity import Link
from streams.core.windows import oldest_day_held, oldest_five_held

CHANNELS: Final = ("website", "chat", "purchase")
CHANNEL_INDEX: Final = {channel: index for index, channel in enumerate(CHANNELS)}

#: Bucket keys pack (bucket number, channel): `bucket << 2 | channel index`.
CHANNEL_BITS: Final = 2
CHANNEL_MASK: Final = (1 << CHANNEL_BITS) - 1


class DayCell(msgspec.Struct, array_like=True, gc=False):
    """One (day, channel): all events, and engagement events by type (superseded orders left out)."""

    events: int
    counts: dict[str, int]


class OrderEntry(msgspec.Struct, array_like=True, gc=False, order=True, frozen=True):
    """One `order_completed`; of all with one order id the smallest (occurred_at, event_id) is the order.

    `source` and `offset` name the delivery that it was counted under. A crash may leave entries behind
    whose customer's hot value was never written; they are known by an offset that is not applied yet.
    """

    occurred_at_ms: int
    event_id: str
    channel: int
    source: int
    offset: int


class CustomerState(msgspec.Struct, array_like=True):
    """The hot value of one customer.

    `applied` maps a source (see `source_id`) to the highest offset already folded. `n_applied` counts
    distinct events and is the version of everything written for the customer: it only grows.
    `seen_ms` holds the newest engagement event per channel, orders left out, because an order can be
    superseded later; `order_times_ms` holds those, in order. Times are epoch milliseconds, 0 for never.
    `days` holds encoded `DayCell`s and `fives` packed `FiveCell`s, as most of them are not looked at.
    `links` are those of an anonymous visitor to customers, or of a customer to anonymous visitors.

    The last five follow from the order times, see `core.status.tell`: the number of purchase days, the newest
    order that won the customer back, the newest change of status that was told, the newest that was told of a
    silent customer, and the day of the next one if the silence goes on (0 for none).
    """

    n_applied: int = 0
    is_anonymous: bool = False
    events_total: int = 0
    orders_total: int = 0
    newest_ms: int = 0
    first_seen_ms: int = 0
    seen_ms: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])
    applied: dict[int, int] = msgspec.field(default_factory=dict)
    days: dict[int, bytes] = msgspec.field(default_factory=dict)
    fives: bytes = b""
    order_times_ms: list[int] = msgspec.field(default_factory=list)
    recent_ids: bytes = b""
    id_chunks: list[ChunkMeta] = msgspec.field(default_factory=list)
    links: list[Link] = msgspec.field(default_factory=list)
    purchase_days: int = 0
    won_back_ms: int = 0
    told_ms: int = 0
    swept_ms: int = 0
    due_day: int = 0

    @property
    def is_moved(self) -> bool:
        """Whether this is an anonymous visitor whose events belong to customers."""
        return self.is_anonymous and bool(self.links)

    def day(self, key: int) -> DayCell | None:
        """The cell of a day bucket, None if there is none."""
        encoded = self.days.get(key)
        return None if encoded is None else _decode_day(encoded)

    def settle(self, days: Mapping[int, DayCell], fives: Mapping[int, FiveCell]) -> None:
        """Put these cells in place of those held, and drop what the newest event has pushed out of reach.

        Buckets are in order, so that equal states are equal bytes. Recent ids stay in order of arrival.
        """
        if days:
            self._put_days(days)
        if fives:
            self.fives = five_cells.put(self.fives, fives)
        oldest = oldest_day_held(self.newest_ms) << CHANNEL_BITS
        if self.days and next(iter(self.days)) < oldest:
            self.days = {key: cell for key, cell in self.days.items() if key >= oldest}
        self.fives = five_cells.drop_below(self.fives, oldest_five_held(self.newest_ms) << CHANNEL_BITS)

    def _put_days(self, days: Mapping[int, DayCell]) -> None:
        held = self.days
        newest = next(reversed(held), 0)
        new = [key for key in days if key not in held]
        for key, cell in days.items():
            held[key] = _encoder.encode(cell)
        if new and (new[0] < newest or new != sorted(new)):
            self.days = {key: held[key] for key in sorted(held)}


def applied_only(entries: list[OrderEntry], state: CustomerState) -> list[OrderEntry]:
    """The entries that the state has counted, without those that a crash left ahead of it."""
    applied = state.applied
    return [
        entry
        for entry in entries
        if entry.source == NO_SOURCE or entry.offset <= applied.get(entry.source, -1)
    ]


#: In place of a source: a rebuild found the fact, but the topic that it came by is gone.
NO_SOURCE: Final = -1
_SOURCE_BITS: Final = 16
#: What is left of a signed 64-bit integer above topic and partition.
_VISITOR_BITS: Final = 31


def source_id(topic_index: int, partition: int) -> int:
    """One integer for (source topic, partition), the key of `CustomerState.applied`."""
    return topic_index << _SOURCE_BITS | partition


def linked_source(source: int, anonymous_id: str) -> int:
    """The source of a linked visitor's events for the customer.

    They come by way of the visitor's owner, later than the customer's own of the same partition, and not
    in one order with those of another visitor.
    """
    visitor: int = int.from_bytes(hash_of(anonymous_id), "big") % (2**_VISITOR_BITS - 1) + 1
    return visitor << 2 * _SOURCE_BITS | source


_encoder = msgspec.msgpack.Encoder()
_decode_day = msgspec.msgpack.Decoder(DayCell).decode
_decode_state = msgspec.msgpack.Decoder(CustomerState).decode
_decode_orders = msgspec.msgpack.Decoder(list[OrderEntry]).decode
#: `n_applied` and `due_day`, big-endian: a store compares versions and finds who is due without decoding.
HEADER: Final = Struct(">QI")


def encode_state(state: CustomerState) -> bytes:
    """The state behind its `HEADER`."""
    return HEADER.pack(state.n_applied, state.due_day) + _encoder.encode(state)


def decode_state(value: bytes) -> CustomerState:
    """Inverse of `encode_state`."""
    return _decode_state(memoryview(value)[HEADER.size :])


def encode_orders(entries: list[OrderEntry]) -> bytes:
    """All `order_completed` events of one order id, smallest first."""
    return _encoder.encode(entries)


def decode_orders(value: bytes) -> list[OrderEntry]:
    """Inverse of `encode_orders`."""
    return _decode_orders(value)
