"""`engage verify` finds what is wrong, each kind of it, and nothing where all is right."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate, sql_directory
from streams.ops.verify import Audit, Report
from streams.ops.verify.checks import load_checks
from streams.ops.verify.session import open_session
from streams.rules.daily_points import points_column
from streams.rules.dependents import LEAD_EVENTS
from streams.rules.model import DEFAULT_RULES
from tests.ops.audited import ASLEEP, KNOWN, PROSPECT, all_events, fill, insert_transitions
from tests.sql.scenario import Event, at, insert_facts, insert_rows, order
from tests.sql.test_view_contract import VIEWS

pytestmark = pytest.mark.slow

#: Views without a number that facts determine, or that show facts as they are.
NOT_AUDITED = {
    "v_clock",
    "v_events",
    "v_freshness",
    # Repeats numbers of other views.
    "v_goals",
    # Holds for five minutes and moves by the millisecond.
    "v_live_visitors",
    "v_purchase_summary_at",
    "v_rejected_events",
    "v_stream_lag",
}


@pytest.fixture(scope="module")
def settings(clickhouse_front: str) -> Settings:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/verify_tests", clock=Clock.EVENT)
    migrate(settings)
    return settings


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    client = connect(settings)
    fill(client)
    yield client
    client.close()


@contextmanager
def auditing(settings: Settings, *pauses_seconds: float) -> Iterator[Audit]:
    with open_session(settings) as session:
        yield Audit(session, dedupe_horizon_days=7, pauses_seconds=pauses_seconds)


def audited(settings: Settings) -> Report:
    """Nobody writes, so the looks may follow each other at once."""
    with auditing(settings, 0, 0) as audit:
        return audit.everyone()


# -- all is right ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("client")
def test_right_numbers_agree_in_every_view(settings: Settings) -> None:
    report = audited(settings)

    assert (report.disagreements, report.unsettled) == ([], [])
    assert set(report.numbers) == {view.partition("(")[0] for view in VIEWS} - NOT_AUDITED
    assert all(report.numbers.values()), "a check that compares nothing proves nothing"


def test_every_number_of_a_view_is_compared(settings: Settings, client: Client) -> None:
    compared = audited(settings).numbers
    for check in load_checks(sql_directory()):
        ((rows,),) = client.query(f"SELECT count() FROM {check.view}").result_rows
        columns = len(VIEWS[check.view].split(", ")) - len(check.key)
        assert (check.view, compared[check.view]) == (check.view, rows * columns)


@pytest.mark.usefixtures("client")
def test_a_few_customers_are_audited_without_the_facts_of_the_others(settings: Settings) -> None:
    with auditing(settings, 0, 0) as audit:
        report = audit.some([KNOWN])
    assert (report.customers, report.disagreements) == (1, [])
    assert report.numbers["v_orders"] == 2 * 6
    assert "v_retention_period" not in report.numbers


@pytest.mark.usefixtures("client")
def test_a_sample_covers_what_is_about_all_customers(settings: Settings) -> None:
    with auditing(settings, 0, 0) as audit:
        report = audit.sample(3)
    assert (report.customers, report.disagreements) == (3, [])
    assert report.numbers["v_customer_360"] == 3 * (len(VIEWS["v_customer_360"].split(", ")) - 1)
    assert report.numbers["v_retention_period"] > 1_000


# -- something is wrong ------------------------------------------------------------------------------


class Corruption(NamedTuple):
    """What is done to which tables, and a number that must be found wrong: view, column."""

    tables: tuple[str, ...]
    statement: str
    finds: tuple[tuple[str, str], ...]


TODAY = "(SELECT toDate(as_of) FROM v_clock)"
DAY = f"WHERE customer_id = '{KNOWN}' AND day = {TODAY} AND channel = 'website'"
POINTS = points_column(DEFAULT_RULES)
LEADS = LEAD_EVENTS.table(DEFAULT_RULES)
CORRUPTIONS = {
    "the events of a day are off by one": Corruption(
        ("customer_daily",),
        f"ALTER TABLE customer_daily UPDATE events = events + 1 {DAY}",
        (("v_customer_windows", "events"), ("v_customer_360", "events_7d")),
    ),
    "a type's count of a day is off by one": Corruption(
        ("customer_daily",),
        "INSERT INTO customer_daily"
        " (customer_id, day, channel, events, counts, orders, conversations, messages, epoch, n_applied)"
        " SELECT customer_id, day, channel, events, mapApply((k, v) -> (k, v + 1), counts), orders,"
        f" conversations, messages, epoch, n_applied + 1 FROM customer_daily FINAL {DAY}",
        (("v_score_ledger", "count"),),
    ),
    "a day row is missing": Corruption(
        ("customer_daily",),
        f"ALTER TABLE customer_daily DELETE WHERE customer_id = '{KNOWN}' AND day < {TODAY}",
        (("v_score_ledger", "rows"), ("v_lifecycle", "active"), ("v_retention_cohort", "size")),
    ),
    "a purchase day is none": Corruption(
        ("customer_daily",),
        f"ALTER TABLE customer_daily UPDATE orders = 0 WHERE customer_id = '{KNOWN}'",
        (("v_retention_period", "customers_end"), ("v_customer_windows", "orders")),
    ),
    "points are wrong": Corruption(
        ("customer_daily",),
        f"ALTER TABLE customer_daily UPDATE {POINTS} = {POINTS} + 40 {DAY}",
        (("v_customer_360", "score"), ("v_customer_windows", "points")),
    ),
    "a day row of a customer without facts": Corruption(
        ("customer_daily",),
        "INSERT INTO customer_daily (customer_id, day, channel, events, counts)"
        f" SELECT 'nobody', {TODAY}, 'chat', 1, map('page_viewed', 1)",
        (("v_customer_windows", "rows"), ("v_active_days", "customers"), ("v_stickiness", "dau")),
    ),
    "an order's fact did not reach order_events": Corruption(
        ("order_events",),
        f"ALTER TABLE order_events DELETE WHERE customer_id = '{KNOWN}' AND order_id = 'k5'",
        (
            ("v_orders", "rows"),
            ("v_customer_revenue", "rows"),
            ("v_customer_value", "orders"),
            ("v_purchase_summary", "x"),
            ("v_rfm", "frequency"),
            ("v_repeat_purchase", "repeat_buyers"),
        ),
    ),
    "a refund has another amount": Corruption(
        ("order_events",),
        "ALTER TABLE order_events UPDATE amount_minor = 999 WHERE event_id = 'k6'",
        (("v_orders", "net_minor"), ("v_customer_360", "revenue_minor_total")),
    ),
    "a state total is too high": Corruption(
        ("customer_state",),
        f"ALTER TABLE customer_state UPDATE events_total = events_total + 1 WHERE customer_id = '{KNOWN}'",
        (("v_customer_360", "events_total"),),
    ),
    "a customer is taken for a visitor who has moved": Corruption(
        ("customer_state",),
        f"ALTER TABLE customer_state UPDATE is_moved = 1 WHERE customer_id = '{KNOWN}'",
        (("v_customer_360", "rows"),),
    ),
    "a customer's last order is too new": Corruption(
        ("customer_state",),
        "ALTER TABLE customer_state UPDATE last_purchase_at = last_purchase_at + toIntervalDay(60)"
        f" WHERE customer_id = '{ASLEEP}'",
        (("v_at_risk", "rows"), ("v_customer_360", "churn_status"), ("v_customer_360", "overdue_ratio")),
    ),
    "a change of status was not told": Corruption(
        ("customer_transitions",),
        f"ALTER TABLE customer_transitions DELETE WHERE customer_id = '{ASLEEP}' AND to_status = 'at_risk'",
        (("v_transitions", "rows"),),
    ),
    "a change of status was taken back": Corruption(
        ("customer_transitions",),
        "INSERT INTO customer_transitions SELECT * REPLACE (1 AS is_retracted, version + 1 AS version)"
        f" FROM customer_transitions FINAL WHERE customer_id = '{ASLEEP}'",
        (("v_transitions", "rows"),),
    ),
    "a five-minute row is of another hour": Corruption(
        ("customer_5m",),
        "INSERT INTO customer_5m SELECT * REPLACE (bucket_at - 7200 AS bucket_at) FROM customer_5m FINAL"
        f" WHERE customer_id = '{KNOWN}' AND channel = 'purchase'",
        (("v_customer_windows", "events"),),
    ),
    "a link begins too late": Corruption(
        ("identity_links", "customer_links"),
        "ALTER TABLE customer_links UPDATE starts = (claimed_at, event_id) WHERE anonymous_id = 'anon:d1'",
        (("v_orders", "rows"), ("v_sessions", "started_at"), ("v_customer_360", "orders_total")),
    ),
    "a link is missing": Corruption(
        ("identity_links", "customer_links"),
        "ALTER TABLE identity_links UPDATE is_void = 1 WHERE anonymous_id = 'anon:d1'",
        (("v_sessions", "rows"), ("v_chat_assisted", "orders")),
    ),
    "an answer is missing": Corruption(
        ("survey_answers",),
        "ALTER TABLE survey_answers DELETE WHERE event_id IN ('k7', 'k8')",
        (("v_survey_answers", "rows"), ("v_nps", "n"), ("v_csat", "n")),
    ),
    "a referral is missing": Corruption(
        ("referral_events",),
        "ALTER TABLE referral_events DELETE WHERE event_id = 'k10'",
        (("v_referrals", "referrals_converted"),),
    ),
    "a session has an event too many": Corruption(
        ("sessions",),
        "INSERT INTO sessions SELECT customer_id, session_id, started_at, ended_at,"
        " arrayReduce('uniqExactState', [toUInt64(7)]), channels FROM sessions"
        f" WHERE customer_id = '{KNOWN}'",
        (("v_sessions", "events"),),
    ),
    "a lead event is missing": Corruption(
        (LEADS,),
        f"ALTER TABLE {LEADS} DELETE WHERE customer_id = '{PROSPECT}'",
        (("v_lead_ledger", "rows"), ("v_customer_360", "lead_score")),
    ),
    "an engagement moment is missing": Corruption(
        ("engagement_moments",),
        "ALTER TABLE engagement_moments DELETE WHERE event_id = 'k4'",
        (("v_channel_handover", "handovers"), ("v_chat_assisted", "chat_assisted_orders")),
    ),
    "traffic lacks a bucket": Corruption(
        ("activity_5m",),
        "ALTER TABLE activity_5m DELETE WHERE type = 'referral_converted' AND bucket_at >= "
        f"{TODAY} - toIntervalDay(1)",
        (("v_activity_5m", "rows"),),
    ),
}


@contextmanager
def corrupted(client: Client, corruption: Corruption) -> Iterator[None]:
    """The statement's effect, until the block ends."""
    for table in corruption.tables:
        client.command(f"CREATE TABLE {table}_kept AS {table}")
        client.command(f"INSERT INTO {table}_kept SELECT * FROM {table}")
    client.command(corruption.statement, settings={"mutations_sync": 2})
    try:
        yield
    finally:
        for table in corruption.tables:
            client.command(f"TRUNCATE TABLE {table}")
        for table in corruption.tables:
            client.command(f"INSERT INTO {table} SELECT * FROM {table}_kept")
            client.command(f"DROP TABLE {table}_kept")


