"""The fold: one event into one customer. The hot path of the worker.

It mutates the customer that it is given, unlike everything else in this package, because a copy per
event would cost more than the rest of the work together. It is idempotent per source offset and per
event id, and commutative: any order, any batch split and any duplication inside the dedupe horizon
ends in the same counts.
"""

from __future__ import annotations

from bisect import bisect, bisect_left
from enum import IntEnum
from typing import Any, Final, TypeVar

from schemas.decode import Event
from streams.core import five_cells
from streams.core.dedupe import (
    ID_BYTES,
    DedupeLimits,
    day_at,
    find,
    hash_of,
    is_duplicate,
    pack,
    spill,
    surplus,
    unpack,
)
from streams.core.five_cells import FiveCell
from streams.core.state import (
    CHANNEL_BITS,
    CHANNEL_INDEX,
    CustomerState,
    DayCell,
    OrderEntry,
)
from streams.core.windows import (
    DAY_MS,
    FIVE_MINUTES_MS,
    day_of,
    five_of,
    oldest_day_held,
    oldest_five_held,
)

ORDER: Final = "order_completed"


class Outcome(IntEnum):
    """What the fold did with an event."""

    COUNTED = 0
    DUPLICATE = 1
    #: At or below the offset already applied: state is left alone, but its rows are written again,
    #: because nobody knows whether they had been when the process ended.
    REPLAYED = 2


#: Shared by all customers that have nothing to write; replaced rather than added to.
_NOTHING: Final[set[Any]] = set()
_NO_CELLS: Final[dict[int, Any]] = {}


class Customer:
    """A customer in memory: the state, its cold parts, and what the current flush has to write.

    `partition` is the one that owns the customer. `spilled` holds the ids of all chunks, `orders` the
    order records that this flush needs; whoever folds loads them first. `dirty_days` and `dirty_fives`
    hold the cells that this flush has touched by bucket key (`bucket << 2 | channel`); they enter the state
    when it is settled. `late_days` holds plain day numbers whose rows must be restated from facts.
    `reordered_ms`: the earliest order time that came or went, 0 if nobody knows what was written of it.
    `told_orders`: so many of the first orders, all told of, are as they were; 0 if one came before the last.
    """

    __slots__ = (
        "dirty_days",
        "dirty_fives",
        "dirty_orders",
        "dropped_chunks",
        "id",
        "late_days",
        "new_chunks",
        "orders",
        "partition",
        "reordered_ms",
        "spilled",
        "state",
        "told_orders",
    )

    def __init__(
        self, partition: int, customer_id: str, state: CustomerState, spilled: dict[bytes, int] | None = None
    ) -> None:
        self.partition = partition
        self.id = customer_id
        self.state = state
        self.spilled = spilled if spilled is not None else {}
        self.orders: dict[str, list[OrderEntry]] = {}
        self.new_chunks: dict[int, bytes] = {}
        self.dropped_chunks: list[int] = []
        self.clean()

    def clean(self) -> None:
        """Forget what was to be written; called when a flush is durable."""
        self.dirty_days: dict[int, DayCell] = _NO_CELLS
        self.dirty_fives: dict[int, FiveCell] = _NO_CELLS
        self.dirty_orders: set[str] = _NOTHING
        self.late_days: set[int] = _NOTHING
        self.reordered_ms: int | None = None
        self.told_orders = 0
        if self.orders:
            self.orders = {}
        if self.new_chunks:
            self.new_chunks = {}
        if self.dropped_chunks:
            self.dropped_chunks = []

    def succeed(self, former: Customer) -> None:
        """Take the place of the same customer as known so far: folded anew, with all facts."""
        self.state.applied = former.state.applied
        self.state.n_applied = max(self.state.n_applied, former.state.n_applied) + 1
        self.state.told_ms, self.state.swept_ms = former.state.told_ms, former.state.swept_ms
        self.reordered_ms, self.told_orders = 0, 0
        kept = {chunk.seq for chunk in self.state.id_chunks}
        self.dropped_chunks = [chunk.seq for chunk in former.state.id_chunks if chunk.seq not in kept]

    def settle(self) -> None:
        """Bring the state into the form that is stored, see `CustomerState.settle`."""
        self.state.settle(self.dirty_days, self.dirty_fives)

    def day(self, key: int) -> DayCell:
        """The cell of a day bucket, to be changed."""
        cell = self.dirty_days.get(key)
        if cell is None:
            cell = self.state.day(key) or DayCell(0, {})
            self.dirty_days = _with(self.dirty_days, key, cell)
        return cell

    def five(self, key: int) -> FiveCell:
        """The cell of a five-minute bucket, to be changed."""
        cell = self.dirty_fives.get(key)
        if cell is None:
            cell = five_cells.get(self.state.fives, key) or FiveCell(0, 0, 0, 0)
            self.dirty_fives = _with(self.dirty_fives, key, cell)
        return cell


