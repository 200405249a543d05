"""Events for the view tests, and the rows that belong to them, written as the metric dictionary says.

Nothing here comes from `streams`: the rows are what a correct worker must have written.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeVar

from clickhouse_connect.driver.client import Client

from schemas.rows import (
    Customer5mRow,
    CustomerDailyRow,
    CustomerStateRow,
    EventRow,
    Row,
    column_types,
    columns,
)
from tests.core.status_oracle import simulate, won_back_on

UTC = timezone.utc
K = TypeVar("K")
CHANNELS = ("website", "chat", "purchase")
TABLES = (
    "events",
    "order_events",
    "sessions",
    "activity_5m",
    "customer_state",
    "customer_daily",
    "customer_5m",
    "customer_transitions",
    "rejected_events",
    "identity_claims",
    "identity_links",
    "customer_links",
    "survey_answers",
    "referral_events",
    "engagement_moments",
    "stream_lag",
    "goals",
)
WEIGHT_AND_CAP = {
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
OTHER = (1, 10)


def at(text: str) -> datetime:
    """`at("2026-03-01 10:05:00")`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    event_id: str
    customer_id: str
    type: str
    at: datetime
    channel: str = "website"
    session_id: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    #: Of an event that carries both ids; that of a visitor stands in `customer_id`.
    anonymous_id: str = ""

    @property
    def is_engagement(self) -> bool:
        by_others = self.type == "message_sent" and self.properties.get("author") != "customer"
        return self.type not in ("identify", "alias", "conversation_ended") and not by_others


def order(event_id: str, customer_id: str, time: datetime, total_minor: int, **other: Any) -> Event:
    """An order; `order_id` is the event's id unless given, the currency EUR, the channel purchase."""
    properties = {
        "order_id": other.pop("order_id", event_id),
        "total_minor": total_minor,
        "currency": other.pop("currency", "EUR"),
    }
    return Event(
        event_id,
        customer_id,
        "order_completed",
        time,
        other.pop("channel", "purchase"),
        properties=properties,
    )


def refund(
    event_id: str, customer_id: str, time: datetime, order_id: str, amount_minor: int, currency: str = "EUR"
) -> Event:
    properties = {"order_id": order_id, "amount_minor": amount_minor, "currency": currency}
    return Event(event_id, customer_id, "order_refunded", time, "purchase", properties=properties)


def canonical_orders(events: Iterable[Event]) -> dict[tuple[str, str], Event]:
    """By (customer, order_id): of several order_completed the smallest (occurred_at, event_id)."""
    orders: dict[tuple[str, str], Event] = {}
    for event in sorted(events, key=lambda event: (event.at, event.event_id)):
        if event.type == "order_completed":
            orders.setdefault((event.customer_id, event.properties["order_id"]), event)
    return orders


def engagement_events(events: list[Event]) -> list[Event]:
    """The engagement events without superseded orders, which count in `events` only."""
    orders = set(map(id, canonical_orders(events).values()))
    return [e for e in events if e.is_engagement and (e.type != "order_completed" or id(e) in orders)]


def tables(client: Client) -> list[str]:
    """All that have rows: TABLES, and the table of the lead rules in force."""
    of_rules = client.query(
        "SELECT name FROM system.tables"
        " WHERE database = currentDatabase() AND match(name, '^lead_events_[0-9a-f]{8}$')"
    )
    return [*TABLES, *(name for (name,) in of_rules.result_rows)]


def empty(client: Client) -> Client:
    for table in tables(client):
        client.command(f"TRUNCATE TABLE {table}")
    return client


def insert(client: Client, model: type[Row], rows: Iterable[tuple[Any, ...]]) -> None:
    client.insert(model.TABLE, list(rows), column_names=columns(model), column_type_names=column_types(model))


def insert_facts(client: Client, events: Iterable[Event], *, appended_at: datetime | None = None) -> None:
    """Deliver events in the given order; each one is appended a millisecond after the one before."""
    start = appended_at or at("2026-06-01 00:00:00")
    insert(
        client,
        EventRow,
        (
            (
                event.event_id,
                event.customer_id,
                event.customer_id.removeprefix("anon:")
                if event.customer_id.startswith("anon:")
                else event.anonymous_id,
                event.channel,
                event.type,
                event.at,
                event.session_id,
                "shop",
                json.dumps(event.properties),
                "",
                f"events.{event.channel}",
                0,
                offset,
                start + timedelta(milliseconds=offset),
            )
            for offset, event in enumerate(events)
        ),
    )


def insert_rows(client: Client, events: list[Event], *, epoch: int = 0, n_applied: int = 1) -> None:
    """The absolute rows of these events' customers."""
    version = (epoch, n_applied)
    insert(client, CustomerStateRow, (whole_state_row(row, version) for row in state_rows(events)))
    insert(client, CustomerDailyRow, (row + version for row in daily_rows(events)))
    insert(client, Customer5mRow, (row + version for row in five_minute_rows(events)))


