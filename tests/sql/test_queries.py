"""sql/queries: each question is answered for who reads views only, and rightly for a case made by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from tests.ops.audited import insert_transitions
from tests.sql.half_a_year import fill
from tests.sql.question_files import DIRECTORY, QUESTIONS, Question, statement
from tests.sql.scenario import Event, at, empty, insert_facts, insert_rows, order

NOW = at("2026-06-15 12:00:00")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(scope="module")
def reader(migrated: Settings) -> Iterator[Client]:
    client = connect(migrated.model_copy(update={"clickhouse_user": "bi_reader"}))
    yield client
    client.close()


def answer(reader: Client, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of the answer, all rows in its order."""
    rows = reader.query(QUESTIONS[name].sql).named_results()
    return [tuple(row[column] for column in columns) for row in rows]


def written(client: Client, *events: Event, as_of: Any = NOW) -> None:
    """Events of customers, their rows, and an event of somebody else that says what time it is."""
    everything = [*events, Event("now", "anon:clock", "page_viewed", as_of)]
    insert_facts(client, everything)
    insert_rows(client, everything)
    insert_transitions(client, everything, as_of)


def orders(customer: str, *times: Any, minor: int = 100, currency: str = "EUR") -> list[Event]:
    return [
        order(f"{customer}-{n}", customer, time, minor, currency=currency) for n, time in enumerate(times)
    ]


def days_ago(days: float) -> Any:
    return NOW - days * DAY


def set_goal(client: Client, goal_id: str, target: float, start: str, due: str) -> None:
    client.command(
        "INSERT INTO goals (goal_id, metric, segment, baseline, target, start_date, due_date)"
        f" VALUES ('{goal_id}', 'mau', 'all', 0, {target}, '{start}', '{due}')"
    )


# -- all of them -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(session_client: Client, reader: Client) -> Client:
    fill(empty(session_client))
    return reader


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_reader_gets_an_answer_that_bi_tools_can_show(filled: Client, name: str) -> None:
    """Plain columns, each with a name of its own, and the same when a tool puts a SELECT around them."""
    found = filled.query(QUESTIONS[name].sql)
    within = filled.query(f"SELECT * FROM (\n{QUESTIONS[name].sql}\n) AS q LIMIT 1000")

    assert found.result_rows
    assert all(re.fullmatch(r"[a-z]\w*", column) for column in found.column_names)
    assert all(re.match(r"String|U?Int|Float64|Date", t.base_type) for t in found.column_types)
    assert within.result_rows == found.result_rows


@pytest.mark.parametrize("name", QUESTIONS)
def test_tools_that_make_joins_nullable_get_the_same_answer(filled: Client, name: str) -> None:
    nullable = filled.query(QUESTIONS[name].sql, settings={"join_use_nulls": 1})

    assert nullable.result_rows == filled.query(QUESTIONS[name].sql).result_rows


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda question: question.name)
def test_the_header_names_the_views_that_are_read(question: Question) -> None:
    read = re.findall(r"(?:FROM|JOIN)\s+(v_\w+)", statement(question))

    assert set(question.views) == set(read)
    assert "{" not in statement(question), "no parameters"
    assert ";" not in statement(question)


def test_the_index_lists_every_question() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\.sql\]\((\w+)\.sql\) \| (.+) \| (.+) \|$", (DIRECTORY / "README.md").read_text(), re.M
    )

    listed = {name: (en, de) for name, link, en, de in rows if name == link}
    assert listed == {name: (question.en, question.de) for name, question in QUESTIONS.items()}


# -- one by one --------------------------------------------------------------------------------------


def test_those_worth_a_call_are_late_and_good_and_the_engaged_come_first(
    client: Client, reader: Client
) -> None:
    looks = [Event(f"look-{n}", "gone-but-looking", "product_viewed", days_ago(n)) for n in range(13)]
    written(
        client,
        *orders("good-but-late", days_ago(50), minor=9_000),
        *orders("small-and-late", days_ago(50), minor=10),
        *orders("good-but-gone", days_ago(200), minor=7_000),
        *orders("gone-but-looking", days_ago(200), minor=9_500),
        *orders("fine", days_ago(5), minor=7_500),
        *orders("late-in-a-small-market", days_ago(50), minor=1, currency="JPY"),
        *looks,
    )
    assert answer(reader, "worth_a_call", "customer_id", "churn_status", "m") == [
        ("gone-but-looking", "churned", 5),
        ("good-but-late", "at_risk", 4),
        ("late-in-a-small-market", "at_risk", None),
    ]


