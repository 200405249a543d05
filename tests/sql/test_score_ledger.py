"""v_score_ledger explains the points of every day and the score."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerDailyRow
from streams.core.score import DEFAULT_RULES
from tests.sql.lives import NEWEST, live
from tests.sql.scenario import OTHER, WEIGHT_AND_CAP, Event, counts_by, insert, insert_rows, points_of
from tests.sql.test_views_against_plain_python import keyed


def expected_ledger(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    counts = counts_by(events, lambda event: (event.customer_id, event.at.date(), event.channel))
    return {
        (*key, type_): (n, WEIGHT_AND_CAP.get(type_, OTHER)[0], points_of(type_, n))
        for key, types in counts.items()
        for type_, n in types.items()
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_is_that_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    assert keyed(client, "SELECT * FROM v_score_ledger", 4) == expected_ledger(truth)


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_of_30_days_sums_to_the_score(client: Client, seed: int) -> None:
    live(client, seed)
    raw: dict[str, float] = defaultdict(float)
    for customer, day, *_, earned in client.query("SELECT * FROM v_score_ledger").result_rows:
        if (NEWEST.date() - day).days < 30:
            raw[customer] += earned
    scores = dict(client.query("SELECT customer_id, score FROM v_customer_360").result_rows)
    assert scores == {customer: round(100 * (1 - 2 ** (-raw[customer] / 50)), 1) for customer in scores}


def test_the_ledger_sums_to_the_points_of_the_row(client: Client) -> None:
    rng = random.Random(4)
    types = [*DEFAULT_RULES.weights, "wish_made", "order_refunded"]
    for number in range(200):
        counts = {type_: rng.randrange(1, 30) for type_ in rng.sample(types, rng.randrange(1, 6))}
        row = (f"c-{number}", NEWEST.date(), "website", 40, counts, 0, 0, 0, 0, 1)
        insert(client, CustomerDailyRow, [row])
    differing = client.query(
        """
        SELECT customer_id FROM customer_daily FINAL
        INNER JOIN
        (SELECT customer_id, sum(points) AS explained FROM v_score_ledger GROUP BY customer_id) AS ledger
        USING (customer_id)
        WHERE points != explained
        """
    ).result_rows
    assert differing == []
    assert client.query("SELECT uniqExact(customer_id) FROM v_score_ledger").result_rows == [(200,)]


def test_a_day_that_was_emptied_leaves_no_line(client: Client) -> None:
    insert_rows(client, [Event("e1", "anon:a", "page_viewed", NEWEST)], n_applied=1)
    assert client.query("SELECT type, count, weight, points FROM v_score_ledger").result_rows == [
        ("page_viewed", 1, 1.0, 1.0)
    ]
    insert(client, CustomerDailyRow, [("anon:a", NEWEST.date(), "website", 0, {}, 0, 0, 0, 0, 2)])
    assert client.query("SELECT * FROM v_score_ledger").result_rows == []
