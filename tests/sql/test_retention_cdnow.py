"""The CDNOW sample: retention and cohorts of every period, against the definitions in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql import retention_expected as expected
from tests.sql.scenario import UTC, Event, empty, insert_facts, insert_rows, order

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "cdnow" / "CDNOW_sample.txt"
pytestmark = pytest.mark.skipif(not SAMPLE.is_file(), reason=f"CDNOW data is not at {SAMPLE}")


class Sample(NamedTuple):
    client: Client
    events: list[Event]
    as_of: datetime


@pytest.fixture(scope="module")
def sample(session_client: Client) -> Iterator[Sample]:
    events = list(orders())
    client = empty(session_client)
    insert_facts(client, events)
    insert_rows(client, events)
    yield Sample(client, events, max(event.at for event in events))
    empty(client)


def orders() -> Iterator[Event]:
    for number, line in enumerate(SAMPLE.read_text().splitlines()):
        _, customer, day, _, dollars = line.split()
        time = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        yield order(f"cdnow-{number}", customer, time, round(float(dollars) * 100), currency="USD")


def rows(sample: Sample, view: str, grain: str) -> list[tuple[object, ...]]:
    columns = "* EXCEPT (grain, basis)"
    query = f"SELECT {columns} FROM {view} WHERE grain = '{grain}' AND basis = 'purchase' ORDER BY ALL"
    return list(sample.client.query(query).result_rows)


@pytest.mark.parametrize(("grain", "n_periods"), [("month", 18), ("quarter", 6)])
def test_retention_of_every_period(sample: Sample, grain: str, n_periods: int) -> None:
    want = expected.retention_periods(sample.events, sample.as_of, grain, "purchase", held_days=90)
    assert len(want) == n_periods
    assert rows(sample, "v_retention_period", grain) == want


@pytest.mark.parametrize(("grain", "n_rows"), [("month", 18 + 17 + 16), ("quarter", 6)])
def test_every_cohort(sample: Sample, grain: str, n_rows: int) -> None:
    want = expected.cohorts(sample.events, sample.as_of, grain, "purchase")
    assert len(want) == n_rows, "all customers of the sample bought first in the first quarter of 1997"
    assert rows(sample, "v_retention_cohort", grain) == want
