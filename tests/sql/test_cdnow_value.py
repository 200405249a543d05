"""The CDNOW sample: repeat purchase and RFM of every customer equal a plain computation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql import expected_value
from tests.sql.scenario import UTC, Event, empty, insert_facts, order
from tests.sql.test_views_against_plain_python import keyed

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cdnow"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"CDNOW data is not in {DATA}")

World = tuple[Client, list[Event]]


@pytest.fixture(scope="module", params=["19970930", "19980630"])
def cdnow(request: pytest.FixtureRequest, session_client: Client) -> World:
    """A client and the orders up to a day, which is as_of's: there are orders on both days."""
    events = [event for event in _orders() if f"{event.at:%Y%m%d}" <= request.param]
    insert_facts(empty(session_client), events)
    return session_client, events


def _orders() -> list[Event]:
    events = []
    for number, line in enumerate((DATA / "CDNOW_sample.txt").read_text().splitlines(), start=1):
        _, customer, day, _, dollars = line.split()
        time = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        events.append(order(f"cdnow-{number}", customer, time, round(float(dollars) * 100), currency="USD"))
    return events


def test_repeat_purchase(cdnow: World) -> None:
    client, events = cdnow
    want = expected_value.repeat_purchase(events, max(event.at for event in events).date())
    assert want["all",][0] == 2_357
    assert keyed(client, "SELECT * FROM v_repeat_purchase", 1) == want


def test_rfm_of_every_customer(cdnow: World) -> None:
    client, events = cdnow
    want = expected_value.rfm(events, max(event.at for event in events).date())
    assert len(want) == 2_357
    assert keyed(client, "SELECT * FROM v_rfm", 2) == want
