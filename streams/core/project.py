"""Projections: what ClickHouse is told about customers, as columns in the order of `schemas.rows`.

Absolute values, never deltas. Times are integers in the unit of the column (milliseconds, seconds, days),
which is what the columnar insert takes without converting.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streams.core.fold import ORDER, Customer
from streams.core.score import DEFAULT_RULES, ScoreRules, points
from streams.core.state import CHANNEL_BITS, CHANNEL_MASK, CHANNELS, CustomerState, DayCell
from streams.core.windows import FIVE_MINUTES_MS

#: One list per column.
Columns = list[list[Any]]

_FIVE_MINUTES_S = FIVE_MINUTES_MS // 1000


def state_columns(customers: Iterable[Customer], epoch: int) -> Columns:
    """Rows of `customer_state`."""
    return transpose([_state_row(customer.id, customer.state, epoch) for customer in customers])


def _state_row(customer_id: str, state: CustomerState, epoch: int) -> tuple[Any, ...]:
    website_ms, chat_ms, purchase_ms = state.seen_ms
    return (
        customer_id,
        int(state.is_anonymous),
        state.first_seen_ms or None,
        website_ms or None,
        chat_ms or None,
        purchase_ms or None,
        state.events_total,
        state.orders_total,
        epoch,
        state.n_applied,
    )


def daily_columns(customers: Iterable[Customer], epoch: int, rules: ScoreRules = DEFAULT_RULES) -> Columns:
    """Rows of `customer_daily` for the days that changed, those left to the facts excepted."""
    rows = []
    for customer in customers:
        state = customer.state
        for key in customer.dirty_days:
            day = key >> CHANNEL_BITS
            if day not in customer.late_days:
                rows.append(day_row(customer, day, key & CHANNEL_MASK, state.days[key], epoch, rules))
    return transpose(rows)


def day_row(
    customer: Customer, day: int, channel: int, cell: DayCell, epoch: int, rules: ScoreRules = DEFAULT_RULES
) -> tuple[Any, ...]:
    """One row of `customer_daily`, from state or recounted from facts."""
    counts = cell.counts
    return (
        customer.id,
        day,
        CHANNELS[channel],
        cell.events,
        dict(counts),
        points(counts, rules),
        counts.get(ORDER, 0),
        counts.get("conversation_started", 0),
        counts.get("message_sent", 0),
        epoch,
        customer.state.n_applied,
    )


def five_columns(customers: Iterable[Customer], epoch: int) -> Columns:
    """Rows of `customer_5m` for the five-minute buckets that changed."""
    rows = []
    for customer in customers:
        state = customer.state
        for key in customer.dirty_fives:
            cell = state.fives[key]
            rows.append(
                (
                    customer.id,
                    (key >> CHANNEL_BITS) * _FIVE_MINUTES_S,
                    CHANNELS[key & CHANNEL_MASK],
                    cell.events,
                    cell.orders,
                    cell.conversations,
                    cell.messages,
                    epoch,
                    state.n_applied,
                )
            )
    return transpose(rows)


def transpose(rows: list[tuple[Any, ...]]) -> Columns:
    """Rows to columns; no rows, no columns."""
    return [list(column) for column in zip(*rows, strict=True)]
