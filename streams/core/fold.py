"""The fold: one event into one customer. The hot path of the worker.

It mutates the customer that it is given, unlike everything else in this package, because a copy per
event would cost more than the rest of the work together. It is idempotent per source offset and per
event id, and commutative: any order, any batch split and any duplication inside the dedupe horizon
ends in the same counts.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from schemas.decode import Event
from streams.core.dedupe import DedupeLimits, hash_of, is_duplicate, spill, surplus
from streams.core.state import (
    CHANNEL_BITS,
    CHANNEL_INDEX,
    CustomerState,
    DayCell,
    FiveCell,
    OrderEntry,
)
from streams.core.windows import day_of, five_of, oldest_day_held, oldest_five_held

ORDER: Final = "order_completed"


class Outcome(IntEnum):
    """What the fold did with an event."""

    COUNTED = 0
    DUPLICATE = 1
    #: At or below the offset already applied: state is left alone, but its rows are written again,
    #: because nobody knows whether they had been when the process ended.
    REPLAYED = 2


class Customer:
    """A customer in memory: the state, its cold parts, and what the current flush has to write.

    `partition` is the one that owns the customer. `spilled` holds the ids of all chunks, `orders` the
    order records that this flush needs; whoever folds loads them first. Day and five-minute sets hold
    bucket keys (`bucket << 2 | channel`); `late_days` holds plain day numbers whose rows must be restated
    from facts.
    """

    __slots__ = (
        "dirty",
        "dirty_days",
        "dirty_fives",
        "dirty_orders",
        "dropped_chunks",
        "id",
        "late_days",
        "new_chunks",
        "orders",
        "partition",
        "spilled",
        "state",
    )

    def __init__(
        self, partition: int, customer_id: str, state: CustomerState, spilled: dict[int, int] | None = None
    ) -> None:
        self.partition = partition
        self.id = customer_id
        self.state = state
        self.spilled = spilled if spilled is not None else {}
        self.orders: dict[str, list[OrderEntry]] = {}
        self.clean()

    def clean(self) -> None:
        """Forget what was to be written; called when a flush is durable."""
        self.dirty = False
        self.dirty_days: set[int] = set()
        self.dirty_fives: set[int] = set()
        self.dirty_orders: set[str] = set()
        self.late_days: set[int] = set()
        self.new_chunks: dict[int, dict[int, int]] = {}
        self.dropped_chunks: list[int] = []
        self.orders.clear()


def apply(
    customer: Customer, event: Event, source: int, offset: int, append_day: int, limits: DedupeLimits
) -> Outcome:
    """Fold one event, delivered at (source, offset) and appended on `append_day`, into the customer."""
    state = customer.state
    customer.dirty = True
    channel = CHANNEL_INDEX[event.channel]
    if offset <= state.applied.get(source, -1):
        _touch(customer, event, channel)
        return Outcome.REPLAYED
    state.applied[source] = offset
    if not _remember(customer, hash_of(event.event_id), append_day, limits):
        return Outcome.DUPLICATE
    state.n_applied += 1
    state.events_total += 1
    if event.occurred_at_ms > state.newest_ms:
        state.newest_ms = event.occurred_at_ms
    if event.type == ORDER:
        _count(customer, event.occurred_at_ms, channel, None)
        entry = OrderEntry(event.occurred_at_ms, event.event_id, channel, source, offset)
        _apply_order(customer, event.properties["order_id"], entry)
    elif event.is_engagement:
        _count(customer, event.occurred_at_ms, channel, event.type)
        _see(state, event.occurred_at_ms)
        if event.occurred_at_ms > state.seen_ms[channel]:
            state.seen_ms[channel] = event.occurred_at_ms
    else:
        _count(customer, event.occurred_at_ms, channel, None)
    return Outcome.COUNTED


def _remember(customer: Customer, id_hash: int, append_day: int, limits: DedupeLimits) -> bool:
    """Note an event id; False when it is a duplicate."""
    state = customer.state
    first_day = state.recent_ids.get(id_hash)
    if first_day is None and customer.spilled:
        first_day = customer.spilled.get(id_hash)
    if is_duplicate(first_day, append_day, limits):
        return False
    state.recent_ids[id_hash] = append_day
    if len(state.recent_ids) >= limits.tail_ids:
        meta, ids = spill(state.recent_ids, state.id_chunks, append_day, limits)
        customer.new_chunks[meta.seq] = ids
        customer.spilled.update(ids)
        for gone in surplus(state.id_chunks, append_day, limits):
            state.id_chunks.remove(gone)
            customer.dropped_chunks.append(gone.seq)
            customer.new_chunks.pop(gone.seq, None)
    return True


def _see(state: CustomerState, at_ms: int) -> None:
    if not state.first_seen_ms or at_ms < state.first_seen_ms:
        state.first_seen_ms = at_ms


def _count(
    customer: Customer, at_ms: int, channel: int, engagement_type: str | None, events: int = 1, step: int = 1
) -> None:
    """Add an event to its day and five-minute cells; a day out of the horizon is left to the facts."""
    state = customer.state
    day, five = day_of(at_ms), five_of(at_ms)
    if day < oldest_day_held(state.newest_ms):
        customer.late_days.add(day)
        return
    key = day << CHANNEL_BITS | channel
    cell = state.days.get(key)
    if cell is None:
        cell = state.days[key] = DayCell(0, {})
    cell.events += events
    customer.dirty_days.add(key)
    if engagement_type is not None:
        count = cell.counts.get(engagement_type, 0) + step
        if count:
            cell.counts[engagement_type] = count
        else:
            del cell.counts[engagement_type]
    if five >= oldest_five_held(state.newest_ms):
        _count_five(customer, five << CHANNEL_BITS | channel, engagement_type, events, step)


def _count_five(customer: Customer, key: int, engagement_type: str | None, events: int, step: int) -> None:
    cell = customer.state.fives.get(key)
    if cell is None:
        cell = customer.state.fives[key] = FiveCell(0, 0, 0, 0)
    cell.events += events
    customer.dirty_fives.add(key)
    if engagement_type == ORDER:
        cell.orders += step
    elif engagement_type == "conversation_started":
        cell.conversations += step
    elif engagement_type == "message_sent":
        cell.messages += step


def _apply_order(customer: Customer, order_id: str, entry: OrderEntry) -> None:
    """Let the smallest (occurred_at, event_id) of an order id be the order; others are events only."""
    entries = customer.orders.setdefault(order_id, [])
    previous = entries[0] if entries else None
    entries.append(entry)
    entries.sort()
    customer.dirty_orders.add(order_id)
    if entries[0] is not entry:
        return
    state = customer.state
    if previous is None:
        state.orders_total += 1
    else:
        _count(customer, previous.occurred_at_ms, previous.channel, ORDER, events=0, step=-1)
        _count_purchase_day(state, previous, -1)
    _count(customer, entry.occurred_at_ms, entry.channel, ORDER, events=0)
    _count_purchase_day(state, entry, 1)
    _see(state, entry.occurred_at_ms)


def _count_purchase_day(state: CustomerState, entry: OrderEntry, step: int) -> None:
    day = day_of(entry.occurred_at_ms)
    orders = state.purchase_days.get(day, 0) + step
    if orders:
        state.purchase_days[day] = orders
    else:
        del state.purchase_days[day]


def _touch(customer: Customer, event: Event, channel: int) -> None:
    """Mark every row that this event may have changed when it was first applied."""
    touched = [(event.occurred_at_ms, channel)]
    if event.type == ORDER:
        entries = customer.orders.get(event.properties["order_id"], [])
        touched += [(entry.occurred_at_ms, entry.channel) for entry in entries]
        customer.dirty_orders.add(event.properties["order_id"])
    state = customer.state
    for at_ms, at_channel in touched:
        key = day_of(at_ms) << CHANNEL_BITS | at_channel
        if key in state.days:
            customer.dirty_days.add(key)
        else:
            customer.late_days.add(day_of(at_ms))
        five = five_of(at_ms) << CHANNEL_BITS | at_channel
        if five in state.fives:
            customer.dirty_fives.add(five)
