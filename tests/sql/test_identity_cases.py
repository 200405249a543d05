"""Devices and their claims, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from clickhouse_connect.driver.client import Client

from tests.sql.devices import alias, claims_of, identify, insert_links, random_visits, write
from tests.sql.scenario import Event, at, empty, insert_facts, order, refund
from tests.sql.test_idempotence import merge, shown
from tests.sql.test_views_against_plain_python import keyed, utc

NEWEST = at("2026-03-29 10:07:00")
NOON = at("2026-03-10 12:00:00")
HOUR = timedelta(hours=1)


def test_a_replay_changes_no_view(client: Client) -> None:
    events = random_visits(11, NEWEST)
    write(client, events)
    once = shown(client)
    claims = claims_of(events)
    insert_facts(client, events[::-1], appended_at=at("2026-07-01 00:00:00"))
    for known in (claims[:1], claims[: len(claims) // 2], claims):
        insert_links(client, known)
    assert shown(client) == once
    merge(client)
    assert shown(client) == once


def test_links_of_a_higher_epoch_win(client: Client) -> None:
    right = identify("i1", "c-1", "anon:a", NOON)
    insert_facts(client, [Event("e1", "anon:a", "page_viewed", NOON), right])
    insert_links(client, claims_of([right, replace(right, event_id="i0", customer_id="c-2")]), epoch=0)
    assert owners(client) == {"e1": "c-2"}
    insert_links(client, claims_of([right]), epoch=1)
    client.command(
        "INSERT INTO identity_links (anonymous_id, customer_id, claimed_at, event_id, is_void, epoch)"
        f" VALUES ('anon:a', 'c-2', '{NOON:%Y-%m-%d %H:%M:%S}', 'i0', 1, 1)"
    )
    assert owners(client) == {"e1": "c-1"}


def owners(client: Client) -> dict[str, str]:
    """Whose the page views are: e1 is the first of them, and so on."""
    rows = client.query(
        "SELECT customer_id, occurred_at FROM v_events WHERE type = 'page_viewed'"
    ).result_rows
    return {f"e{i}": customer for i, (customer, _) in enumerate(sorted(rows, key=lambda row: row[1]), 1)}


def test_a_device_whose_links_are_all_void_is_itself_again(client: Client) -> None:
    events = [Event("e1", "anon:a", "page_viewed", NOON, session_id="s"), order("o1", "anon:a", NOON, 5)]
    insert_facts(client, events)
    before = shown(client)
    claim = claims_of([identify("i1", "c-1", "anon:a", NOON)])
    insert_links(client, claim)
    assert owners(client) == {"e1": "c-1"}
    client.command(
        "INSERT INTO identity_links (anonymous_id, customer_id, claimed_at, event_id, is_void, epoch)"
        f" VALUES ('anon:a', 'c-1', '{NOON:%Y-%m-%d %H:%M:%S}', 'i1', 1, 1)"
    )
    assert shown(client) == before


def test_the_second_customer_gets_what_comes_after_the_claim(client: Client) -> None:
    events = [Event(f"e{i}", "anon:a", "page_viewed", NOON + i * HOUR) for i in range(1, 5)]
    claims = [
        identify("i1", "c-1", "anon:a", NOON + 1.5 * HOUR),
        alias("i2", "c-2", "anon:a", NOON + 3 * HOUR),
    ]
    write(client, [*events, *claims])
    # i2 is after e3 in its instant.
    assert owners(client) == {"e1": "c-1", "e2": "c-1", "e3": "c-1", "e4": "c-2"}


def test_of_two_claims_at_one_instant_the_first_by_id_takes_what_was_before(client: Client) -> None:
    events = [Event(f"e{i}", "anon:a", "page_viewed", NOON + i * HOUR) for i in range(1, 4)]
    for claims in (
        [identify("e2", "c-2", "anon:a", NOON + 2 * HOUR), identify("e0", "c-1", "anon:a", NOON + 2 * HOUR)],
        [identify("e2", "c-2", "anon:a", NOON + 2 * HOUR), identify("e2", "c-1", "anon:a", NOON + 2 * HOUR)],
    ):
        write(empty(client), [*events, *claims])
        # e2 has the second claim's moment, which begins the second link.
        assert owners(client) == {"e1": "c-1", "e2": "c-2", "e3": "c-2"}
        assert client.query("SELECT count() FROM identity_links FINAL").result_rows == [(2,)]


def test_what_happens_at_a_claims_very_moment_is_the_new_customers(client: Client) -> None:
    events = [replace(order("o1", "anon:a", NOON, 5), session_id="s")]
    claims = [identify("i1", "c-1", "anon:a", NOON - HOUR), identify("o1", "c-2", "anon:a", NOON)]
    write(client, [*events, *claims])
    for view in ("v_orders", "v_sessions"):
        assert client.query(f"SELECT customer_id FROM {view}").result_rows == [("c-2",)], view


def test_a_session_that_crosses_the_identify_is_one(client: Client) -> None:
    events = [
        Event("e1", "anon:a", "page_viewed", NOON, session_id="s"),
        identify("i1", "c-1", "anon:a", NOON + HOUR, "s"),
        Event("e2", "c-1", "message_sent", NOON + 2 * HOUR, "chat", "s"),
    ]
    write(client, events)
    rows = keyed(client, "SELECT * FROM v_sessions", 2)
    assert {key: tuple(map(utc, row)) for key, row in rows.items()} == {
        ("c-1", "s"): (NOON, NOON + 2 * HOUR, 3, "chat, website")
    }


def test_a_session_that_a_link_cuts_is_each_customers_part(client: Client) -> None:
    views = [Event(f"e{i}", "anon:a", "page_viewed", NOON + i * HOUR, session_id="s") for i in range(4)]
    claims = [identify(f"i{i}", f"c-{i}", "anon:a", NOON + (i + 0.5) * HOUR) for i in (0, 1)]
    write(client, [*views, *claims])
    rows = client.query(
        "SELECT customer_id, started_at, ended_at, events FROM v_sessions ORDER BY 1"
    ).result_rows
    assert [tuple(map(utc, row)) for row in rows] == [
        ("c-0", NOON, NOON + HOUR, 2),
        ("c-1", NOON + 2 * HOUR, NOON + 3 * HOUR, 2),
    ]


def test_an_event_sent_under_both_ids_counts_once_in_orders_and_sessions(client: Client) -> None:
    once = [order("o1", "anon:a", NOON, 1_000), refund("r1", "anon:a", NOON, "o1", 300)]
    once = [replace(event, session_id="s") for event in once]
    again = [replace(event, customer_id="c-1") for event in once]
    write(client, [*once, identify("i1", "c-1", "anon:a", NOON), *again])
    assert client.query("SELECT customer_id, net_minor FROM v_orders").result_rows == [("c-1", 700)]
    assert client.query("SELECT customer_id, events FROM v_sessions").result_rows == [("c-1", 2)]
