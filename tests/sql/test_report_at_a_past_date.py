"""A report at a past date shows what one made on that day would have shown of the periods that had ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from streams.errors import EngageError
from streams.ops.report.periods import Basis, Grain
from streams.ops.report.reading import Figures, read_figures
from tests.sql.devices import resolved
from tests.sql.goals import set_goals
from tests.sql.lives import NEWEST, random_life
from tests.sql.retention_expected import midnight
from tests.sql.scenario import Event, empty, insert_facts, insert_rows

TODAY = NEWEST.date()


def history(seed: int) -> list[Event]:
    """Of customers whom nothing links to others: a link that comes later would change the past."""
    events = resolved(random_life(seed))
    return list({(event.customer_id, event.event_id): event for event in events}.values())


def figures(
    client: Client, events: Iterable[Event], grain: Grain, basis: Basis, past: date | None
) -> Figures:
    empty(client)
    written = list(events)
    insert_facts(client, written)
    insert_rows(client, written)
    return read_figures(client, grain, basis, past)


def shown(read: Figures) -> dict[str, Any]:
    return {name: value for name, value in asdict(read).items() if name not in ("scope", "meanings")}


@pytest.mark.parametrize(
    ("grain", "basis", "day"),
    [
        (Grain.DAY, Basis.PURCHASE, date(2026, 2, 15)),
        (Grain.WEEK, Basis.ENGAGEMENT, date(2026, 2, 15)),
        (Grain.MONTH, Basis.PURCHASE, date(2026, 1, 31)),
        (Grain.QUARTER, Basis.ENGAGEMENT, date(2026, 3, 1)),
    ],
)
def test_the_past_is_what_it_was(client: Client, grain: Grain, basis: Basis, day: date) -> None:
    events = history(seed=7)
    tick = Event("tick", "anon:clock", "page_viewed", midnight(day + timedelta(days=1)))
    known_then = [event for event in events if event.at < tick.at]
    assert len(known_then) < len(events)

    then = figures(client, [*known_then, tick], grain, basis, day)
    now = figures(client, events, grain, basis, day)

    assert shown(now) == shown(then)
    assert now.retention
    assert all(row["is_complete"] for row in [*now.retention, *now.cohorts, *now.lifecycle])
    assert then.scope.as_of == tick.at


def test_what_holds_now_only_is_left_out_of_the_past(client: Client) -> None:
    events = history(seed=7)
    now = figures(client, events, Grain.MONTH, Basis.PURCHASE, None)
    assert len(now.repeat_purchase) == 4
    set_goals(client, ("mau", "mau", "all", 1, 2, TODAY, TODAY + timedelta(days=1)))

    now = read_figures(client, Grain.MONTH, Basis.PURCHASE, None)
    past = read_figures(client, Grain.MONTH, Basis.PURCHASE, date(2026, 1, 31))

    assert (len(now.goals), len(past.goals)) == (1, 0)
    assert [*past.repeat_purchase, *past.at_risk] == []


def test_the_day_of_as_of_is_not_past(client: Client) -> None:
    events = history(seed=7)
    today = figures(client, events, Grain.MONTH, Basis.PURCHASE, TODAY)
    assert shown(today) == shown(read_figures(client, Grain.MONTH, Basis.PURCHASE, None))
    assert today.scope.past is None


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (TODAY + timedelta(days=1), f"--as-of 2026-03-30 lies ahead: figures hold at {TODAY}"),
        (date(2025, 1, 1), "nothing to report: no month with events in or before it had ended by 2025-01-01"),
    ],
)
def test_a_date_without_figures_is_one_line(client: Client, day: date, says: str) -> None:
    with pytest.raises(EngageError) as refused:
        figures(client, history(seed=7), Grain.MONTH, Basis.PURCHASE, day)
    assert str(refused.value) == says
