"""A worker in miniature: flushes arrivals of one customer through the core; disk and database are dicts.

Between flushes the customer exists as bytes only, so every flush also tests the encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from schemas.decode import Event
from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, Row, columns
from streams.core import project
from streams.core.dedupe import DedupeLimits, unpack
from streams.core.fold import ORDER, Customer, Outcome, apply
from streams.core.restate import Fact, recount
from streams.core.state import (
    CustomerState,
    applied_only,
    decode_orders,
    decode_state,
    encode_orders,
    encode_state,
)
from streams.core.status import DEFAULT_POPULATION_GAP_DAYS, tell
from streams.core.windows import day_of


class Arrival(NamedTuple):
    """One delivery of an event, as the fold gets it."""

    event: Event
    source: int
    offset: int
    append_day: int


class Crash(IntEnum):
    """The last thing that a flush got done before its process ended."""

    FACTS = 1
    #: The changelog got the orders and chunks, but not the hot value behind them.
    COLD_RECORDS = 2
    STATE = 3
    STATE_ROW = 4
    NONE = 5


_KEYS: dict[type[Row], tuple[str, ...]] = {
    CustomerStateRow: ("customer_id",),
    CustomerDailyRow: ("day", "channel"),
    Customer5mRow: ("bucket_at", "channel"),
}


class MiniatureWorker:
    """`hot`, `chunks` and `orders` are the disk; `facts` and `rows` are the database."""

    def __init__(self, limits: DedupeLimits = DedupeLimits()) -> None:  # noqa: B008  # a constant
        self.limits = limits
        self.hot: bytes | None = None
        self.chunks: dict[int, bytes] = {}
        self.orders: dict[str, bytes] = {}
        self.facts: dict[str, Fact] = {}
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.outcomes: list[Outcome] = []

    def flush(self, arrivals: Sequence[Arrival], crash: Crash = Crash.NONE) -> None:
        """One flush, which may end early."""
        customer = self.load(arrival.event for arrival in arrivals)
        for arrival in arrivals:
            outcome = apply(customer, *arrival, self.limits)
            self.outcomes.append(outcome)
            if outcome is not Outcome.DUPLICATE:
                self.facts.setdefault(arrival.event.event_id, _fact(arrival.event))
        if customer.reordered_ms is not None:
            tell(customer.state, DEFAULT_POPULATION_GAP_DAYS, told_orders=customer.told_orders)
        days, fives = project.daily_columns([customer], 0), project.five_columns([customer], 0)
        customer.settle()
        if crash >= Crash.COLD_RECORDS:
            self._save_cold(customer)
        if crash >= Crash.STATE:
            self.hot = encode_state(customer.state)
        if crash >= Crash.STATE_ROW:
            self._write(CustomerStateRow, project.state_columns([customer], 0))
        if crash >= Crash.NONE:
            self._write(CustomerDailyRow, days)
            self._write(Customer5mRow, fives)
            self._write(CustomerDailyRow, self._restated(customer))

    def load(self, events: Iterable[Event]) -> Customer:
        """The customer as stored, with the orders that these events need."""
        state = decode_state(self.hot) if self.hot else CustomerState()
        spilled: dict[bytes, int] = {}
        for meta in state.id_chunks:
            spilled |= unpack(self.chunks[meta.seq])
        customer = Customer(0, "c-1", state, spilled)
        for event in events:
            if event.type == ORDER:
                order_id = event.properties["order_id"]
                customer.orders[order_id] = applied_only(self._entries(order_id), state)
        return customer

    @property
    def state(self) -> CustomerState:
        """The state as stored."""
        assert self.hot is not None
        return decode_state(self.hot)

    def table(self, table: type[Row]) -> dict[Any, dict[str, Any]]:
        """The newest rows of a table by their key, without versions."""
        return {
            key[1:]: {
                name: value
                for name, value in row.items()
                if name not in ("customer_id", "epoch", "n_applied", "is_moved", *_KEYS[table])
            }
            for key, row in self.rows.items()
            if key[0] == table.TABLE
        }

    def _save_cold(self, customer: Customer) -> None:
        for order_id in customer.dirty_orders:
            self.orders[order_id] = encode_orders(customer.orders[order_id])
        self.chunks |= customer.new_chunks
        for seq in customer.dropped_chunks:
            self.chunks.pop(seq, None)

    def _entries(self, order_id: str) -> Any:
        stored = self.orders.get(order_id)
        return decode_orders(stored) if stored else []

    def _restated(self, customer: Customer) -> project.Columns:
        facts = [fact for fact in self.facts.values() if fact.day in customer.late_days]
        orders = {
            fact.order_id: applied_only(self._entries(fact.order_id), customer.state)
            for fact in facts
            if fact.order_id
        }
        return project.transpose(
            [
                project.day_row(customer, day, channel, cell, 0)
                for (day, channel), cell in recount(facts, orders).items()
            ]
        )

    def _write(self, table: type[Row], data: project.Columns) -> None:
        for values in zip(*data, strict=True):
            row = dict(zip(columns(table), values, strict=True))
            key = (table.TABLE, *(row[name] for name in _KEYS[table]))
            if key not in self.rows or row["n_applied"] >= self.rows[key]["n_applied"]:
                self.rows[key] = row


def _fact(event: Event) -> Fact:
    return Fact(
        event.customer,
        day_of(event.occurred_at_ms),
        event.channel,
        event.type,
        event.is_engagement,
        event.occurred_at_ms,
        event.event_id,
        event.properties["order_id"] if event.type == ORDER else "",
    )
