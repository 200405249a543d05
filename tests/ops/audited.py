"""A database to audit: live traffic, random lives and one customer whose every row is known."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerTransitionRow
from streams.core.project import transition_row
from streams.core.status import DEFAULT_POPULATION_GAP_DAYS, transitions
from streams.ops.traffic import Traffic
from tests.sql.devices import identify, resolved, write
from tests.sql.lives import NEWEST, random_life
from tests.sql.scenario import Event, canonical_orders, insert, ms_of, order, refund

#: The customer that corruptions are about; `anon:d1` is the device.
KNOWN = "known"
#: One who has never ordered, with a lead score.
PROSPECT = "prospect"
#: One who has not ordered for long, and is at risk since the 45th day.
ASLEEP = "asleep"


def fill(client: Client) -> None:
    """Write events, as facts and as the rows that a correct worker writes."""
    events = all_events()
    write(client, events)
    insert_transitions(client, resolved(events), NEWEST)


def insert_transitions(client: Client, events: list[Event], as_of: datetime, n_applied: int = 2) -> None:
    """The history of every customer, told up to an instant."""
    times: dict[str, list[int]] = defaultdict(list)
    for (customer, _), placed in canonical_orders(events).items():
        times[customer].append(ms_of(placed.at))
    rows = [
        (*transition_row(customer, change), 0, 0, n_applied)
        for customer, own in times.items()
        for change in transitions(sorted(own), DEFAULT_POPULATION_GAP_DAYS)
        if change.changed_at_ms <= ms_of(as_of) and not customer.startswith("anon:")
    ]
    insert(client, CustomerTransitionRow, rows)


def all_events() -> list[Event]:
    events = [*traffic(400), *random_life(1), *known_customer()]
    # An id may be used once per customer, and visitors become customers.
    return list({event.event_id: event for event in events}.values())


def known_customer() -> list[Event]:
    today = NEWEST - timedelta(minutes=20)
    code = {"referral_code": "r-known"}
    return [
        Event("k11", PROSPECT, "form_submitted", today, properties={"form_id": "newsletter"}),
        order("k0", ASLEEP, today - timedelta(days=86), 4_000),
        Event("k1", "anon:d1", "page_viewed", today - timedelta(days=40), "website", "s-known"),
        order("k2", "anon:d1", today - timedelta(days=40) + timedelta(hours=1), 5_000),
        identify("k3", KNOWN, "anon:d1", today - timedelta(days=40) + timedelta(hours=2)),
        Event("k4", KNOWN, "conversation_started", today - timedelta(hours=3), "chat", "s-known"),
        order("k5", KNOWN, today, 9_000),
        refund("k6", KNOWN, today, "k5", 1_000),
        Event("k7", KNOWN, "survey_answered", today, properties={"survey": "nps", "score": 10}),
        Event("k8", KNOWN, "survey_answered", today, properties={"survey": "csat", "score": 5}),
        Event("k9", KNOWN, "referral_made", today, properties=code),
        Event("k10", KNOWN, "referral_converted", today, properties={**code, "referred_id": KNOWN}),
    ]


def traffic(n: int, newest: datetime = NEWEST) -> Iterator[Event]:
    """What `engage generate` sends, spread over ninety days."""
    chance = random.Random(3)
    times = sorted(newest - timedelta(milliseconds=chance.randrange(90 * 86_400_000)) for _ in range(n))
    made = Traffic(seed=3, customers=20, started_at=times[0])
    return (_event(json.loads(made.next(time).value or b"{}"), time) for time in times)


def _event(sent: dict[str, object], time: datetime) -> Event:
    kind = str(sent["type"])
    purchases = ("order_completed", "order_refunded")
    channel = "purchase" if kind in purchases else "chat" if "conversation_id" in str(sent) else "website"
    customer, device = sent["customer_id"], sent["anonymous_id"]
    return Event(
        str(sent["event_id"]),
        str(customer or f"anon:{device}"),
        kind,
        time,
        channel,
        str(sent["session_id"]),
        dict(sent["properties"]),  # type: ignore[call-overload]
        str(device or ""),
    )
