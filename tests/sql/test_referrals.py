"""v_referrals, against the same numbers in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.devices import identify, write
from tests.sql.lives import live
from tests.sql.scenario import Event, at, canonical_orders, insert_facts, order
from tests.sql.test_views_against_plain_python import keyed

NOON = at("2026-03-10 12:00:00")
HOUR = timedelta(hours=1)


def made(event_id: str, customer_id: str, code: str, when: datetime = NOON) -> Event:
    return Event(event_id, customer_id, "referral_made", when, properties={"referral_code": code})


def converted(event_id: str, customer_id: str, code: str, referred_id: str) -> Event:
    properties = {"referral_code": code, "referred_id": referred_id}
    return Event(event_id, customer_id, "referral_converted", NOON, properties=properties)


def expected_referrals(events: list[Event]) -> dict[Any, tuple[Any, ...]]:
    buyers = {customer for customer, _ in canonical_orders(events)}
    ordered = sorted(events, key=lambda event: (event.at, event.event_id))
    makers: dict[str, list[str]] = defaultdict(list)
    for event in ordered:
        if event.type == "referral_made":
            makers[event.properties["referral_code"]].append(event.customer_id)
    pairs = set()
    for event in ordered:
        known = makers.get(event.properties.get("referral_code", ""), [])
        if event.type == "referral_converted" and known:
            referrer = event.customer_id if event.customer_id in known else known[0]
            pairs.add((referrer, event.properties["referred_id"]))
    referrals = Counter(maker for some in makers.values() for maker in some)
    customers = Counter(referrer for referrer, referred in pairs if referred in buyers)
    return {(c,): (n, customers[c], pytest.approx(100 * customers[c] / n)) for c, n in referrals.items()}


@pytest.mark.parametrize("seed", range(5))
def test_referrals_are_those_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    want = expected_referrals(truth)
    assert any(row[1] for row in want.values())
    assert keyed(client, "SELECT * FROM v_referrals", 1) == want


def test_a_referral_converts_with_an_order_of_the_referred_customer(client: Client) -> None:
    insert_facts(client, [made("m1", "c-1", "r"), made("m2", "c-1", "r"), converted("v", "c-2", "r", "c-2")])
    assert shown(client) == {"c-1": (2, 0, 0.0)}
    insert_facts(client, [order("o1", "c-2", NOON, 500), order("o2", "c-2", NOON, 500)])
    assert shown(client) == {"c-1": (2, 1, 50.0)}


def test_the_order_of_a_device_is_its_customers(client: Client) -> None:
    events = [made("m", "c-1", "r"), converted("v", "c-1", "r", "c-2"), order("o", "anon:a", NOON, 500)]
    write(client, [*events, identify("i", "c-2", "anon:a", NOON + HOUR)])
    assert shown(client) == {"c-1": (1, 1, 100.0)}


def test_a_referral_made_anonymously_is_the_customers_once_known(client: Client) -> None:
    events = [made("m", "anon:a", "r"), converted("v", "anon:b", "r", "c-2"), order("o", "c-2", NOON, 500)]
    insert_facts(client, events)
    assert shown(client) == {"anon:a": (1, 1, 100.0)}
    write(client, [*events, identify("i", "c-1", "anon:a", NOON + HOUR)])
    assert shown(client) == {"c-1": (1, 1, 100.0)}


def test_of_several_who_share_a_code_the_one_who_reports_is_the_referrer(client: Client) -> None:
    insert_facts(
        client,
        [
            made("m1", "c-1", "spring"),
            made("m2", "c-2", "spring"),
            converted("v1", "c-2", "spring", "c-8"),
            converted("v2", "c-9", "spring", "c-9"),
            order("o1", "c-8", NOON, 500),
            order("o2", "c-9", NOON, 500),
        ],
    )
    assert shown(client) == {"c-1": (1, 1, 100.0), "c-2": (1, 1, 100.0)}


@pytest.mark.parametrize(
    "moments",
    [
        # Milliseconds since 1970 get a digit more between these.
        ("1999-12-31 23:59:59", "2001-09-09 01:46:40"),
        ("2026-03-10 12:00:00", "2026-03-10 12:00:01"),
    ],
)
def test_of_several_who_share_a_code_the_first_is_the_referrer(
    client: Client, moments: tuple[str, str]
) -> None:
    first, second = map(at, moments)
    insert_facts(
        client,
        [
            made("m1", "c-1", "spring", second),
            made("m2", "c-2", "spring", first),
            made("m0", "c-3", "spring", second),
            converted("v", "c-9", "spring", "c-9"),
            order("o", "c-9", NOON, 500),
        ],
    )
    assert {customer: row[1] for customer, row in shown(client).items()} == {"c-1": 0, "c-2": 1, "c-3": 0}


def test_of_makers_at_one_instant_the_smallest_event_id_is_the_first(client: Client) -> None:
    events = [made("m2", "c-1", "r"), made("m1", "c-2", "r"), converted("v", "c-9", "r", "c-9")]
    insert_facts(client, [*events, order("o", "c-9", NOON, 500)])
    assert {customer: row[1] for customer, row in shown(client).items()} == {"c-1": 0, "c-2": 1}


def test_a_referred_customer_counts_once_per_referrer_whatever_the_code(client: Client) -> None:
    insert_facts(
        client,
        [
            made("m1", "c-1", "r"),
            made("m2", "c-1", "s"),
            converted("v1", "c-1", "r", "c-2"),
            converted("v2", "c-1", "s", "c-2"),
            converted("v3", "c-2", "s", "c-2"),
            order("o", "c-2", NOON, 500),
        ],
    )
    assert shown(client) == {"c-1": (2, 1, 50.0)}


def test_the_earliest_delivery_of_a_referral_holds(client: Client) -> None:
    """Whichever code its copies name, and under whichever id of the customer they were sent."""
    early, late = at("2026-06-01 00:00:00"), at("2026-06-02 00:00:00")
    others = [converted("v", "c-9", "r", "c-9"), order("o", "c-9", NOON, 500)]
    claim = identify("i", "c-1", "anon:a", NOON + HOUR)
    write(client, [claim, *others])
    for appended_at, customer, code in ((late, "c-1", "r"), (early, "anon:a", "s"), (late, "anon:a", "r")):
        insert_facts(client, [made("m", customer, code)], appended_at=appended_at)
    assert shown(client) == {"c-1": (1, 0, 0.0)}


def test_a_conversion_without_a_referral_names_nobody(client: Client) -> None:
    insert_facts(client, [converted("v", "c-1", "r", "c-2"), order("o", "c-2", NOON, 500)])
    assert shown(client) == {}


def shown(client: Client) -> dict[str, tuple[Any, ...]]:
    return {customer: row for (customer,), row in keyed(client, "SELECT * FROM v_referrals", 1).items()}
