"""Random histories with answers to surveys and referrals in them, of customers and their devices."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from tests.sql.devices import identify, random_visits, resolved, write
from tests.sql.scenario import Event, at, empty

NEWEST = at("2026-03-29 10:07:00")
SURVEYS = ("page_viewed", "product_viewed", "survey_answered", "wish_made")
REFERRALS = ("search_performed", "form_submitted", "referral_made")


def random_life(seed: int, newest: datetime = NEWEST) -> list[Event]:
    """`random_visits`, in which many events are answers and referrals, and somebody who never orders."""
    rng = random.Random(seed)
    return [_told(rng, event) for event in random_visits(seed, newest)] + _prospect(newest)


def _prospect(newest: datetime) -> list[Event]:
    """A visitor, and the customer that it turns out to be."""
    device, minute = "anon:lead", timedelta(minutes=1)
    return [
        Event("lead-1", device, "product_added", newest - 3 * minute),
        identify("lead-2", "c-lead", device, newest - 2 * minute),
        Event("lead-3", "c-lead", "product_added", newest - minute),
    ]


def live(client: Client, seed: int) -> tuple[Client, list[Event]]:
    """Write a random life into an emptied database; gives its events as they belong to customers."""
    events = random_life(seed)
    write(empty(client), events, seed=seed)
    return client, resolved(events)


def _told(rng: random.Random, event: Event) -> Event:
    if event.event_id == "newest":
        return event
    if event.type in SURVEYS:
        return replace(event, type="survey_answered", properties=_answer(rng))
    if event.type in REFERRALS:
        code = {"referral_code": f"r-{rng.randrange(6)}"}
        if rng.random() < 0.5:
            return replace(event, type="referral_made", properties=code)
        referred = {"referred_id": rng.choice(("c-0", "c-1", "c-2", "c-3", "anon:free", "nobody"))}
        return replace(event, type="referral_converted", properties=code | referred)
    return event


def _answer(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.5:
        return {"survey": "nps", "score": rng.randrange(11)}
    touchpoint = {"touchpoint": name} if (name := rng.choice(("", "chat", "checkout"))) else {}
    return {"survey": "csat", "score": rng.randrange(1, 6), **touchpoint}
