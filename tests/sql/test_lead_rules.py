"""Which events fulfil which rules, and what that adds up to: the SQL made from rules against plain Python."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate, sql_directory, view_statements
from streams.rules.dependents import LEAD_EVENTS
from streams.rules.lead_sql import lead_select
from streams.rules.model import Criterion, LeadRule, Rules
from tests.sql.devices import claims_of, identify, insert_links, insert_rows_before_and_after, resolved
from tests.sql.expected_leads import Line, holds, lead_scores, ledger
from tests.sql.lead_strategies import NOON, TYPES, histories, lead_rules, properties
from tests.sql.scenario import Event, at, empty, insert_facts, order, refund
from tests.sql.test_views_against_plain_python import utc

# The database is emptied at the start of each example.
EXAMPLES = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.fixture(scope="module")
def leads(clickhouse_front: str) -> Iterator[Client]:
    """A client of a database in which rules may be changed."""
    own = Settings(clickhouse_url=f"{clickhouse_front}/lead_rules", clock=Clock.EVENT)
    migrate(own)
    client = connect(own)
    yield client
    client.close()


def put_in_force(client: Client, *rules: LeadRule) -> None:
    """What `engage restate` does, as far as lead scores are concerned."""
    in_force = Rules(lead=rules)
    LEAD_EVENTS.prepare(client, in_force)
    LEAD_EVENTS.fill(client, in_force, lambda done, total: None)
    views = view_statements(sql_directory(), Clock.EVENT, in_force)
    for view in ("v_lead_ledger", "v_customer_360", "v_live_visitors"):
        client.command(views[view])
    LEAD_EVENTS.tidy(client, in_force)


def shown_ledger(client: Client) -> Counter[Line]:
    rows = client.query("SELECT customer_id, rule, occurred_at, points FROM v_lead_ledger").result_rows
    return Counter(Line(*map(utc, row)) for row in rows)


def shown_scores(client: Client) -> dict[str, int | None]:
    return dict(client.query("SELECT customer_id, lead_score FROM v_customer_360").result_rows)


def deliver(client: Client, events: list[Event], rng: random.Random) -> None:
    """In any order, in several inserts, some of them twice."""
    sent = events + rng.choices(events, k=3)
    rng.shuffle(sent)
    cut = rng.randrange(len(sent))
    for number, part in enumerate((sent[:cut], sent[cut:])):
        insert_facts(client, part, appended_at=at(f"2026-06-0{number + 1} 00:00:00"))
    insert_links(client, claims_of(events))
    insert_rows_before_and_after(client, events)


@st.composite
def rules_and_histories(draw: st.DrawFn) -> tuple[tuple[LeadRule, ...], list[Event]]:
    events = draw(histories())
    return draw(lead_rules([event.properties for event in events])), events


@given(rules_and_histories(), st.randoms(use_true_random=False))
@settings(max_examples=25, **EXAMPLES)
def test_ledger_and_score_are_those_of_the_definitions(
    leads: Client, world: tuple[tuple[LeadRule, ...], list[Event]], rng: random.Random
) -> None:
    rules, events = world
    truth = resolved(events)
    put_in_force(empty(leads), *rules)
    deliver(leads, events, rng)
    assert shown_ledger(leads) == ledger(rules, truth)
    assert shown_scores(leads) == lead_scores(rules, truth)


@given(st.data())
@settings(max_examples=100, **EXAMPLES)
def test_a_criterion_holds_on_the_events_that_its_words_say(client: Client, data: st.DataObject) -> None:
    sent = data.draw(st.lists(properties, min_size=1, max_size=20))
    rules = data.draw(lead_rules(sent))
    events = [Event(f"e{n}", "c-1", type_, NOON, properties=p) for n, p in enumerate(sent) for type_ in TYPES]
    events = [Event(f"{e.event_id}-{e.type}", "c-1", e.type, NOON, properties=e.properties) for e in events]
    insert_facts(empty(client), events)
    rows = client.query(
        f"SELECT rule, event_id FROM ({lead_select(Rules(lead=rules), 'events')})"
    ).result_rows
    assert Counter(rows) == Counter(
        (r.name, e.event_id) for r in rules for e in events if fulfils_a_part(r, e)
    )


def fulfils_a_part(rule: LeadRule, event: Event) -> bool:
    criteria = [criterion for criterion in rule.when if criterion.type == event.type]
    return bool(criteria) and all(holds(criterion, event.properties) for criterion in criteria)


def viewed(event_id: str, url: Any, *, customer_id: str = "c-1", time: Any = NOON) -> Event:
    return Event(event_id, customer_id, "page_viewed", time, properties={"url": url})


def wished(event_id: str, *, customer_id: str = "c-1", time: Any = NOON) -> Event:
    return Event(event_id, customer_id, "wish_made", time)


def rule(*when: Criterion, name: str = "r", points: int = 10, once: bool = False) -> LeadRule:
    return LeadRule(name=name, when=when, points=points, once=once)


PRICING = Criterion(type="page_viewed", property="url", op="contains", value="/pricing")
GERMAN = Criterion(type="page_viewed", property="url", op="contains", value="/de/")
WISH = Criterion(type="wish_made")


def written(client: Client, *events: Event) -> Client:
    insert_facts(client, events)
    insert_links(client, claims_of(events))
    insert_rows_before_and_after(client, list(events))
    return client


@pytest.mark.parametrize(
    ("found", "op", "value", "is_fulfilled"),
    [
        ("Pro", "equals", "Pro", True),
        ("Pro", "equals", "pro", False),
        (50, "equals", "50", False),
        ("50", "equals", 50, False),
        (True, "equals", "true", False),
        (True, "equals", 1, False),
        (1, "equals", True, False),
        (50, "equals", 50.0, True),
        (50.0, "equals", 50, True),
        (2**53 + 1, "equals", 2**53, False),
        (2**53 + 1, "equals", float(2**53), False),
        (2**53 + 1, "at_least", float(2**53), True),
        (0.1, "equals", 0.1, True),
        (50, "not_equals", "50", True),
        ("50", "not_equals", "50", False),
        (None, "not_equals", "50", False),
        (None, "exists", None, False),
        (False, "exists", None, True),
        ([], "exists", None, True),
        (["/pricing"], "contains", "pricing", False),
        (505, "contains", "0", False),
        ("50% off", "contains", "0% o", True),
        ("%", "contains", "50", False),
        ("/de/x", "starts_with", "/de", True),
        ("x/de", "starts_with", "/de", False),
        (7, "at_least", 7, True),
        ("7", "at_least", 7, False),
        (True, "at_least", 1, False),
        (-0.5, "at_most", -1, False),
        (-1e300, "at_most", -1, True),
    ],
)
def test_an_operation_means(client: Client, found: Any, op: str, value: Any, is_fulfilled: bool) -> None:
    insert_facts(client, [viewed("e1", found)])
    criterion = Criterion(type="page_viewed", property="url", op=op, value=value)
    select = lead_select(Rules(lead=(rule(criterion),)), "events")
    assert bool(client.query(select).result_rows) is is_fulfilled
    assert holds(criterion, {"url": found}) is is_fulfilled


def test_criteria_of_one_type_hold_on_one_and_the_same_event(leads: Client) -> None:
    put_in_force(empty(leads), rule(PRICING, GERMAN))
    written(leads, viewed("e1", "/de/home"), viewed("e2", "/en/pricing"))
    assert shown_scores(leads) == {"c-1": 0}
    written(leads, viewed("e3", "/de/pricing"))
    assert shown_scores(leads) == {"c-1": 10}


def test_criteria_of_several_types_hold_when_each_has_had_its_event_whatever_came_first(
    leads: Client,
) -> None:
    """
    wish     12:00   12:01           12:03
    pricing                  12:02             the rule holds once, at 12:02
    """
    minute = [NOON.replace(minute=n) for n in range(4)]
    put_in_force(empty(leads), rule(WISH, PRICING))
    written(
        leads,
        wished("w1", time=minute[3]),
        viewed("p1", "/pricing", time=minute[2]),
        wished("w2", time=minute[0]),
        wished("w3", time=minute[1]),
    )
    assert shown_ledger(leads) == {Line("c-1", "r", minute[2], 10): 1}


def test_a_rule_that_counts_once_counts_at_its_first_time(leads: Client) -> None:
    put_in_force(empty(leads), rule(WISH, once=True, points=-20))
    written(leads, wished("e2", time=NOON.replace(minute=5)), wished("e1"))
    assert shown_ledger(leads) == {Line("c-1", "r", NOON, -20): 1}
    assert shown_scores(leads) == {"c-1": -20}


def test_an_order_ends_the_lead_and_a_refund_does_not_bring_it_back(leads: Client) -> None:
    put_in_force(empty(leads), rule(WISH))
    bought = order("o1", "c-1", NOON, 500)
    written(
        leads, wished("e1"), wished("e2", customer_id="c-2"), bought, refund("f1", "c-1", NOON, "o1", 500)
    )
    assert shown_scores(leads) == {"c-1": None, "c-2": 10}
    assert {line.customer_id for line in shown_ledger(leads)} == {"c-2"}


def test_what_a_visitor_did_counts_for_the_customer_behind_it(leads: Client) -> None:
    put_in_force(empty(leads), rule(WISH, PRICING))
    visit = wished("e1", customer_id="anon:a")
    written(leads, visit)
    assert shown_scores(leads) == {"anon:a": 0}
    written(leads, visit, viewed("e2", "/pricing"), identify("i1", "c-1", "anon:a", NOON))
    assert shown_scores(leads) == {"c-1": 10}
    assert shown_ledger(leads) == {Line("c-1", "r", NOON, 10): 1}


def test_the_order_of_a_visitor_ends_the_lead_of_the_customer_behind_it(leads: Client) -> None:
    put_in_force(empty(leads), rule(WISH))
    bought = order("o1", "anon:a", NOON, 500)
    written(leads, wished("e1"), bought, identify("i1", "c-1", "anon:a", NOON))
    assert shown_scores(leads) == {"c-1": None}
    assert shown_ledger(leads) == {}


def test_other_rules_hold_for_old_events_too_and_nothing_of_the_former_rules_is_left(leads: Client) -> None:
    put_in_force(empty(leads), rule(WISH, name="before"))
    written(leads, wished("e1"), viewed("e2", "/pricing"))
    put_in_force(leads, rule(PRICING, name="after", points=3))
    assert shown_ledger(leads) == {Line("c-1", "after", NOON, 3): 1}
    assert shown_scores(leads) == {"c-1": 3}


def test_without_rules_everybody_has_a_score_of_0(leads: Client) -> None:
    put_in_force(empty(leads))
    written(leads, wished("e1"))
    assert shown_scores(leads) == {"c-1": 0}
    assert shown_ledger(leads) == {}


def test_the_views_can_be_joined(leads: Client) -> None:
    """ClickHouse refuses a direct join, instead of falling back, if it rewrites the right side of it."""
    put_in_force(empty(leads), rule(WISH))
    written(leads, wished("e1", customer_id="anon:a"), identify("i1", "c-1", "anon:a", NOON))
    assert leads.query(
        """
        SELECT live.lead_score, customer.lead_score, ledger.points
        FROM v_live_visitors AS live
        INNER JOIN v_customer_360 AS customer ON customer.customer_id = live.customer_id
        INNER JOIN v_lead_ledger AS ledger ON ledger.customer_id = live.customer_id
        WHERE live.customer_id IN (SELECT customer_id FROM v_events)
        """
    ).result_rows == [(10, 10, 10)]


def test_as_many_rules_as_a_file_may_have_are_applied(leads: Client) -> None:
    long = "it's \\ long" * 20
    values = [f"{long}{n}" if n % 2 else n for n in range(16)]
    criteria = [
        Criterion(type="page_viewed", property="url", op="not_equals", value=value) for value in values
    ]
    put_in_force(empty(leads), *(rule(*criteria, name=f"rule {n}", points=1) for n in range(100)))
    written(leads, viewed("e1", "/pricing"), viewed("e2", long + "7"))
    assert shown_scores(leads) == {"c-1": 100}


@pytest.mark.parametrize(
    "properties", ["", "null", "[1]", '"url"', "nonsense", '{"url":', '{"url": 1e999}', "{}"]
)
def test_a_fact_is_stored_whatever_its_properties_are(leads: Client, properties: str) -> None:
    comparisons = (("contains", "x"), ("equals", True), ("at_least", 1), ("at_most", 1.5), ("not_equals", 2))
    rules = [
        rule(Criterion(type="page_viewed", property="url", op=op, value=value), name=op)
        for op, value in comparisons
    ]
    put_in_force(empty(leads), *rules)
    leads.insert(
        "events",
        [["e1", "c-1", "page_viewed", NOON, properties]],
        column_names=["event_id", "customer_id", "type", "occurred_at", "properties"],
    )
    assert leads.query("SELECT count() FROM events").result_rows == [(1,)]
    table = LEAD_EVENTS.table(Rules(lead=tuple(rules)))
    assert leads.query(f"SELECT * FROM {table}").result_rows == []
