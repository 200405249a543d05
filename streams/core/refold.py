"""Customers folded anew from their facts. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.decode import Event
from schemas.events import is_engagement
from schemas.fields import ANONYMOUS_PREFIX
from schemas.topics import SOURCE_TOPICS, partition_of
from streams.core.dedupe import DedupeLimits
from streams.core.fold import ORDER, Customer, Outcome, apply
from streams.core.identity import Link, is_linked
from streams.core.restate import Fact, recount
from streams.core.state import NO_SOURCE, CustomerState, DayCell, OrderEntry, source_id
from streams.core.windows import day_of

#: A fact: customer_id as stored, event_id, channel, type, occurred_at in ms, properties, source_topic,
#: source_partition, source_offset, appended_at in ms.
FactRow = Sequence[Any]


def fold_facts(
    rows: Iterable[FactRow], partitions: int, since_ms: Mapping[str, int], limits: DedupeLimits
) -> list[Customer]:
    """Customers folded from their facts, given in order of customer and append time.

    `since_ms` says by topic after which append time its present offsets begin; older facts keep their event
    ids but claim no offset.
    """
    customers: dict[str, Customer] = {}
    for number, row in enumerate(rows):
        customer_id, topic, partition, offset, appended_at_ms = row[0], *row[6:]
        customer = customers.get(customer_id)
        if customer is None:
            customer = customers[customer_id] = _new(customer_id, partitions)
        source = source_id(SOURCE_TOPICS.index(topic), partition)
        if appended_at_ms <= since_ms.get(topic, -1):
            source, offset = NO_SOURCE, number
        apply(customer, _event_of(row), source, offset, day_of(appended_at_ms), limits)
    for customer in customers.values():
        customer.state.applied.pop(NO_SOURCE, None)
    return list(customers.values())


#: A day and a channel index.
Bucket = tuple[int, int]


class Refolded(NamedTuple):
    """A customer as their facts make them; `days` has all of them.

    `customer` has no `applied` offsets and nothing late; of its orders those that lie with others are empty.
    """

    customer: Customer
    days: dict[Bucket, DayCell]


def refold(
    partition: int, customer_id: str, links: list[Link], rows: Iterable[FactRow], limits: DedupeLimits
) -> Refolded:
    """A customer with the anonymous visitors linked to them, from the facts of all, in order of append time.

    Facts of a visitor that no link covers are somebody else's.
    """
    customer = Customer(partition, customer_id, CustomerState(links=links))
    facts: list[Fact] = []
    for number, row in enumerate(rows):
        event = _event_of(row)
        if event.order_id:
            customer.orders.setdefault(event.order_id, [])
        if event.customer != customer_id and not is_linked(links, event.customer, event.moment):
            continue
        if apply(customer, event, NO_SOURCE, number, day_of(row[9]), limits) is Outcome.COUNTED:
            facts.append(_fact_of(event))
    customer.state.applied.clear()
    customer.late_days = set()
    customer.dirty_orders = set(customer.orders)
    return Refolded(customer, recount(facts, customer.orders))


def append_order(row: FactRow) -> tuple[int, str, int]:
    """What facts are sorted by, to be folded."""
    return row[9], row[6], row[8]


def _event_of(row: FactRow) -> Event:
    """As `decode` made it, but for what the fold does not ask."""
    customer_id, event_id, channel, type_, at_ms, text = row[:6]
    properties = orjson.loads(text)
    return Event(
        event_id=event_id,
        customer=customer_id,
        is_anonymous=customer_id.startswith(ANONYMOUS_PREFIX),
        key="",
        channel=channel,
        type=type_,
        occurred_at_ms=at_ms,
        anonymous_id="",
        session_id="",
        source="",
        properties_json=text,
        extra_json="",
        is_engagement=is_engagement(type_, properties),
        order_id=properties["order_id"] if type_ == ORDER else "",
        claims="",
    )


def _fact_of(event: Event) -> Fact:
    day = day_of(event.occurred_at_ms)
    at_ms, event_id, order_id = event.occurred_at_ms, event.event_id, event.order_id
    return Fact(
        event.customer, day, event.channel, event.type, event.is_engagement, at_ms, event_id, order_id
    )


def _new(customer_id: str, partitions: int) -> Customer:
    key = customer_id.removeprefix(ANONYMOUS_PREFIX)
    state = CustomerState(is_anonymous=customer_id != key)
    return Customer(partition_of(key, partitions), customer_id, state)


class OrdersInMemory:
    """Order entries as `streams.late` asks for them; a rebuild holds all of a customer's orders."""

    def __init__(self, customers: Iterable[Customer]) -> None:
        self._orders = {customer.id: customer.orders for customer in customers}

    def orders(
        self, partition: int, pairs: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], list[OrderEntry]]:
        return {(customer, order): self._orders[customer].get(order, []) for customer, order in pairs}
