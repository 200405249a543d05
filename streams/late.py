"""Late days: rows of days that the state no longer holds, recounted from facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from streams.core import project
from streams.core.fold import Customer
from streams.core.identity import is_linked
from streams.core.restate import Fact, recount
from streams.core.state import OrderEntry, applied_only
from streams.sinks.base import FactKey, Sink


class Orders(Protocol):
    """Order entries by (customer, order id), smallest first; `CustomerCache` for real."""

    def orders(
        self, partition: int, pairs: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], list[OrderEntry]]: ...


def _keys(customer: Customer) -> set[FactKey]:
    ids = {customer.id, *(link.anonymous_id for link in customer.state.links)}
    return {(one, day) for one in ids for day in customer.late_days}


def _of(customer: Customer, by_id: dict[str, list[Fact]]) -> Iterator[Fact]:
    """The customer's own facts, and those of linked visitors that are the customer's."""
    links = customer.state.links
    yield from by_id[customer.id]
    for visitor in {link.anonymous_id for link in links}:
        for fact in by_id[visitor]:
            if is_linked(links, visitor, (fact.occurred_at_ms, fact.event_id)):
                yield fact


def restated_days(late: Sequence[Customer], sink: Sink, customers: Orders, epoch: int) -> project.Columns:
    """Columns of `customer_daily` for every late day of these customers. Blocks on the sink."""
    by_id: dict[str, list[Fact]] = defaultdict(list)
    for fact in sink.facts({key for customer in late for key in _keys(customer)}):
        by_id[fact.customer_id].append(fact)
    rows = []
    for customer in late:
        facts = [fact for fact in _of(customer, by_id) if fact.day in customer.late_days]
        pairs = [(customer.id, fact.order_id) for fact in facts if fact.order_id]
        orders = {
            order_id: applied_only(entries, customer.state)
            for (_, order_id), entries in customers.orders(customer.partition, pairs).items()
        }
        for (day, channel), cell in recount(facts, orders).items():
            rows.append(project.day_row(customer, day, channel, cell, epoch))
    return project.transpose(rows)
