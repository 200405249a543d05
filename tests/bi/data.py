"""A database in which every view has rows, with the values that drivers get wrong."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from clickhouse_connect.driver.client import Client

from schemas.rows import GoalRow, RejectedEventRow, StreamLagRow
from tests.ops.audited import all_events, insert_transitions
from tests.sql.devices import resolved, write
from tests.sql.lives import NEWEST
from tests.sql.scenario import Event, insert, order

#: Beyond the Basic Multilingual Plane, right to left, and all that SQL, JSON, CSV or HTML give a meaning.
ODD_ID: Final = "Zoë 😀 שלום\t'\"\\`<b>&amp;%_{x:Int8} -- ; ?"
#: What a Float64, and so a number of JavaScript, cannot hold.
ODD_MINOR: Final = 2**53 + 1


def fill(client: Client) -> None:
    """The events of the audit, those of an odd customer, and rows of what is no event."""
    events = [*all_events(), *_odd_customer()]
    write(client, events)
    insert_transitions(client, resolved(events), NEWEST)
    insert(client, GoalRow, [_goal()])
    insert(client, RejectedEventRow, [_rejected()])
    insert(client, StreamLagRow, [_lag(partition) for partition in range(3)])


def _odd_customer() -> list[Event]:
    time = NEWEST - timedelta(milliseconds=1)
    return [
        Event("odd-0", ODD_ID, "page_viewed", time, properties={"url": f"https://shop.example/{ODD_ID}"}),
        order("odd-1", ODD_ID, time - timedelta(days=3, milliseconds=998), ODD_MINOR, order_id=ODD_ID),
        order("odd-2", ODD_ID, time - timedelta(days=40), 0),
    ]


def _goal() -> tuple[object, ...]:
    return "more-ä", "churn_gross_pct", "month/purchase", 12.5, 0.1, date(2026, 1, 1), date(2026, 12, 31), 0


def _rejected() -> tuple[object, ...]:
    payload = b'{"a": \xff\x00 ' + ODD_ID.encode()
    return NEWEST, "not_json", "line 1", "events.chat", 3, 2**53 + 1, b"k", payload, len(payload), "", None


def _lag(partition: int) -> tuple[object, ...]:
    return NEWEST, "engagement-streams", "events.chat", partition, -1, 7, -1, 0.1 + partition
