"""Customers in memory: a bounded cache over the state store, and what a flush writes for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from schemas.topics import CHANGELOG
from streams.core.fold import ORDER, Customer
from streams.core.state import (
    CustomerState,
    OrderEntry,
    applied_only,
    decode_ids,
    decode_orders,
    decode_state,
    encode_ids,
    encode_orders,
    encode_state,
)
from streams.failpoints import reach
from streams.intake import Delivery
from streams.state_store import Change, StateStore, customer_key, ids_key, order_key
from streams.transport import Record

#: Holds a customer's place in the order of arrival until it is read from the store.
_PLACEHOLDER = Customer(-1, "", CustomerState())

#: A partition and a stored customer id.
CustomerKey = tuple[int, str]


#: Has the store read changelog records, our own and somebody else's: partition, first offset, offset after
#: the last.
GapListener = Callable[[int, int, int], Awaitable[None]]


class ChangelogProducer(Protocol):
    async def send_all(self, topic: str, partition: int, records: Sequence[Record]) -> int: ...


class CustomerCache:
    """Decoded customers of the last flushes, at most about `max_customers`.

    Two generations instead of an LRU list: a customer met again moves to the young one, and when that is
    half the limit it becomes the old one. Between flushes nothing here is dirty, so all may be dropped.
    """

    def __init__(self, store: StateStore, *, max_customers: int, on_gap: GapListener | None = None) -> None:
        self._store = store
        self._on_gap = on_gap
        self._half = max(1, max_customers // 2)
        self._young: dict[CustomerKey, Customer] = {}
        self._old: dict[CustomerKey, Customer] = {}

    def known(self, partition: int, customer_id: str) -> bool:
        """Whether the customer is in memory, and so has been seen in this partition before."""
        key = (partition, customer_id)
        return key in self._young or key in self._old

    def clear(self) -> None:
        """Drop everything, folded but unsaved events included."""
        self._young.clear()
        self._old.clear()

    def load(self, deliveries: Iterable[Delivery]) -> dict[CustomerKey, Customer]:
        """The customers of these deliveries, with all that folding them needs."""
        if len(self._young) > self._half:
            self._young, self._old = {}, self._young
        customers: dict[CustomerKey, Customer] = {}
        missing: dict[int, dict[str, bool]] = defaultdict(dict)
        orders: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for item in deliveries:
            event = item.event
            key = (item.partition, event.customer)
            if key not in customers:
                customer = self._young.get(key) or self._promote(key)
                if customer is None:
                    missing[item.partition][event.customer] = event.is_anonymous
                    customers[key] = _PLACEHOLDER
                else:
                    customers[key] = customer
            if event.type == ORDER:
                orders[item.partition].append((event.customer, event.properties["order_id"]))
        for partition, wanted in missing.items():
            for customer in self._read(partition, wanted):
                self._young[partition, customer.id] = customers[partition, customer.id] = customer
        for partition, pairs in orders.items():
            for (customer_id, order_id), entries in self.orders(partition, pairs).items():
                customer = customers[partition, customer_id]
                customer.orders[order_id] = applied_only(entries, customer.state)
        return customers

    def orders(
        self, partition: int, pairs: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], list[OrderEntry]]:
        """Stored entries by (customer, order id), smallest first; empty for a new order.

        They may be ahead of the customer's state, see `applied_only`.
        """
        wanted = list(dict.fromkeys(pairs))
        values = self._store.get(partition, [order_key(*pair) for pair in wanted])
        return {
            pair: decode_orders(value) if value else [] for pair, value in zip(wanted, values, strict=True)
        }

    async def save(self, customers: Iterable[Customer], producer: ChangelogProducer) -> None:
        """Make dirty customers durable: changelog acknowledged first, then the local store.

        Raises whatever the gap listener raises.
        """
        changes: dict[int, list[Change]] = defaultdict(list)
        for customer in customers:
            if customer.dirty:
                changes[customer.partition].extend(changes_of(customer))
                if customer.dropped_chunks:
                    # Its ids in memory include dropped ones; the next load reads the kept chunks only.
                    self._young.pop((customer.partition, customer.id), None)
        offsets, gaps = {}, []
        for partition, records in changes.items():
            stamp = self._store.stamp
            changes[partition] = [
                (key, None if value is None else stamp(partition, value)) for key, value in records
            ]
            before = self._store.offset(partition)
            sent = [Record(key, value) for key, value in changes[partition]]
            offsets[partition] = await producer.send_all(CHANGELOG, partition, sent)
            if offsets[partition] - len(sent) > before:
                gaps.append((partition, before, offsets[partition]))
        reach("changelog_sent")
        if self._on_gap is not None:
            for partition, start, end in gaps:
                # Written here, the store would step over the others' records, and a crash would leave it so.
                del changes[partition], offsets[partition]
                await self._on_gap(partition, start, end)
        self._store.write(changes, offsets)

    def _promote(self, key: CustomerKey) -> Customer | None:
        customer = self._old.pop(key, None)
        if customer is not None:
            self._young[key] = customer
        return customer

    def _read(self, partition: int, wanted: dict[str, bool]) -> list[Customer]:
        values = self._store.get(partition, [customer_key(customer_id) for customer_id in wanted])
        return [
            self._customer(partition, customer_id, value, is_anonymous)
            for (customer_id, is_anonymous), value in zip(wanted.items(), values, strict=True)
        ]

    def _customer(
        self, partition: int, customer_id: str, value: bytes | None, is_anonymous: bool
    ) -> Customer:
        if value is None:
            return Customer(partition, customer_id, CustomerState(is_anonymous=is_anonymous))
        state = decode_state(value)
        spilled: dict[int, int] = {}
        chunks = self._store.get(partition, [ids_key(customer_id, meta.seq) for meta in state.id_chunks])
        for chunk in chunks:
            if chunk is not None:
                spilled.update(decode_ids(chunk))
        return Customer(partition, customer_id, state, spilled)


def changes_of(customer: Customer) -> list[Change]:
    """The changelog records of a customer; settles the state first."""
    customer.state.settle()
    changes: list[Change] = [
        (order_key(customer.id, order_id), encode_orders(customer.orders[order_id]))
        for order_id in sorted(customer.dirty_orders)
    ]
    changes += [(ids_key(customer.id, seq), encode_ids(ids)) for seq, ids in customer.new_chunks.items()]
    changes += [(ids_key(customer.id, seq), None) for seq in customer.dropped_chunks]
    # The hot value last: what it refers to is in the changelog before it.
    changes.append((customer_key(customer.id), encode_state(customer.state)))
    return changes
