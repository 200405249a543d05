"""v_nps and v_csat, against the same numbers in plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.devices import identify, write
from tests.sql.lives import live
from tests.sql.scenario import Event, at, insert_facts
from tests.sql.test_views_against_plain_python import keyed

APRIL = at("2026-04-10 12:00:00")
MINUTE = timedelta(minutes=1)


def answer(event_id: str, customer_id: str, score: int, **other: Any) -> Event:
    """An NPS answer of April 2026, unless told otherwise."""
    properties = {"survey": other.pop("survey", "nps"), "score": score, **other.pop("asked", {})}
    return Event(event_id, customer_id, "survey_answered", other.pop("time", APRIL), properties=properties)


def expected_nps(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    latest = {}
    for event in sorted(events, key=lambda event: (event.at, event.event_id)):
        if event.properties.get("survey") == "nps":
            quarter = date(event.at.year, (event.at.month - 1) // 3 * 3 + 1, 1)
            latest[quarter, event.customer_id] = event.properties["score"]
    by_quarter = defaultdict(list)
    for (quarter, _), score in latest.items():
        by_quarter[quarter].append(score)
    return {(quarter,): _nps(scores) for quarter, scores in by_quarter.items()}


def _nps(scores: list[int]) -> tuple[Any, ...]:
    n = len(scores)
    promoters, detractors = sum(s in (9, 10) for s in scores), sum(s <= 6 for s in scores)
    nps = 100 * promoters / n - 100 * detractors / n
    return n, promoters, n - promoters - detractors, detractors, pytest.approx(nps)


def expected_csat(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    groups = defaultdict(list)
    for event in events:
        if event.properties.get("survey") == "csat":
            month, touchpoint = event.at.date().replace(day=1), event.properties.get("touchpoint", "")
            groups[month, touchpoint].append(event.properties["score"] >= 4)
    return {key: (len(good), pytest.approx(100 * sum(good) / len(good))) for key, good in groups.items()}


@pytest.mark.parametrize("seed", range(5))
def test_satisfaction_is_that_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    nps, csat = expected_nps(truth), expected_csat(truth)
    assert len(nps) > 1
    assert keyed(client, "SELECT * FROM v_nps", 1) == nps
    assert len(csat) > 3
    assert keyed(client, "SELECT * FROM v_csat", 2) == csat


@pytest.mark.parametrize("seed", range(5))
def test_every_answer_is_shown_with_its_customer(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    answers = {(e.customer_id, e.at, e.event_id): e.properties for e in truth if "survey" in e.properties}
    told = sorted(
        (customer, time.replace(tzinfo=None), said["survey"], said["score"], said.get("touchpoint", ""))
        for (customer, time, _), said in answers.items()
    )
    assert sorted(client.query("SELECT * FROM v_survey_answers").result_rows) == told


def test_a_customers_latest_answer_of_the_quarter_counts(client: Client) -> None:
    insert_facts(
        client,
        [
            answer("a2", "c-1", 10, time=APRIL + MINUTE),
            answer("a1", "c-1", 0),
            answer("a3", "c-1", 0, time=at("2026-03-31 23:59:59.999")),
            answer("a4", "c-2", 7),
            answer("a5", "c-3", 6),
        ],
    )
    assert keyed(client, "SELECT * FROM v_nps", 1) == {
        (date(2026, 1, 1),): (1, 0, 0, 1, -100.0),
        (date(2026, 4, 1),): (3, 1, 1, 1, 0.0),
    }


def test_of_two_answers_of_one_instant_the_larger_event_id_is_the_latest(client: Client) -> None:
    insert_facts(client, [answer("b", "c-1", 9), answer("a", "c-1", 0)])
    assert client.query("SELECT n, nps FROM v_nps").result_rows == [(1, 100.0)]


def test_an_answer_sent_under_both_ids_counts_once(client: Client) -> None:
    asked = answer("a1", "anon:a", 4, survey="csat")
    events = [asked, identify("i1", "c-1", "anon:a", APRIL + MINUTE)]
    write(client, events)
    insert_facts(client, [answer("a1", "c-1", 4, survey="csat")])
    assert keyed(client, "SELECT * FROM v_csat", 2) == {(date(2026, 4, 1), ""): (1, 100.0)}


def test_a_visitor_whom_nobody_knows_counts_as_one_customer(client: Client) -> None:
    insert_facts(client, [answer("a1", "anon:a", 9), answer("a2", "c-1", 8)])
    assert client.query("SELECT n, promoters, passives FROM v_nps").result_rows == [(2, 1, 1)]


def test_without_answers_there_is_no_row(client: Client) -> None:
    assert client.query("SELECT * FROM v_nps").result_rows == []
    assert client.query("SELECT * FROM v_csat").result_rows == []