def whole_state_row(row: tuple[Any, ...], version: tuple[int, int], is_moved: int = 0) -> tuple[Any, ...]:
    """A row of `state_rows` with its version."""
    return (*row[:-4], *version, is_moved, *row[-4:])


def state_rows(events: list[Event]) -> Iterator[tuple[Any, ...]]:
    for customer, all_events in grouped(events, lambda event: event.customer_id).items():
        engaged = engagement_events(all_events)
        others = [event for event in engaged if event.type != "order_completed"]
        yield (
            customer,
            int(customer.startswith("anon:")),
            min((event.at for event in engaged), default=None),
            *(max((e.at for e in others if e.channel == channel), default=None) for channel in CHANNELS),
            len(all_events),
            len(engaged) - len(others),
            *_purchases(sorted(event.at for event in engaged if event.type == "order_completed")),
        )


def _purchases(times: list[datetime]) -> tuple[Any, ...]:
    """Purchase days, the first of them, the newest order, and the date of the newest that won back."""
    if not times:
        return 0, None, None, None
    days = sorted({time.date() for time in times})
    won_back = won_back_on(simulate(map(ms_of, times), ms_of(times[-1])))
    return len(days), days[0], times[-1], won_back and date(1970, 1, 1) + timedelta(days=won_back)


def ms_of(time: datetime) -> int:
    """Milliseconds since 1970."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def daily_rows(events: list[Event]) -> Iterator[tuple[Any, ...]]:
    counts = counts_by(events, _day)
    for (customer, day, channel), all_events in grouped(events, _day).items():
        types = counts[customer, day, channel]
        yield (customer, day, channel, len(all_events), dict(types), *_activities(types))


def five_minute_rows(events: list[Event]) -> Iterator[tuple[Any, ...]]:
    counts = counts_by(events, _five_minutes)
    for key, all_events in grouped(events, _five_minutes).items():
        yield (*key, len(all_events), *_activities(counts[key]))


def points_of(type_: str, count: int) -> int:
    weight, cap = WEIGHT_AND_CAP.get(type_, OTHER)
    return weight * min(count, cap)


def grouped(events: Iterable[Event], key: Callable[[Event], K]) -> dict[K, list[Event]]:
    groups = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


def counts_by(events: list[Event], key: Callable[[Event], K]) -> dict[K, Counter[str]]:
    """Engagement events per type, by key; empty for a key that has none."""
    counts: dict[K, Counter[str]] = defaultdict(Counter)
    for event in engagement_events(events):
        counts[key(event)][event.type] += 1
    return counts


def _day(event: Event) -> tuple[str, date, str]:
    return event.customer_id, event.at.date(), event.channel


def _five_minutes(event: Event) -> tuple[str, datetime, str]:
    bucket = event.at.replace(minute=event.at.minute // 5 * 5, second=0, microsecond=0)
    return event.customer_id, bucket, event.channel


def _activities(counts: Counter[str]) -> tuple[int, int, int]:
    return counts["order_completed"], counts["conversation_started"], counts["message_sent"]


def random_events(seed: int, newest: datetime, n: int = 400) -> list[Event]:
    """Events of the hundred days that end with `newest`; many lie on bucket boundaries, none after it."""
    rng = random.Random(seed)
    events = [_random_event(rng, f"e{i}", newest) for i in range(n)]
    return [*events, Event("newest", "c-0", "page_viewed", newest)]


def _random_event(rng: random.Random, event_id: str, newest: datetime) -> Event:
    customer = rng.choice([*(f"c-{i}" for i in range(9)), "anon:a1"])
    time = _random_time(rng, newest)
    kind = rng.random()
    if kind < 0.2:
        return order(
            event_id,
            customer,
            time,
            rng.choice((0, 1, 999, 10_000)),
            order_id=f"o{rng.randrange(40)}",
            currency=rng.choice(("EUR", "EUR", "JPY", "USD")),
            channel=rng.choice(("purchase", "purchase", "website", "chat")),
        )
    if kind < 0.3:
        amount = rng.choice((1, 500, 20_000))
        return refund(event_id, customer, time, f"o{rng.randrange(40)}", amount, rng.choice(("EUR", "JPY")))
    author = {"author": rng.choice(("customer", "agent"))}
    type_ = rng.choice((*WEIGHT_AND_CAP, "identify", "conversation_ended", "wish_made"))
    if type_ == "order_completed":
        type_ = "page_viewed"
    return Event(event_id, customer, type_, time, rng.choice(CHANNELS), rng.choice(("", "s1", "s2")), author)


def _random_time(rng: random.Random, newest: datetime) -> datetime:
    """Near or far, and often exactly on the edge of a bucket or a millisecond before it."""
    time = newest - timedelta(milliseconds=rng.randrange(int(rng.choice((0.06, 1.1, 30, 100)) * 86_400_000)))
    edge = rng.choice((None, {"minute": time.minute // 5 * 5}, {"minute": 0}, {"hour": 0, "minute": 0}))
    if edge is None:
        return time
    time = time.replace(**edge, second=0, microsecond=0)
    return time - timedelta(milliseconds=rng.choice((0, 0, 1)))