def apply(
    customer: Customer, event: Event, source: int, offset: int, append_day: int, limits: DedupeLimits
) -> Outcome:
    """Fold one event, delivered at (source, offset) and appended on `append_day`, into the customer."""
    state = customer.state
    channel = CHANNEL_INDEX[event.channel]
    at_ms = event.occurred_at_ms
    applied = state.applied
    if source not in applied:
        _enter(applied, source, offset)
    elif offset <= applied[source]:
        _touch(customer, event, channel)
        return Outcome.REPLAYED
    else:
        applied[source] = offset
    if not _remember(customer, hash_of(event.event_id), append_day, limits):
        return Outcome.DUPLICATE
    state.n_applied += 1
    state.events_total += 1
    if at_ms > state.newest_ms:
        state.newest_ms = at_ms
    if event.type == ORDER:
        _count(customer, at_ms, channel, None)
        entry = OrderEntry(at_ms, event.event_id, channel, source, offset)
        _apply_order(customer, event.order_id, entry)
    elif event.is_engagement:
        _count(customer, at_ms, channel, event.type)
        _see(state, at_ms)
        if at_ms > state.seen_ms[channel]:
            state.seen_ms[channel] = at_ms
    else:
        _count(customer, at_ms, channel, None)
    return Outcome.COUNTED


def _remember(customer: Customer, id_hash: bytes, append_day: int, limits: DedupeLimits) -> bool:
    """Note an event id; False when it is a duplicate."""
    state = customer.state
    ids = state.recent_ids
    if id_hash not in ids and not customer.spilled:
        ids += pack(id_hash, append_day)
    else:
        at = find(ids, id_hash)
        first_day = day_at(ids, at) if at >= 0 else customer.spilled.get(id_hash)
        if first_day is not None and is_duplicate(first_day, append_day, limits):
            return False
        remembered = pack(id_hash, append_day)
        ids = ids + remembered if at < 0 else ids[:at] + remembered + ids[at + ID_BYTES :]
    state.recent_ids = ids
    if len(ids) >= limits.tail_ids * ID_BYTES:
        _spill(customer, append_day, limits)
    return True


def _spill(customer: Customer, append_day: int, limits: DedupeLimits) -> None:
    state = customer.state
    meta, ids = spill(state.recent_ids, state.id_chunks, append_day, limits)
    state.recent_ids = b""
    customer.new_chunks[meta.seq] = ids
    customer.spilled.update(unpack(ids))
    for gone in surplus(state.id_chunks, append_day, limits):
        state.id_chunks.remove(gone)
        customer.dropped_chunks.append(gone.seq)
        customer.new_chunks.pop(gone.seq, None)


def _see(state: CustomerState, at_ms: int) -> None:
    if not state.first_seen_ms or at_ms < state.first_seen_ms:
        state.first_seen_ms = at_ms