def test_retention_of_months_that_have_ended_with_the_change(client: Client, reader: Client) -> None:
    written(
        client,
        *orders("c-1", at("2026-01-10 00:00:00")),
        *orders("c-2", at("2026-01-20 00:00:00"), at("2026-04-15 00:00:00")),
        *orders("c-3", at("2026-02-05 00:00:00")),
        *orders("c-4", *(at(f"2026-0{month}-05 00:00:00") for month in range(1, 7))),
    )
    columns = ("month_start", "retention_pct", "change_points", "strict_pct")
    assert answer(reader, "retention_by_month", *columns) == [
        (date(2026, 1, 1), None, None, None),
        (date(2026, 2, 1), 100.0, None, 100.0),
        (date(2026, 3, 1), 100.0, 0.0, 100.0),
        (date(2026, 4, 1), 75.0, -25.0, 75.0),
        (date(2026, 5, 1), 66.7, -8.3, 66.7),
    ]


def test_cohorts_of_three_full_months_are_compared_the_best_first(client: Client, reader: Client) -> None:
    written(
        client,
        *orders("returns", *(at(f"2026-0{month}-05 00:00:00") for month in range(1, 5))),
        *orders("never-again", at("2026-01-20 00:00:00")),
        *orders("neither", at("2026-02-20 00:00:00")),
        *orders("too-young", at("2026-03-20 00:00:00"), at("2026-04-20 00:00:00")),
    )
    columns = (
        "cohort_start",
        "customers",
        "month_1_pct",
        "month_12_pct",
        "first_3_months_pct",
        "vs_others_points",
    )
    assert answer(reader, "cohorts_that_hold", *columns) == [
        (date(2026, 1, 1), 2, 50.0, None, 50.0, 16.7),
        (date(2026, 2, 1), 1, 0.0, None, 0.0, -33.3),
    ]


def test_hot_leads_are_here_have_not_ordered_and_say_why(client: Client, reader: Client) -> None:
    form = {"form_id": "offer"}
    written(
        client,
        Event("e1", "anon:hot", "form_submitted", NOW - 2 * MINUTE, properties=form),
        Event("e2", "anon:hot", "product_added", NOW - MINUTE),
        Event("e3", "anon:hot", "product_added", NOW - DAY),
        Event("e4", "warm", "conversation_started", NOW - MINUTE, "chat"),
        Event("e5", "cold", "search_performed", NOW - MINUTE),
        Event("e6", "gone", "form_submitted", NOW - 6 * MINUTE, properties=form),
        Event("e7", "buyer", "form_submitted", NOW - MINUTE, properties=form),
        *orders("buyer", NOW - DAY),
    )
    assert answer(reader, "hot_leads_now", "customer_id", "lead_score", "why", "channel") == [
        ("anon:hot", 31, "Product put into the cart 16, Form submitted 15", "website"),
        ("warm", 10, "Chat started 10", "chat"),
    ]


def test_chat_before_orders_by_month(client: Client, reader: Client) -> None:
    ordered_at = at("2026-05-10 11:00:00")
    written(
        client,
        Event("chat", "c-1", "conversation_started", ordered_at - HOUR, "chat"),
        *orders("c-1", ordered_at),
        *orders("c-2", ordered_at),
        *orders("c-3", at("2026-06-10 11:00:00")),
    )
    columns = ("month_start", "orders", "chat_assisted_pct", "chat_to_purchase", "median_minutes")
    assert answer(reader, "chat_and_sales", *columns) == [
        (date(2026, 5, 1), 2, 50.0, 1, 60.0),
        (date(2026, 6, 1), 1, 0.0, 0, None),
    ]


def nps(customer: str, score: int, days: float) -> Event:
    said = {"survey": "nps", "score": score}
    return Event(f"{customer}-{days}", customer, "survey_answered", days_ago(days), properties=said)


def test_detractors_who_buy_are_those_whose_latest_answer_is_bad_and_who_have_ordered_since(
    client: Client, reader: Client
) -> None:
    written(
        client,
        nps("unhappy", 3, 20),
        *orders("unhappy", days_ago(30), days_ago(10), days_ago(5)),
        nps("gone", 0, 20),
        *orders("gone", days_ago(21)),
        nps("happy", 9, 20),
        *orders("happy", days_ago(5)),
        nps("mended", 2, 40),
        nps("mended", 10, 20),
        *orders("mended", days_ago(5)),
        nps("long-ago", 1, 400),
        *orders("long-ago", days_ago(5)),
    )
    columns = ("customer_id", "score", "orders_since", "quarter_nps", "quarter_n")
    assert answer(reader, "detractors_who_buy", *columns) == [("unhappy", 3, 2, 0.0, 4)]


