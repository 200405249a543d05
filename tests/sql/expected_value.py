"""Repeat purchase, value and RFM in plain Python, by the metric dictionary and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from tests.sql import expected
from tests.sql.scenario import Event

WINDOWS = {"30d": 30, "90d": 90, "365d": 365, "all": None}

#: The segments of v_rfm, by precedence: smallest and largest r, f and m.
SEGMENTS = (
    ("champions", (4, 5), (4, 5), (4, 5)),
    ("cannot_lose", (1, 2), (4, 5), (4, 5)),
    ("loyal", (3, 5), (4, 5), (1, 5)),
    ("big_spenders", (3, 5), (1, 3), (5, 5)),
    ("new", (5, 5), (1, 1), (1, 5)),
    ("promising", (4, 4), (1, 1), (1, 5)),
    ("potential_loyal", (4, 5), (2, 3), (1, 5)),
    ("needs_attention", (3, 3), (2, 3), (1, 5)),
    ("at_risk", (1, 2), (3, 5), (1, 5)),
    ("hibernating", (1, 2), (1, 2), (1, 5)),
)


def repeat_purchase(events: list[Event], today: date) -> dict[Any, tuple[Any, ...]]:
    """By window: buyers, repeat_buyers, repeat_purchase_pct."""
    orders = expected.orders(_of_customers(events))
    result = {}
    for window, days in WINDOWS.items():
        inside = [days is None or 0 <= (today - order[0].date()).days < days for order in orders.values()]
        counts = Counter(
            customer for (customer, _), is_inside in zip(orders, inside, strict=True) if is_inside
        )
        buyers, repeat_buyers = len(counts), sum(n >= 2 for n in counts.values())
        share = pytest.approx(100 * repeat_buyers / buyers) if buyers else None
        result[(window,)] = (buyers, repeat_buyers, share)
    return result


def customer_value(events: list[Event], today: date) -> dict[Any, tuple[Any, ...]]:
    """By (customer, currency): orders, clv_historic_minor, average_order_minor, purchase_frequency."""
    return {key: _value(orders, today) for key, orders in _by_currency(events).items()}


def _value(orders: list[tuple[Any, ...]], today: date) -> tuple[Any, ...]:
    n, net_minor = len(orders), sum(order[4] for order in orders)
    days = (today - min(order[0] for order in orders).date()).days
    frequency = pytest.approx(30 * n / days) if days else None
    return n, net_minor, pytest.approx(net_minor / n), frequency


def rfm(events: list[Event], today: date) -> dict[Any, tuple[Any, ...]]:
    """By (customer, currency): recency_days, frequency, monetary_minor, r, f, m, segment."""
    by_currency: dict[str, dict[Any, tuple[int, int, int]]] = defaultdict(dict)
    for key, orders in _by_currency(events).items():
        newest = max(order[0] for order in orders).date()
        by_currency[key[1]][key] = ((today - newest).days, len(orders), sum(order[4] for order in orders))
    return {key: row for customers in by_currency.values() for key, row in _scored(customers).items()}


def _scored(customers: Mapping[Any, tuple[int, int, int]]) -> dict[Any, tuple[Any, ...]]:
    r = quintiles({key: -recency for key, (recency, _, _) in customers.items()})
    f = quintiles({key: frequency for key, (_, frequency, _) in customers.items()})
    m = quintiles({key: monetary for key, (_, _, monetary) in customers.items()})
    return {
        key: (*row, r[key], f[key], m[key], segment(r[key], f[key], m[key])) for key, row in customers.items()
    }


def quintiles(values: Mapping[Any, int]) -> dict[Any, int | None]:
    """ntile(5) by ascending value; all members of a tie get the smallest tile of the tie."""
    if len(values) < 5:
        return dict.fromkeys(values)
    ordered = sorted(values.values())
    sizes = [len(ordered) // 5 + (tile < len(ordered) % 5) for tile in range(5)]
    tiles = [tile for tile, size in enumerate(sizes, start=1) for _ in range(size)]
    smallest: dict[int, int] = {}
    for value, tile in zip(ordered, tiles, strict=True):
        smallest.setdefault(value, tile)
    return {key: smallest[value] for key, value in values.items()}


def segment(r: int | None, f: int | None, m: int | None) -> str | None:
    if r is None or f is None or m is None:
        return None
    for name, *ranges in SEGMENTS:
        if all(low <= tile <= high for tile, (low, high) in zip((r, f, m), ranges, strict=True)):
            return name
    return "other"


def _by_currency(events: list[Event]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    groups = defaultdict(list)
    for (customer, _), order in expected.orders(_of_customers(events)).items():
        groups[customer, order[1]].append(order)
    return groups


def _of_customers(events: list[Event]) -> list[Event]:
    return [event for event in events if not event.customer_id.startswith("anon:")]
