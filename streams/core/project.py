"""Projections: what ClickHouse is told about customers, as columns in the order of `schemas.rows`.

Absolute values, never deltas. Times are integers in the unit of the column (milliseconds, seconds, days),
which is what the columnar insert takes without converting.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from streams.core.five_cells import FiveCell
from streams.core.fold import ORDER, Customer
from streams.core.state import CHANNEL_BITS, CHANNEL_MASK, CHANNELS, DayCell
from streams.core.status import Transition
from streams.core.windows import FIVE_MINUTES_MS, day_of

#: One row.
Cells = tuple[Any, ...]
#: One list per column.
Columns = list[list[Any]]

_FIVE_MINUTES_S = FIVE_MINUTES_MS // 1000


def state_columns(customers: Iterable[Customer], epoch: int) -> Columns:
    """Rows of `customer_state`."""
    return transpose([state_row(customer, epoch) for customer in customers])


def daily_columns(customers: Iterable[Customer], epoch: int) -> Columns:
    """Rows of `customer_daily` for the days that changed, those left to the facts excepted."""
    return transpose([row for customer in customers for row in daily_rows(customer, epoch)])


def five_columns(customers: Iterable[Customer], epoch: int) -> Columns:
    """Rows of `customer_5m` for the five-minute buckets that changed."""
    return transpose([row for customer in customers for row in five_rows(customer, epoch)])


def state_row(customer: Customer, epoch: int) -> Cells:
    """The row of `customer_state`."""
    state = customer.state
    website_ms, chat_ms, purchase_ms = state.seen_ms
    times_ms = state.order_times_ms
    return (
        customer.id,
        int(state.is_anonymous),
        state.first_seen_ms or None,
        website_ms or None,
        chat_ms or None,
        purchase_ms or None,
        state.events_total,
        state.orders_total,
        epoch,
        state.n_applied,
        int(state.is_moved),
        state.purchase_days,
        day_of(times_ms[0]) if times_ms else None,
        times_ms[-1] if times_ms else None,
        day_of(state.won_back_ms) if state.won_back_ms else None,
    )


def transition_row(customer_id: str, change: Transition) -> Cells:
    """A row of `customer_transitions`, without what may change later: retraction and version."""
    return (
        customer_id,
        change.changed_at_ms,
        change.from_status.value,
        change.to_status.value,
        change.reason,
        change.days_since_order,
        change.expected_gap_days,
        change.overdue_ratio,
    )


def daily_rows(customer: Customer, epoch: int) -> list[Cells]:
    """One customer's rows of `customer_daily`, see `daily_columns`."""
    late_days = customer.late_days
    return [
        day_row(customer, key >> CHANNEL_BITS, key & CHANNEL_MASK, cell, epoch)
        for key, cell in customer.dirty_days.items()
        if not late_days or key >> CHANNEL_BITS not in late_days
    ]


def day_row(customer: Customer, day: int, channel: int, cell: DayCell, epoch: int) -> Cells:
    """One row of `customer_daily`, from state or recounted from facts."""
    counts = cell.counts
    return (
        customer.id,
        day,
        CHANNELS[channel],
        cell.events,
        counts.copy(),
        counts.get(ORDER, 0),
        counts.get("conversation_started", 0),
        counts.get("message_sent", 0),
        epoch,
        customer.state.n_applied,
    )


def five_rows(customer: Customer, epoch: int) -> list[Cells]:
    """One customer's rows of `customer_5m`, see `five_columns`."""
    return [five_row(customer, key, cell, epoch) for key, cell in customer.dirty_fives.items()]


def five_row(customer: Customer, key: int, cell: FiveCell, epoch: int) -> Cells:
    """One row of `customer_5m`; `key` is the bucket's in the state."""
    return (
        customer.id,
        (key >> CHANNEL_BITS) * _FIVE_MINUTES_S,
        CHANNELS[key & CHANNEL_MASK],
        cell.events,
        cell.orders,
        cell.conversations,
        cell.messages,
        epoch,
        customer.state.n_applied,
    )


def transpose(rows: list[Cells]) -> Columns:
    """Rows, all of one width, to columns; no rows, no columns."""
    if not rows:
        return []
    width = len(rows[0])
    # A flat list and a stride per column: several times faster than zip(*rows), which walks all rows at once.
    cells = list(chain.from_iterable(rows))
    return [cells[start::width] for start in range(width)]