@contextmanager
def without_merges(client: Client, table: str) -> Iterator[None]:
    """A merge leaves one of several copies of a row."""
    client.command(f"SYSTEM STOP MERGES {table}")
    try:
        yield
    finally:
        client.command(f"SYSTEM START MERGES {table}")


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(settings: Settings, client: Client, name: str) -> None:
    corruption = CORRUPTIONS[name]
    with corrupted(client, corruption):
        report = audited(settings)
        assert set(corruption.finds) <= {(found.view, found.column) for found in report.disagreements}
        assert all(found.cause == "" for found in report.disagreements)


@pytest.mark.usefixtures("client")
def test_once_undone_no_corruption_is_found(settings: Settings) -> None:
    assert audited(settings).disagreements == []


def test_every_check_has_found_a_corruption() -> None:
    proven = {view for corruption in CORRUPTIONS.values() for view, _ in corruption.finds}
    assert proven == {check.view for check in load_checks(sql_directory())}


def test_a_duplicate_beyond_the_horizon_is_said_to_be_one(settings: Settings, client: Client) -> None:
    """State has forgotten the id and counts the event again, of which the facts hold one."""
    again = [event for event in all_events() if event.event_id == "k9"]
    counted_twice = Corruption(
        ("events", "customer_state"),
        f"ALTER TABLE customer_state UPDATE events_total = events_total + 1 WHERE customer_id = '{KNOWN}'",
        (),
    )
    with corrupted(client, counted_twice), without_merges(client, "events"):
        insert_facts(client, again, appended_at=at("2026-06-20 00:00:00"))
        (found,) = audited(settings).disagreements
    assert (found.view, found.column) == ("v_customer_360", "events_total")
    assert found.published == found.recomputed + 1
    assert found.cause == "event k9 came again 19 days later, beyond the dedupe horizon"


