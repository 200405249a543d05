"""Devices, their claims and links in plain Python, and the rows that a correct worker writes for them.

a1   ──e1──────e2──────e3──────e4──►   events as sent, under anon:a1
              ▲ c-1           ▲ c-2    claims
     [      c-1      )[     c-2   )    links: the first claim takes the past as well
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, IdentityLinkRow
from tests.sql.scenario import (
    CHANNELS,
    Event,
    at,
    daily_rows,
    five_minute_rows,
    grouped,
    insert,
    insert_facts,
    insert_rows,
    random_events,
    state_rows,
    whole_state_row,
)

Moment = tuple[datetime, str]
BEGINNING = (at("1970-01-01 00:00:00"), "")
END = (at("2299-12-31 00:00:00"), "")


class Claim(NamedTuple):
    """`customer_id` says that the device `anonymous_id`, as stored, is theirs."""

    anonymous_id: str
    moment: Moment
    customer_id: str


class Link(NamedTuple):
    claim: Claim
    start: Moment
    end: Moment


def identify(event_id: str, customer_id: str, device: str, time: datetime, session_id: str = "") -> Event:
    """`device` is the anonymous id as stored, `anon:…`; so too below."""
    anonymous_id = device.removeprefix("anon:")
    return Event(event_id, customer_id, "identify", time, session_id=session_id, anonymous_id=anonymous_id)


def alias(event_id: str, customer_id: str, device: str, time: datetime) -> Event:
    properties = {"previous_id": device.removeprefix("anon:")}
    return Event(event_id, customer_id, "alias", time, properties=properties)


def claims_of(events: Iterable[Event]) -> list[Claim]:
    """The claims that events make, each once."""
    claims = {}
    for event in events:
        device = event.properties.get("previous_id") if event.type == "alias" else event.anonymous_id
        if event.type in ("identify", "alias") and device and not event.customer_id.startswith("anon:"):
            claims[Claim(f"anon:{device}", (event.at, event.event_id), event.customer_id)] = None
    return list(claims)


def links_of(claims: Iterable[Claim]) -> list[Link]:
    return [
        link for device in grouped(claims, attrgetter("anonymous_id")).values() for link in _links(device)
    ]


def _links(claims: list[Claim]) -> list[Link]:
    """Of one device: a claim begins a link unless its customer holds the device already."""
    claims = sorted(claims)
    kept = claims[:1] + [b for a, b in pairwise(claims) if a.customer_id != b.customer_id]
    moments = [BEGINNING, *(claim.moment for claim in kept[1:]), END]
    return [Link(claim, *bounds) for claim, bounds in zip(kept, pairwise(moments), strict=True)]


def resolved(events: list[Event]) -> list[Event]:
    """The events with the customers that they belong to instead of their devices."""
    links = grouped(links_of(claims_of(events)), lambda link: link.claim.anonymous_id)
    return [replace(e, customer_id=_owner(links.get(e.customer_id, []), e)) for e in events]


def _owner(links: list[Link], event: Event) -> str:
    moment = (event.at, event.event_id)
    return next(
        (link.claim.customer_id for link in links if link.start <= moment < link.end), event.customer_id
    )


def write(client: Client, events: list[Event], *, seed: int = 0) -> None:
    """Facts, links as claims become known one after the other in a random order, and the rows."""
    insert_facts(client, events)
    claims = claims_of(events)
    random.Random(seed).shuffle(claims)
    for known in range(1, len(claims) + 1):
        insert_links(client, claims[:known])
    insert_rows_before_and_after(client, events)


def insert_links(client: Client, claims: list[Claim], *, epoch: int = 0) -> None:
    """What the worker writes when it knows these claims: their links, and void what was one among fewer."""
    links = {link.claim: link for link in links_of(claims)}
    void = [Link(claim, END, END) for claim in claims if claim not in links]
    rows = [*((link, 0) for link in links.values()), *((link, 1) for link in void)]
    insert(
        client, IdentityLinkRow, ((*_link_row(link), is_void, epoch, len(claims)) for link, is_void in rows)
    )


def _link_row(link: Link) -> tuple[Any, ...]:
    claim = link.claim
    return (claim.anonymous_id, claim.customer_id, *claim.moment, *link.start, *link.end)


def insert_rows_before_and_after(client: Client, events: list[Event]) -> None:
    """Rows by the ids as sent, then those that hold once links are known, emptied and moved ones included."""
    insert_rows(client, events, n_applied=1)
    truth = resolved(events)
    insert_rows(client, truth, n_applied=2)
    version = (0, 2)
    moved = _gone(state_rows, events, truth, 1)
    insert(client, CustomerStateRow, (whole_state_row(row, version, 1) for row in moved))
    days = _gone(daily_rows, events, truth, 3)
    insert(client, CustomerDailyRow, ((*row[:3], 0, {}, 0, 0, 0, *version) for row in days))
    buckets = _gone(five_minute_rows, events, truth, 3)
    insert(client, Customer5mRow, ((*row[:3], 0, 0, 0, 0, *version) for row in buckets))


def _gone(rows: Any, before: list[Event], after: list[Event], key_columns: int) -> Iterator[tuple[Any, ...]]:
    kept = {row[:key_columns] for row in rows(after)}
    return (row for row in rows(before) if row[:key_columns] not in kept)


def random_visits(seed: int, newest: datetime) -> list[Event]:
    """Events of customers and devices with shared session and order ids; claims, many at an event's moment.

    Each device is claimed up to four times, by one customer or several, but `anon:free` never is.
    """
    rng = random.Random(seed)
    devices = [f"anon:a{i}" for i in range(6)]
    ids = [*devices, "anon:free", *(f"c-{i}" for i in range(4))]
    events = [replace(event, customer_id=rng.choice(ids)) for event in random_events(seed, newest)]
    claims = [_random_claim(rng, n, device, events) for device in devices for n in range(rng.randrange(5))]
    return events + _each_once(claims)


def _random_claim(rng: random.Random, number: int, device: str, events: list[Event]) -> Event:
    customer, near = f"c-{rng.randrange(3)}", rng.choice(events)
    if near.customer_id.startswith("anon:") and rng.random() < 0.3:
        # The claim's moment is the event's to the letter: the event is the first one after it.
        return identify(near.event_id, customer, near.customer_id, near.at)
    # Before, after or between events of the same instant; now and then two customers use one event id.
    event_id = rng.choice(("", "e2", "e5")) + f"{device}-{rng.choice((number, 0))}"
    time = near.at - timedelta(milliseconds=rng.choice((0, 0, 1)))
    if rng.random() < 0.3:
        return alias(event_id, customer, device, time)
    return replace(identify(event_id, customer, device, time, near.session_id), channel=rng.choice(CHANNELS))


def _each_once(events: list[Event]) -> list[Event]:
    """All deliveries of one id of a customer have the same occurred_at."""
    return list({(event.customer_id, event.event_id): event for event in events}.values())
