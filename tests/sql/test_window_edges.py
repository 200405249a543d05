"""Where a window begins and ends.

as_of = 10:07 on the 10th:

    1h     five-minute buckets   09:10 ... 10:05    the bucket of as_of is the last one
    24h    hours                 11:00 on the 9th ... 10:00
    7d     dates                 the 4th ... the 10th
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import Event, at, insert_facts, insert_rows

AS_OF = at("2026-03-10 10:07:00")
TICK = Event("tick", "other", "page_viewed", AS_OF)


def windows_of(client: Client, *events: Event) -> set[str]:
    """The windows that hold c-1's events; the clock stands at AS_OF."""
    insert_facts(client, [TICK])
    insert_rows(client, list(events))
    rows = client.query("SELECT window_name FROM v_customer_windows WHERE customer_id = 'c-1'").result_rows
    assert_360_agrees(client, {row[0] for row in rows})
    return {row[0] for row in rows}


def assert_360_agrees(client: Client, windows: set[str]) -> None:
    names = ("1h", "24h", "7d", "30d", "90d")
    columns = ", ".join(f"events_{name}" for name in names)
    row = client.query(f"SELECT {columns} FROM v_customer_360 WHERE customer_id = 'c-1'").result_rows[0]
    assert {name for name, events in zip(names, row, strict=True) if events} == windows


EDGES = pytest.mark.parametrize(
    ("time", "windows"),
    [
        ("2026-03-11 00:00:00", set()),
        ("2026-03-10 23:59:59.999", {"7d", "30d", "90d"}),
        ("2026-03-10 11:00:00", {"7d", "30d", "90d"}),
        ("2026-03-10 10:59:59.999", {"24h", "7d", "30d", "90d"}),
        ("2026-03-10 10:10:00", {"24h", "7d", "30d", "90d"}),
        ("2026-03-10 10:09:59.999", {"1h", "24h", "7d", "30d", "90d"}),
        ("2026-03-10 09:10:00", {"1h", "24h", "7d", "30d", "90d"}),
        ("2026-03-10 09:09:59.999", {"24h", "7d", "30d", "90d"}),
        ("2026-03-09 11:00:00", {"24h", "7d", "30d", "90d"}),
        ("2026-03-09 10:59:59.999", {"7d", "30d", "90d"}),
        ("2026-03-04 00:00:00", {"7d", "30d", "90d"}),
        ("2026-03-03 23:59:59.999", {"30d", "90d"}),
        ("2026-02-09 00:00:00", {"30d", "90d"}),
        ("2026-02-08 23:59:59.999", {"90d"}),
        ("2025-12-11 00:00:00", {"90d"}),
        ("2025-12-10 23:59:59.999", set()),
    ],
)


@EDGES
def test_a_window_holds_whole_buckets(client: Client, time: str, windows: set[str]) -> None:
    assert windows_of(client, Event("e1", "c-1", "page_viewed", at(time))) == windows


@EDGES
def test_a_window_holds_the_revenue_of_whole_buckets(client: Client, time: str, windows: set[str]) -> None:
    insert_facts(client, [TICK])
    # Not as a fact: a fact would move as_of, while orders ahead of the wall clock do not.
    client.command(
        "INSERT INTO order_events (customer_id, order_id, type, occurred_at, currency, amount_minor)"
        f" VALUES ('c-1', 'o1', 'order_completed', '{time}', 'EUR', 5)"
    )
    rows = client.query("SELECT window_name, orders, revenue_minor FROM v_customer_revenue").result_rows
    assert set(rows) == {(window, 1, 5) for window in windows | {"all"}}


def test_a_silent_customers_windows_move_on_with_as_of(client: Client) -> None:
    event = Event("e1", "c-1", "page_viewed", AS_OF)
    assert "1h" in windows_of(client, event)
    insert_facts(client, [Event("tock", "other", "page_viewed", AS_OF + timedelta(hours=2))])
    rows = client.query(
        "SELECT events_1h, events_24h FROM v_customer_360 WHERE customer_id = 'c-1'"
    ).result_rows
    assert rows == [(0, 1)]


def score_of(client: Client, *events: Event) -> Any:
    insert_facts(client, [TICK])
    insert_rows(client, list(events))
    return client.query("SELECT score, preferred_channel, omnichannel_reach FROM v_customer_360").result_rows[
        0
    ]


def forms(n: int, channel: str = "website") -> list[Event]:
    """`n` forms submitted, 5 points each, on as many days."""
    return [
        Event(f"{channel}{i}", "c-1", "form_submitted", AS_OF - timedelta(days=i), channel) for i in range(n)
    ]


def test_fifty_points_are_a_score_of_fifty(client: Client) -> None:
    assert score_of(client, *forms(10)) == (50.0, "website", 1)


def test_points_older_than_thirty_days_do_not_score(client: Client) -> None:
    old = Event("old", "c-1", "form_submitted", at("2026-02-08 23:59:59.999"), "chat")
    assert score_of(client, old) == (0.0, None, 0)


@pytest.mark.parametrize(
    ("channels", "preferred"),
    [
        (("website", "chat", "purchase"), "purchase"),
        (("website", "chat"), "chat"),
        (("website",), "website"),
    ],
)
def test_a_tie_goes_to_purchase_then_chat(client: Client, channels: tuple[str, ...], preferred: str) -> None:
    events = [event for channel in channels for event in forms(1, channel)]
    score, channel, reach = score_of(client, *events)
    assert (channel, reach) == (preferred, len(channels))
    assert score > 0


def test_a_channel_with_nothing_but_an_agents_messages_is_not_reached(client: Client) -> None:
    agent = Event("e1", "c-1", "message_sent", AS_OF, "chat", properties={"author": "agent"})
    assert score_of(client, agent, *forms(1))[2] == 1
    row = client.query(
        "SELECT events, points, active_days, messages FROM v_customer_windows"
        " WHERE channel = 'chat' AND window_name = '7d'"
    ).result_rows
    assert row == [(1, 0.0, 0, 0)]