# -- while the stream runs ---------------------------------------------------------------------------


class Writer(threading.Thread):
    """Writes events all the time: facts, and some moments later the rows of their customers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._ends = threading.Event()
        self.batches = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        client = connect(self._settings)
        events: list[Event] = []
        try:
            while not self._ends.is_set():
                new = list(self._batch(self.batches))
                events += new
                insert_facts(client, new, appended_at=datetime.now(tz=new[0].at.tzinfo))
                touched = {event.customer_id for event in new}
                theirs = [event for event in events if event.customer_id in touched]
                insert_rows(client, theirs, n_applied=self.batches + 2)
                insert_transitions(client, theirs, new[0].at, n_applied=self.batches + 2)
                self.batches += 1
        except BaseException as error:
            self.failure = error
            raise
        finally:
            client.close()

    def _batch(self, number: int) -> Iterator[Event]:
        time = at("2026-03-29 10:07:01") + timedelta(seconds=number)
        for n in range(3):
            customer = f"w-{(number + n) % 30}"
            yield Event(f"w{number}-{n}", customer, "page_viewed", time, "website", f"s-{customer}")
        yield replace(order(f"w{number}-o", f"w-{number % 7}", time, 100 + number), channel="purchase")

    def end(self) -> None:
        self._ends.set()
        self.join()
        assert self.failure is None


@pytest.fixture
def writer(settings: Settings, client: Client) -> Iterator[Writer]:
    writer = Writer(settings)
    writer.start()
    yield writer
    if writer.is_alive():
        writer.end()


def test_nothing_disagrees_while_somebody_writes(settings: Settings, writer: Writer) -> None:
    with auditing(settings, 0.5, 1.0, 1.5, 2.0) as audit:
        report = audit.everyone()
        assert report.disagreements == []
        assert writer.batches > 0
        writer.end()
        settled = audit.everyone()
    assert (settled.disagreements, settled.unsettled) == ([], [])
    assert sum(settled.numbers.values()) >= sum(report.numbers.values())
