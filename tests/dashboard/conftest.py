"""A database with much in it, the clock `event`, and a dashboard on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import GoalRow, RejectedEventRow, StreamLagRow
from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate
from tests.dashboard.rig import Running, serving
from tests.ops import audited
from tests.sql.devices import write
from tests.sql.lives import NEWEST
from tests.sql.scenario import Event, empty, insert

#: Who would break a page, a path or a query that takes ids for what they look like.
ODD_IDS = (
    "<script>alert(1)</script>",
    "a/b",
    "%2F..%2Fx",
    "Jürgen 'O\\'n' \"x\" {id:String}",
    "tab\tand\nline",
    "?channel=chat#top",
)
#: Has more events at one instant than a page holds.
BUSY = "busy"


@pytest.fixture(scope="session")
def settings(clickhouse_front: str) -> Settings:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/dashboard_tests", clock=Clock.EVENT)
    migrate(settings)
    return settings


@pytest.fixture(scope="session")
def session_client(settings: Settings) -> Iterator[Client]:
    client = connect(settings)
    yield client
    client.close()


@pytest.fixture(scope="module")
def client(session_client: Client) -> Client:
    """A client of the database, filled anew."""
    empty(session_client)
    audited.fill(session_client)
    write(session_client, [*_odd_customers(), *_busy_customer()])
    _write_operations(session_client)
    return session_client


@pytest.fixture
async def running(settings: Settings, client: Client) -> AsyncIterator[Running]:
    async with serving(settings) as running:
        yield running


def _odd_customers() -> list[Event]:
    minute_ago = NEWEST - timedelta(minutes=1)
    return [
        Event(f"odd-{n}", odd, "page_viewed", minute_ago, properties={"url": odd})
        for n, odd in enumerate(ODD_IDS)
    ]


def _busy_customer() -> list[Event]:
    """130 events at three instants: 20, 60 and 50."""
    instants = [NEWEST - timedelta(hours=1 + (n >= 20) + (n >= 80)) for n in range(130)]
    return [
        Event(f"busy-{n}", BUSY, "page_viewed", instant, properties={"url": f"/{n}"})
        for n, instant in enumerate(instants)
    ]


def _write_operations(client: Client) -> None:
    now = datetime.now(timezone.utc)
    insert(
        client,
        StreamLagRow,
        [
            (now - timedelta(minutes=minutes), "workers", "events.chat", partition, 5, 9, lag, 1.5)
            for partition, minutes, lag in ((0, 1, 4), (0, 2, 400), (1, 3, 0), (2, 30, 7))
        ],
    )
    insert(
        client,
        RejectedEventRow,
        [
            (
                now - timedelta(hours=hours),
                reason,
                "why",
                "events.chat",
                0,
                hours,
                b"",
                b"<b>\xff",
                4,
                "",
                None,
            )
            for hours, reason in ((1, "not_json"), (2, "not_json"), (3, "too_large"), (40, "not_utf8"))
        ],
    )
    today = NEWEST.date()
    goal = ("more", "mau", "all", 1.0, 50.0, today - timedelta(days=30), today + timedelta(days=30), 0)
    insert(client, GoalRow, [goal])
