"""Days recounted from facts: what a day outside the state's horizon really holds.

A late event's day is no longer in state, so its row is counted anew from all facts of that day, by the
same rules as the fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.core.fold import ORDER
from streams.core.state import CHANNEL_INDEX, DayCell, OrderEntry


class Fact(NamedTuple):
    """What a recount needs of one fact. `order_id` is '' but for orders."""

    customer_id: str
    day: int
    channel: str
    type: str
    is_engagement: bool
    occurred_at_ms: int
    event_id: str
    order_id: str


def recount(facts: Iterable[Fact], orders: Mapping[str, list[OrderEntry]]) -> dict[tuple[int, int], DayCell]:
    """Cells by (day, channel index) of one customer's facts.

    `orders` holds the entries of every order id among the facts, smallest first: an `order_completed`
    counts as an order only if it is the smallest of its order id. Facts may be ahead of the state by what
    a crash left unfinished; an order among those counts once it is applied, which restates its day again.
    """
    smallest = {
        order_id: (entries[0].occurred_at_ms, entries[0].event_id)
        for order_id, entries in orders.items()
        if entries
    }
    cells: dict[tuple[int, int], DayCell] = {}
    for fact in facts:
        cell = cells.setdefault((fact.day, CHANNEL_INDEX[fact.channel]), DayCell(0, {}))
        cell.events += 1
        if fact.type == ORDER:
            counted = (fact.occurred_at_ms, fact.event_id) == smallest.get(fact.order_id)
        else:
            counted = fact.is_engagement
        if counted:
            cell.counts[fact.type] = cell.counts.get(fact.type, 0) + 1
    return cells
