"""Retention, cohorts, lifecycle and stickiness in plain Python, from the metric dictionary and nothing else.

A history is `{customer: instants of qualifying events}`; a period is named by its first day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from tests.sql.scenario import UTC, Event, canonical_orders, engagement_events, grouped

History = Mapping[str, list[datetime]]
GRAINS = ("day", "week", "month", "quarter")
BASES = ("purchase", "engagement")
DAY = timedelta(days=1)


def history(events: list[Event], basis: str) -> History:
    """Unlinked anonymous visitors are left out."""
    qualifying: Iterable[Event] = (
        canonical_orders(events).values() if basis == "purchase" else engagement_events(events)
    )
    customers = (event for event in qualifying if not event.customer_id.startswith("anon:"))
    return {
        name: [event.at for event in own] for name, own in grouped(customers, lambda e: e.customer_id).items()
    }


def period_of(day: date, grain: str) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day


def next_period(start: date, grain: str) -> date:
    longest = {"day": 1, "week": 7, "month": 31, "quarter": 92}
    return period_of(start + timedelta(days=longest[grain]), grain)


def periods(events: list[Event], as_of: datetime, grain: str) -> Iterator[date]:
    """From the period of the first fact to the period of `as_of`."""
    start = period_of(min(event.at for event in events).date(), grain)
    while midnight(start) <= as_of:
        yield start
        start = next_period(start, grain)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def is_complete(start: date, grain: str, as_of: datetime) -> int:
    return int(midnight(next_period(start, grain)) <= as_of)


class Held(NamedTuple):
    """Who is held when a period starts and ends, and those at the end who are new or won back."""

    start: set[str]
    end: set[str]
    new: set[str]
    won_back: set[str]


def held(customers: History, start: date, end: date, held_days: int) -> Held:
    first = {name: min(instants) for name, instants in customers.items()}
    at_start, at_end = held_at(customers, start, held_days), held_at(customers, end, held_days)
    new = {name for name in at_end if midnight(start) <= first[name] < midnight(end)}
    won_back = {name for name in at_end - at_start if first[name] < midnight(start)}
    return Held(at_start, at_end, new, won_back)


def held_at(customers: History, day: date, held_days: int) -> set[str]:
    """With a qualifying event in [midnight - held_days, midnight)."""
    end = midnight(day)
    window_start = end - timedelta(days=held_days)
    return {name for name, instants in customers.items() if any(window_start <= at < end for at in instants)}


def retention_periods(
    events: list[Event], as_of: datetime, grain: str, basis: str, held_days: int
) -> list[tuple[object, ...]]:
    """Rows of v_retention_period but for grain and basis."""
    customers = history(events, basis)
    rows = []
    for start in periods(events, as_of, grain):
        complete = is_complete(start, grain, as_of)
        them = held(customers, start, next_period(start, grain), held_days)
        counts = tuple(map(len, them))
        rows.append((start, complete, *counts, *(_rates(*counts) if complete else [None] * 4)))
    return rows


def _rates(start: int, end: int, new: int, won_back: int) -> list[float | None]:
    """retention_rate_pct, retention_strict_pct, churn_net_pct, churn_gross_pct."""
    if start == 0:
        return [None] * 4
    strict = (end - new - won_back) / start * 100
    return [(end - new) / start * 100, strict, (start - end) / start * 100, 100 - strict]


def cohorts(events: list[Event], as_of: datetime, grain: str, basis: str) -> list[tuple[object, ...]]:
    """Rows of v_retention_cohort but for grain and basis."""
    all_periods = list(periods(events, as_of, grain))
    seen = {name: active_periods(instants, grain) for name, instants in history(events, basis).items()}
    rows = []
    for number, cohort in enumerate(all_periods):
        members = [own for own in seen.values() if min(own) == cohort]
        for k, period in enumerate(all_periods[number:] if members else []):
            on = sum(period in own for own in members) / len(members) * 100
            on_or_after = sum(max(own) >= period for own in members) / len(members) * 100
            complete = is_complete(period, grain, as_of)
            shares = (on, on_or_after) if complete else (None, None)
            rows.append((cohort, k, complete, len(members), *shares))
    return rows


def active_periods(instants: Iterable[datetime], grain: str) -> set[date]:
    return {period_of(at.date(), grain) for at in instants}


class Lifecycle(NamedTuple):
    new: set[str]
    returning: set[str]
    resurrecting: set[str]
    dormant: set[str]
    active: set[str]


def lifecycle(customers: History, start: date, grain: str) -> Lifecycle:
    seen = {name: active_periods(instants, grain) for name, instants in customers.items()}
    before = period_of(start - DAY, grain)
    active = {name for name, own in seen.items() if start in own}
    active_before = {name for name, own in seen.items() if before in own}
    new = {name for name in active if min(seen[name]) == start}
    returning = (active & active_before) - new
    return Lifecycle(new, returning, active - new - returning, active_before - active, active)


def lifecycles(events: list[Event], as_of: datetime, grain: str) -> list[tuple[object, ...]]:
    """Rows of v_lifecycle but for the grain."""
    customers = history(events, "engagement")
    return [
        (start, is_complete(start, grain, as_of), *map(len, lifecycle(customers, start, grain)))
        for start in periods(events, as_of, grain)
    ]


def stickiness(events: list[Event], as_of: datetime) -> list[tuple[object, ...]]:
    """Rows of v_stickiness."""
    days = {name: active_periods(instants, "day") for name, instants in history(events, "engagement").items()}
    rows = []
    for day in periods(events, as_of, "day"):
        dau, wau, mau = (
            sum(any(day - n * DAY < d <= day for d in own) for own in days.values()) for n in (1, 7, 30)
        )
        rows.append((day, dau, wau, mau, dau / mau if mau and is_complete(day, "day", as_of) else None))
    return rows


def active_days(events: list[Event], as_of: datetime) -> dict[int, int]:
    """How many customers have exactly so many active days among the last 30, that of `as_of` included."""
    today = as_of.date()
    counts: Counter[int] = Counter()
    for instants in history(events, "engagement").values():
        recent = {at.date() for at in instants if today - 30 * DAY < at.date() <= today}
        counts[len(recent)] += 1
    return {n: customers for n, customers in counts.items() if n}
