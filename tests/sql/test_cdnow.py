"""The published answer key of the CDNOW sample, from events to v_purchase_summary_at."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.scenario import UTC, insert_facts, order

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cdnow"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"CDNOW data is not in {DATA}")


def test_the_purchase_summary_equals_the_published_key_for_every_customer(client: Client) -> None:
    lines = (DATA / "CDNOW_sample.txt").read_text().splitlines()
    events = []
    for number, line in enumerate(lines, start=1):
        _, customer, day, _, dollars = line.split()
        time = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        events.append(order(f"cdnow-{number}", customer, time, round(float(dollars) * 100), currency="USD"))
    insert_facts(client, events)
    rows = client.query("SELECT * FROM v_purchase_summary_at(cutoff = '1997-09-30')").result_rows
    actual = {int(customer): tuple(row) for customer, *row in rows}
    with (DATA / "cdnow_customers_summary_with_transactions.csv").open() as file:
        key = {int(r["ID"]): (r["x"], r["t_x"], r["T"], r["zbar"]) for r in csv.DictReader(file)}
    assert len(key) == 2_357
    # The key is rounded to two decimals; half a cent may go either way.
    assert actual == {
        customer: pytest.approx(tuple(map(float, row)), abs=0.0051) for customer, row in key.items()
    }
