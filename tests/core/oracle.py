"""The metric dictionary once more, as slowly and plainly as possible, to check the fold against.

It sees all events of one customer at once and knows nothing of `streams`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.decode import Event
from tests.core.status_oracle import simulate, won_back_on

DAY_MS = 86_400_000
FIVE_MINUTES_MS = 300_000

#: (points, cap per day); everything else counts (1, 10).
WEIGHTS = {
    "page_viewed": (1, 20),
    "product_viewed": (2, 20),
    "search_performed": (1, 10),
    "form_submitted": (5, 3),
    "product_added": (4, 10),
    "conversation_started": (6, 3),
    "message_sent": (2, 20),
    "order_completed": (15, 3),
    "survey_answered": (5, 2),
    "referral_made": (10, 2),
}


@dataclass(frozen=True)
class Expected:
    """What the tables must say about a customer, versions aside. Cells by (day or bucket start, channel)."""

    state: dict[str, Any]
    daily: dict[tuple[int, str], dict[str, Any]]
    five: dict[tuple[int, str], dict[str, Any]]
    order_times_ms: list[int]
    newest_ms: int

    def days_held(self) -> dict[tuple[int, str], dict[str, Any]]:
        """The days of the 97 that end with the newest event's."""
        return {key: row for key, row in self.daily.items() if key[0] > self.newest_ms // DAY_MS - 97}

    def fives_held(self) -> dict[tuple[int, str], dict[str, Any]]:
        """The five-minute buckets of the 50 hours that end with the newest event's."""
        oldest_ms = self.newest_ms // FIVE_MINUTES_MS * FIVE_MINUTES_MS - 50 * 3_600_000
        return {key: row for key, row in self.five.items() if key[0] * 1000 > oldest_ms}


def is_engagement(event: Event) -> bool:
    """Metrics, Terms: engagement event."""
    if event.type == "message_sent":
        return event.properties["author"] not in ("agent", "bot")
    return event.type not in ("identify", "alias", "conversation_ended")


def expect(deliveries: Iterable[Event], customer_id: str = "") -> Expected:
    """What one customer's deliveries, duplicates among them, must end in; by default whoever they name."""
    events = list({event.event_id: event for event in deliveries}.values())
    superseded = _superseded(events)
    counted = [event for event in events if is_engagement(event) and event.event_id not in superseded]
    orders = [event for event in counted if event.type == "order_completed"]
    order_times_ms = sorted(order.occurred_at_ms for order in orders)
    is_anonymous = (customer_id or events[0].customer).startswith("anon:")
    state = {
        "is_anonymous": int(is_anonymous),
        "first_seen_at": min((event.occurred_at_ms for event in counted), default=None),
        "events_total": len(events),
        "orders_total": len(orders),
        **_purchases(order_times_ms, is_anonymous),
    }
    for channel in ("website", "chat", "purchase"):
        seen = [
            event.occurred_at_ms
            for event in counted
            if event.channel == channel and event.type != "order_completed"
        ]
        state[f"{channel}_seen_at"] = max(seen, default=None)
    return Expected(
        state,
        _cells(events, counted, lambda at_ms: at_ms // DAY_MS, with_counts=True),
        _cells(events, counted, lambda at_ms: at_ms // FIVE_MINUTES_MS * 300, with_counts=False),
        order_times_ms,
        max(event.occurred_at_ms for event in events),
    )


def _purchases(order_times_ms: list[int], is_anonymous: bool) -> dict[str, Any]:
    days = sorted({at_ms // DAY_MS for at_ms in order_times_ms})
    changes = [] if is_anonymous or not days else simulate(order_times_ms, order_times_ms[-1])
    return {
        "purchase_days": len(days),
        "first_purchase_on": days[0] if days else None,
        "last_purchase_at": order_times_ms[-1] if days else None,
        "won_back_on": won_back_on(changes),
    }


def _superseded(events: list[Event]) -> set[str]:
    """Ids of `order_completed` events that are not the smallest of their order id."""
    ids = set()
    for order_id in {event.properties["order_id"] for event in events if event.type == "order_completed"}:
        same = [
            event
            for event in events
            if event.type == "order_completed" and event.properties["order_id"] == order_id
        ]
        same.sort(key=lambda event: (event.occurred_at_ms, event.event_id))
        ids |= {event.event_id for event in same[1:]}
    return ids


def _cells(
    events: list[Event], counted: list[Event], bucket: Any, *, with_counts: bool
) -> dict[tuple[int, str], dict[str, Any]]:
    cells: dict[tuple[int, str], dict[str, Any]] = {}
    for key in {(bucket(event.occurred_at_ms), event.channel) for event in events}:
        here = [event for event in events if (bucket(event.occurred_at_ms), event.channel) == key]
        counts = Counter(event.type for event in here if event in counted)
        cells[key] = {
            "events": len(here),
            "orders": counts["order_completed"],
            "conversations": counts["conversation_started"],
            "messages": counts["message_sent"],
        }
        if with_counts:
            cells[key]["counts"] = dict(counts)
    return cells


def points_of(counts: Mapping[str, int]) -> int:
    """What a day on a channel earns by the default rules."""
    rules = ((WEIGHTS.get(type_, (1, 10)), count) for type_, count in counts.items())
    return sum(points * min(count, cap) for (points, cap), count in rules)
