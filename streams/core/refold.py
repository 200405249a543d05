"""Customers folded anew from their facts. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from schemas.decode import Event
from schemas.events import is_engagement
from schemas.fields import ANONYMOUS_PREFIX
from schemas.topics import SOURCE_TOPICS, partition_of
from streams.core.dedupe import DedupeLimits
from streams.core.fold import ORDER, Customer, apply
from streams.core.state import NO_SOURCE, CustomerState, OrderEntry, source_id
from streams.core.windows import day_of


def fold_facts(
    rows: Iterable[Sequence[Any]], partitions: int, since_ms: Mapping[str, int], limits: DedupeLimits
) -> list[Customer]:
    """Customers folded from their facts, given in order of customer and append time.

    Columns: customer_id, event_id, channel, type, occurred_at in ms, properties, source_topic,
    source_partition, source_offset, appended_at in ms. `since_ms` says by topic after which append time
    its present offsets begin; older facts keep their event ids but claim no offset.
    """
    customers: dict[str, Customer] = {}
    for number, row in enumerate(rows):
        customer_id, event_id, channel, type_, at_ms, text, topic, partition, offset, appended_at_ms = row
        customer = customers.get(customer_id)
        if customer is None:
            customer = customers[customer_id] = _new(customer_id, partitions)
        properties = orjson.loads(text)
        event = Event(
            event_id=event_id,
            customer=customer_id,
            is_anonymous=customer.state.is_anonymous,
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
        )
        source = source_id(SOURCE_TOPICS.index(topic), partition)
        if appended_at_ms <= since_ms.get(topic, -1):
            source, offset = NO_SOURCE, number
        apply(customer, event, source, offset, day_of(appended_at_ms), limits)
    for customer in customers.values():
        customer.state.applied.pop(NO_SOURCE, None)
    return list(customers.values())


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