def _count(
    customer: Customer, at_ms: int, channel: int, engagement_type: str | None, events: int = 1, step: int = 1
) -> None:
    """Add an event to its day and five-minute cells; a day out of the horizon is left to the facts."""
    state = customer.state
    newest_ms = state.newest_ms
    # What is not older than the newest event is inside both horizons.
    is_newest = at_ms >= newest_ms
    day = at_ms // DAY_MS
    if not is_newest and day < oldest_day_held(newest_ms):
        customer.late_days = _marked(customer.late_days, day)
        return
    key = day << CHANNEL_BITS | channel
    day_cell = customer.dirty_days.get(key) or customer.day(key)
    day_cell.events += events
    if engagement_type is not None:
        _add(day_cell.counts, engagement_type, step)
    five = at_ms // FIVE_MINUTES_MS
    if not is_newest and five < oldest_five_held(newest_ms):
        return
    key = five << CHANNEL_BITS | channel
    five_cell = customer.dirty_fives.get(key) or customer.five(key)
    five_cell.events += events
    if engagement_type == ORDER:
        five_cell.orders += step
    elif engagement_type == "conversation_started":
        five_cell.conversations += step
    elif engagement_type == "message_sent":
        five_cell.messages += step


_K = TypeVar("_K", int, str)
_V = TypeVar("_V")


def _marked(marks: set[_K], key: _K) -> set[_K]:
    if not marks:
        return {key}
    marks.add(key)
    return marks


def _with(cells: dict[int, _V], key: int, cell: _V) -> dict[int, _V]:
    if not cells:
        return {key: cell}
    cells[key] = cell
    return cells


def _is_last(key: _K, entries: dict[_K, _V]) -> bool:
    return not entries or key > next(reversed(entries))


def _enter(entries: dict[_K, int], key: _K, value: int) -> None:
    """Put a new key where it belongs: these dicts are short, and stored in order of their keys."""
    is_last = _is_last(key, entries)
    entries[key] = value
    if not is_last:
        ordered = sorted(entries.items())
        entries.clear()
        entries.update(ordered)


def _add(counts: dict[_K, int], key: _K, step: int) -> None:
    """Count up or down; what is counted down to zero has never been."""
    count = counts.get(key)
    if count is None:
        _enter(counts, key, step)
    elif count + step:
        counts[key] = count + step
    else:
        del counts[key]


def _apply_order(customer: Customer, order_id: str, entry: OrderEntry) -> None:
    """Let the smallest (occurred_at, event_id) of an order id be the order; others are events only."""
    entries = customer.orders.setdefault(order_id, [])
    previous = entries[0] if entries else None
    entries.append(entry)
    entries.sort()
    customer.dirty_orders = _marked(customer.dirty_orders, order_id)
    if entries[0] is not entry:
        return
    state = customer.state
    times = state.order_times_ms
    if customer.reordered_ms is None:
        customer.told_orders = len(times)
    if previous is None:
        state.orders_total += 1
    else:
        _count(customer, previous.occurred_at_ms, previous.channel, ORDER, events=0, step=-1)
        del times[bisect_left(times, previous.occurred_at_ms)]
    at_ms = entry.occurred_at_ms
    _count(customer, at_ms, entry.channel, ORDER, events=0)
    # What it supersedes comes later, so this is the earliest time that has changed.
    index = bisect(times, at_ms)
    times.insert(index, at_ms)
    if index < customer.told_orders:
        customer.told_orders = 0
    customer.reordered_ms = at_ms if customer.reordered_ms is None else min(at_ms, customer.reordered_ms)
    _see(state, at_ms)


def _touch(customer: Customer, event: Event, channel: int) -> None:
    """Mark every row that this event may have changed when it was first applied."""
    touched = [(event.occurred_at_ms, channel)]
    if event.type == ORDER:
        entries = customer.orders.get(event.order_id, [])
        touched += [(entry.occurred_at_ms, entry.channel) for entry in entries]
        customer.dirty_orders = _marked(customer.dirty_orders, event.order_id)
        customer.reordered_ms, customer.told_orders = 0, 0
    state = customer.state
    for at_ms, at_channel in touched:
        key = day_of(at_ms) << CHANNEL_BITS | at_channel
        if key in customer.dirty_days or key in state.days:
            customer.day(key)
        else:
            customer.late_days = _marked(customer.late_days, day_of(at_ms))
        five = five_of(at_ms) << CHANNEL_BITS | at_channel
        if five in customer.dirty_fives or five_cells.get(state.fives, five) is not None:
            customer.five(five)