def test_the_best_customers_are_those_of_the_good_segments(client: Client, reader: Client) -> None:
    """One of five is first in everything; the first but one by revenue was so long ago."""
    written(
        client,
        *orders("best", days_ago(3), days_ago(2), days_ago(1), minor=9_000),
        *orders("was-good", days_ago(202), days_ago(201), minor=5_000),
        *orders("recent", days_ago(4), minor=10),
        *orders("middling", days_ago(50), minor=20),
        *orders("passing", days_ago(100), minor=15),
    )
    columns = ("customer_id", "segment", "rfm", "orders", "revenue_minor", "churn_status")
    assert answer(reader, "best_customers", *columns) == [
        ("best", "champions", 15, 3, 27_000, "active"),
        ("was-good", "cannot_lose", 9, 2, 10_000, "churned"),
    ]


def test_second_purchases_are_counted_when_all_had_their_days(client: Client, reader: Client) -> None:
    start = at("2026-02-10 12:00:00")
    written(
        client,
        *orders("after-10", start, start + 10 * DAY, start + 11 * DAY),
        *orders("after-31", start, start + 31 * DAY),
        *orders("after-45", start, start + 45 * DAY),
        *orders("never", start),
        *orders("anon:visitor", start),
        *orders("young", at("2026-04-03 00:00:00"), at("2026-04-05 00:00:00")),
    )
    columns = ("month_start", "first_buyers", "again_30d_pct", "again_60d_pct", "again_90d_pct")
    assert answer(reader, "second_purchase", *columns) == [
        (date(2026, 2, 1), 4, 25.0, 75.0, 75.0),
        (date(2026, 4, 1), 1, 100.0, None, None),
    ]


def test_goals_that_need_work_come_first(client: Client, reader: Client) -> None:
    written(client, Event("e1", "c-1", "page_viewed", NOW), Event("e2", "c-2", "page_viewed", NOW))
    set_goal(client, "done", 2, "2026-01-01", "2026-07-01")
    set_goal(client, "late", 1, "2026-01-01", "2026-02-01")
    set_goal(client, "far", 100, "2026-06-05", "2026-06-25")

    columns = ("goal_id", "status", "current_value", "progress_pct", "time_pct", "days_left")
    assert answer(reader, "goals", *columns) == [
        ("far", "behind", 2.0, 2.0, 50.0, 10),
        ("late", "met", 2.0, 200.0, 100.0, -134),
        ("done", "met", 2.0, 100.0, 91.0, 16),
    ]


def test_what_brought_somebody_back_is_what_they_did_last_in_the_week_before(
    client: Client, reader: Client
) -> None:
    back = days_ago(3)
    topic = {"conversation_id": "k", "topic": "prices"}
    written(
        client,
        *orders("by-chat", days_ago(203), back),
        Event("e1", "by-chat", "page_viewed", back - HOUR, properties={"url": "/"}),
        Event("e2", "by-chat", "conversation_started", back - 30 * MINUTE, "chat", properties=topic),
        Event("e3", "by-chat", "page_viewed", back + MINUTE, properties={"url": "/thanks"}),
        *orders("by-itself", days_ago(204), back - HOUR),
        Event("e4", "by-itself", "page_viewed", back - 8 * DAY, properties={"url": "/"}),
        *orders("faithful", days_ago(23), days_ago(3)),
    )
    columns = ("customer_id", "days_gone", "touch_channel", "last_touch", "minutes_before_order")
    assert answer(reader, "won_back", *columns) == [
        ("by-chat", 110, "chat", "conversation started: prices", 30),
        ("by-itself", 111, "", "", None),
    ]


def test_the_first_channel_is_that_of_the_first_event_of_newcomers(client: Client, reader: Client) -> None:
    written(
        client,
        Event("e1", "browser", "page_viewed", days_ago(10)),
        *orders("browser", days_ago(9)),
        Event("e2", "anon:visitor", "page_viewed", days_ago(5)),
        Event("e3", "asker", "conversation_started", days_ago(5), "chat"),
        Event("e4", "asker", "page_viewed", days_ago(4)),
        Event("e5", "regular", "conversation_started", days_ago(100), "chat"),
        Event("e6", "regular", "page_viewed", days_ago(1)),
    )
    columns = ("first_channel", "customers", "share_pct", "buyers", "buyers_pct")
    assert answer(reader, "first_channel", *columns) == [
        ("website", 3, 75.0, 1, 33.3),  # With the one that says what time it is.
        ("chat", 1, 25.0, 0, 0.0),
    ]
