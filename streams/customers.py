"""Customers in memory: a bounded cache over the state store, and what a flush writes for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from msgspec import DecodeError

from schemas.fields import ANONYMOUS_PREFIX
from schemas.topics import CHANGELOG
from streams.core.dedupe import unpack
from streams.core.fold import ORDER, Customer
from streams.core.state import (
    CustomerState,
    OrderEntry,
    applied_only,
    decode_orders,
    decode_state,
    encode_orders,
    encode_state,
)
from streams.errors import LineageError
from streams.failpoints import reach
from streams.intake import Delivery
from streams.sending import Producer, Record, send_partitions
from streams.state_store import Change, Due, StateStore, customer_key, ids_key, order_key
from streams.worker_metrics import WorkerMetrics

#: The changelog key of a note; no customer's key begins with a zero byte.
GAP_KEY: Final = b"\x00population-gap-days"
#: That of a note that a sweep is about to tell something, up to an instant in milliseconds.
SWEEP_KEY: Final = b"\x00sweeping-until-ms"

#: Customers by partition and stored id.
Generation = dict[int, dict[str, Customer]]

#: Has the store read changelog records, our own and somebody else's: partition, first offset, offset after
#: the last.
GapListener = Callable[[int, int, int], Awaitable[None]]


class CustomerCache:
    """Decoded customers of the last flushes, at most about `max_customers`.

    Two generations instead of an LRU list: a customer met again moves to the young one, and when that is
    half the limit it becomes the old one. Between flushes nothing here is dirty, so all may be dropped.
    """

    def __init__(
        self,
        store: StateStore,
        *,
        max_customers: int,
        on_gap: GapListener | None = None,
        metrics: WorkerMetrics | None = None,
    ) -> None:
        self._store = store
        metrics = metrics or WorkerMetrics()
        self._hits, self._misses = (metrics.cache_lookups.labels(result) for result in ("hit", "miss"))
        self._changelog_bytes = metrics.changelog_bytes
        self._on_gap = on_gap
        self._half = max(1, max_customers // 2)
        self._young: Generation = defaultdict(dict)
        self._old: Generation = defaultdict(dict)

    def known(self, partition: int, customer_id: str) -> bool:
        """Whether the customer is in memory, and so has been seen in this partition before."""
        return customer_id in self._young[partition] or customer_id in self._old[partition]

    def clear(self) -> None:
        """Drop everything, folded but unsaved events included."""
        self._young.clear()
        self._old.clear()

    def load(self, deliveries: Iterable[Delivery]) -> Iterator[tuple[Customer, list[Delivery]]]:
        """The customers of these deliveries with all that folding them needs, each with its deliveries.

        Both are in order of arrival within a partition.
        """
        self._age()
        grouped: dict[int, dict[str, list[Delivery]]] = defaultdict(dict)
        orders: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for item in deliveries:
            customer_id = item.customer
            of_partition = grouped[item.partition]
            same = of_partition.get(customer_id)
            if same is None:
                of_partition[customer_id] = [item]
            else:
                same.append(item)
            if item.event.type == ORDER:
                orders[item.partition].append((customer_id, item.event.order_id))
        for partition, by_customer in grouped.items():
            self._read_missing(partition, by_customer)
            young = self._young[partition]
            for (customer_id, order_id), entries in self.orders(partition, orders[partition]).items():
                customer = young[customer_id]
                customer.orders[order_id] = applied_only(entries, customer.state)
            for customer_id, items in by_customer.items():
                yield young[customer_id], items

    def due(self, partition: int, until_day: int, limit: int) -> list[Due]:
        """See `StateStore.due`."""
        return self._store.due(partition, until_day, limit)

    def done(self, partition: int, entries: Iterable[Due]) -> None:
        """These have been looked at, and saved if they changed."""
        self._store.forget_due(partition, entries)

    def after(self, partition: int, customer_id: str, limit: int) -> list[str]:
        """See `StateStore.customers`."""
        return self._store.customers(partition, customer_id, limit)

    def noted_gap_days(self, partition: int) -> float | None:
        """The population gap by which everybody's history of the partition was told last."""
        (value,) = self._store.get(partition, [GAP_KEY])
        return float(value) if value else None

    async def note_gap_days(self, partition: int, gap_days: float, producer: Producer) -> None:
        await self.save({partition: [(GAP_KEY, repr(gap_days).encode())]}, producer)

    def unfinished_sweep_ms(self, partition: int) -> int | None:
        """Until when a sweep has told who was due without coming to save that; None if all is well."""
        (value,) = self._store.get(partition, [SWEEP_KEY])
        return int(value) if value else None

    def some(self, partition: int, customer_ids: Sequence[str]) -> list[Customer]:
        """Customers, each once, without orders."""
        self._age()
        wanted = dict.fromkeys(customer_ids)
        self._read_missing(partition, wanted)
        return [self._young[partition][customer_id] for customer_id in wanted]

    def get(self, partition: int, customer_id: str) -> Customer:
        """A customer, new ones included, without orders."""
        self._read_missing(partition, (customer_id,))
        return self._young[partition][customer_id]

    def replace(self, customer: Customer) -> None:
        """Put a customer made from facts in the place of the one at hand."""
        self._young[customer.partition][customer.id] = customer

    def _age(self) -> None:
        """Let the young generation become the old one when it is half of what may be kept."""
        if sum(map(len, self._young.values())) > self._half:
            self._young, self._old = defaultdict(dict), self._young

    def _read_missing(self, partition: int, wanted: Collection[str]) -> None:
        """Have all of these customers in the young generation."""
        young, old = self._young[partition], self._old[partition]
        missing: list[str] = []
        for customer_id in wanted:
            if customer_id in young:
                continue
            customer = old.pop(customer_id, None)
            if customer is None:
                missing.append(customer_id)
            else:
                young[customer_id] = customer
        for customer in self._read(partition, missing):
            young[customer.id] = customer
        self._hits.inc(len(wanted) - len(missing))
        self._misses.inc(len(missing))

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

    async def save(self, changes: dict[int, list[Change]], producer: Producer) -> None:
        """Make changes, by partition, durable: changelog acknowledged first, then the local store.

        Raises whatever the gap listener raises.
        """
        before = {partition: self._store.offset(partition) for partition in changes}
        stamped = {
            partition: self._store.stamp_all(partition, records) for partition, records in changes.items()
        }
        sent = {partition: [Record(*change) for change in stamped[partition]] for partition in stamped}
        offsets = await send_partitions(producer, CHANGELOG, sent)
        self._changelog_bytes.inc(
            sum(len(key) + len(value or b"") for records in stamped.values() for key, value in records)
        )
        gaps = [
            (partition, before[partition], end)
            for partition, end in offsets.items()
            if end - len(sent[partition]) > before[partition]
        ]
        reach("changelog_sent")
        if self._on_gap is not None:
            for partition, start, end in gaps:
                # Written here, the store would step over the others' records, and a crash would leave it so.
                del stamped[partition], offsets[partition]
                await self._on_gap(partition, start, end)
        self._store.write(stamped, offsets)

    def forget_dropped(self, customer: Customer) -> None:
        """Its ids in memory include those of dropped chunks; the next load reads the kept chunks only."""
        if customer.dropped_chunks:
            self._young[customer.partition].pop(customer.id, None)

    def _read(self, partition: int, wanted: Sequence[str]) -> list[Customer]:
        values = self._store.get(partition, [customer_key(customer_id) for customer_id in wanted])
        return [
            self._customer(partition, customer_id, value)
            for customer_id, value in zip(wanted, values, strict=True)
        ]

    def _customer(self, partition: int, customer_id: str, value: bytes | None) -> Customer:
        if value is None:
            is_anonymous = customer_id.startswith(ANONYMOUS_PREFIX)
            return Customer(partition, customer_id, CustomerState(is_anonymous=is_anonymous))
        try:
            state = decode_state(value)
        except DecodeError as error:
            raise LineageError(
                "the stored state is another version's: run `engage rebuild`, which makes it from the facts"
            ) from error
        return Customer(partition, customer_id, state, self._spilled(partition, customer_id, state))

    def _spilled(self, partition: int, customer_id: str, state: CustomerState) -> dict[bytes, int]:
        spilled: dict[bytes, int] = {}
        if state.id_chunks:
            keys = [ids_key(customer_id, meta.seq) for meta in state.id_chunks]
            for chunk in self._store.get(partition, keys):
                if chunk is not None:
                    spilled.update(unpack(chunk))
        return spilled


def changes_of(customer: Customer) -> list[Change]:
    """The changelog records of a customer; settles the state first."""
    customer.settle()
    changes: list[Change] = []
    for order_id in sorted(customer.dirty_orders):
        changes.append((order_key(customer.id, order_id), encode_orders(customer.orders[order_id])))
    for seq, ids in customer.new_chunks.items():
        changes.append((ids_key(customer.id, seq), ids))
    for seq in customer.dropped_chunks:
        changes.append((ids_key(customer.id, seq), None))
    # The hot value last: what it refers to is in the changelog before it.
    changes.append((customer_key(customer.id), encode_state(customer.state)))
    return changes
