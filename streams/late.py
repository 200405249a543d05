"""Late days: rows of days that the state no longer holds, recounted from facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from streams.core import project
from streams.core.fold import Customer
from streams.core.restate import Fact, recount
from streams.core.state import OrderEntry, applied_only
from streams.sinks.base import Sink


class Orders(Protocol):
    """Order entries by (customer, order id), smallest first; `CustomerCache` for real."""

    def orders(
        self, partition: int, pairs: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], list[OrderEntry]]: ...


def restated_days(late: Sequence[Customer], sink: Sink, customers: Orders, epoch: int) -> project.Columns:
    """Columns of `customer_daily` for every late day of these customers. Blocks on the sink."""
    by_id: dict[str, list[Fact]] = defaultdict(list)
    for fact in sink.facts({(customer.id, day) for customer in late for day in customer.late_days}):
        by_id[fact.customer_id].append(fact)
    rows = []
    for customer in late:
        facts = by_id[customer.id]
        pairs = [(customer.id, fact.order_id) for fact in facts if fact.order_id]
        orders = {
            order_id: applied_only(entries, customer.state)
            for (_, order_id), entries in customers.orders(customer.partition, pairs).items()
        }
        for (day, channel), cell in recount(facts, orders).items():
            rows.append(project.day_row(customer, day, channel, cell, epoch))
    return project.transpose(rows)
