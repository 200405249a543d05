"""v_goals: progress and status by plain arithmetic; setting goals and removing them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streams.errors import EngageError
from streams.ops.goals import Wish, add_goal, figure, new_id, remove_goal
from tests.sql.goals import set_goals
from tests.sql.lives import NEWEST
from tests.sql.scenario import Event, at, empty, insert_facts, insert_rows, order
from tests.sql.test_satisfaction import answer

DAY = timedelta(days=1)
TODAY = NEWEST.date()


class Goal(NamedTuple):
    metric: str
    segment: str
    baseline: float
    target: float
    start_date: date
    due_date: date


def expected_progress(goal: Goal, current: float | None) -> float | None:
    if current is None or goal.target == goal.baseline:
        return None
    return (current - goal.baseline) / (goal.target - goal.baseline)


def expected_status(goal: Goal, current: float | None) -> str | None:
    if current is not None and is_reached(goal, current):
        return "met"
    if goal.due_date < TODAY:
        return "missed"
    if goal.start_date > TODAY:
        return "on_track"
    if current is None:
        return None
    progress = expected_progress(goal, current)
    line = (TODAY - goal.start_date).days / (goal.due_date - goal.start_date).days
    return "on_track" if progress is not None and progress >= line else "behind"


def is_reached(goal: Goal, current: float) -> bool:
    if goal.target == goal.baseline:
        return current <= goal.target if goal.metric.startswith("churn") else current >= goal.target
    return current <= goal.target if goal.target < goal.baseline else current >= goal.target


# Around the figures of the shop below: 3 customers, 50 % and 75 %.
NUMBERS = st.sampled_from((0.0, 1.0, 2.0, 3.0, 4.0, 50.0, 75.0, 100.0, -1.5)) | st.floats(-1e6, 1e6)
FIGURES = (("mau", "all"), ("churn_net_pct", "month/purchase"), ("nps", "all"), ("csat_pct", "all"))


@st.composite
def goals(draw: st.DrawFn) -> Goal:
    start = TODAY + draw(st.integers(-60, 30)) * DAY
    due = start + draw(st.sampled_from((1, 2, 7, 60)) | st.integers(1, 90)) * DAY
    baseline = draw(NUMBERS)
    return Goal(*draw(st.sampled_from(FIGURES)), baseline, draw(NUMBERS | st.just(baseline)), start, due)


@pytest.fixture(scope="module")
def shop(session_client: Client) -> Iterator[Client]:
    """Two of four customers are held after February, three active in March; three of four are content."""
    client = empty(session_client)
    events = [order(f"o{n}", name, at("2025-11-20 12:00:00"), 1) for n, name in enumerate(("ann", "ben"))]
    events += [order(f"p{n}", name, at("2026-01-20 12:00:00"), 1) for n, name in enumerate(("cleo", "dora"))]
    asked = at("2026-02-10 12:00:00")
    events += [
        answer(f"a{n}", "ann", score, survey="csat", time=asked) for n, score in enumerate((5, 4, 4, 3))
    ]
    events += [
        Event(f"v{n}", name, "page_viewed", NEWEST) for n, name in enumerate(("ann", "ben", "cleo", "anon:x"))
    ]
    insert_facts(client, events)
    insert_rows(client, events)
    yield client
    empty(client)


def test_the_figures_that_goals_are_tried_on(shop: Client) -> None:
    assert [figure(shop, *pair) for pair in FIGURES] == [3, 50, None, 75]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wished=st.lists(goals(), min_size=1, max_size=30))
@example(wished=[Goal("mau", "all", 3, 3, TODAY, TODAY + DAY), Goal("mau", "all", 4, 4, TODAY, TODAY + DAY)])
@example(
    wished=[Goal("churn_net_pct", "month/purchase", x, x, TODAY - DAY, TODAY + DAY) for x in (49, 50, 51)]
)
def test_progress_and_status_are_those_of_the_definitions(shop: Client, wished: list[Goal]) -> None:
    shop.command("TRUNCATE TABLE goals")
    set_goals(shop, *((str(n), *goal) for n, goal in enumerate(wished)))
    figures = dict(zip(FIGURES, (3.0, 50.0, None, 75.0), strict=True))

    rows = shop.query("SELECT goal_id, current, progress_ratio, status FROM v_goals").result_rows

    assert {int(goal_id): tuple(row) for goal_id, *row in rows} == {
        n: (current, expected_progress(goal, current), expected_status(goal, current))
        for n, goal in enumerate(wished)
        for current in [figures[goal.metric, goal.segment]]
    }


@pytest.mark.parametrize(
    ("baseline", "target", "started", "due", "progress", "status"),
    [
        # mau is 3 today.
        (1, 5, -10, 10, 0.5, "on_track"),
        (1, 5, -11, 10, 0.5, "behind"),
        (1, 3, -10, 10, 1, "met"),
        (5, 3, -10, 10, 1, "met"),
        (5, 1, -10, 10, 0.5, "on_track"),
        (2, 1, -10, 10, -1, "behind"),
        (1, 5, -10, 0, 0.5, "behind"),
        (1, 5, -10, -1, 0.5, "missed"),
        (1, 3, -10, -1, 1, "met"),
        (4, 5, 1, 10, -1, "on_track"),
        (9, 3, 1, 10, 1, "met"),
        (3, 5, 0, 10, 0, "on_track"),
        (3, 1, 0, 10, 0, "on_track"),
    ],
)
def test_status_by_example(
    shop: Client, baseline: float, target: float, started: int, due: int, progress: float, status: str
) -> None:
    shop.command("TRUNCATE TABLE goals")
    set_goals(shop, ("g", "mau", "all", baseline, target, TODAY + started * DAY, TODAY + due * DAY))
    shown = shop.query("SELECT toString(progress_ratio), status FROM v_goals").result_rows
    assert shown == [(f"{progress:g}", status)]


# -- setting and removing goals ----------------------------------------------------------------------


def test_a_goal_starts_today_at_the_present_figure(shop: Client) -> None:
    shop.command("TRUNCATE TABLE goals")
    goal = add_goal(shop, Wish("churn_net_pct", target=20, due_date=TODAY + 90 * DAY))

    assert (goal.goal_id, goal.segment, goal.baseline) == ("churn-net", "month/purchase", 50)
    assert goal.start_date == TODAY, "the date of as_of, not the one on the wall"
    assert shop.query("SELECT * FROM v_goals").result_rows == [
        ("churn-net", "churn_net_pct", "month/purchase", 50, 20, 50, TODAY, TODAY + 90 * DAY, 0, "on_track")
    ]


def test_a_removed_goal_is_gone_and_leaves_its_id_behind(shop: Client) -> None:
    shop.command("TRUNCATE TABLE goals")
    wish = Wish("mau", target=20, due_date=TODAY + 90 * DAY)
    remove_goal(shop, add_goal(shop, wish).goal_id)

    assert shop.query("SELECT count() FROM v_goals").result_rows == [(0,)]
    assert add_goal(shop, wish).goal_id == "mau-2"
    with pytest.raises(EngageError, match=r"^no goal 'mau': there are mau-2$"):
        remove_goal(shop, "mau")


def test_ids_are_short_and_never_the_same() -> None:
    assert new_id("retention_strict_pct", []) == "retention-strict"
    assert new_id("nps", ["nps", "nps-2", "nps-4"]) == "nps-3"


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish("npx", 1, TODAY + DAY), "no metric 'npx' for goals: choose one of retention_rate_pct, "),
        (Wish("mau", 1, TODAY + DAY, "month"), "no segment 'month' of mau: known: all"),
        (Wish("csat_pct", 1, TODAY + DAY, ""), "no segment '' of csat_pct: known: all or the touchpoint"),
        (Wish("nps", 1, TODAY + DAY), "nps of 'all' has no value yet to start from: give it with --baseline"),
        (Wish("mau", 1, TODAY), f"--due {TODAY} must be after the start, {TODAY}"),
        (Wish("mau", float("inf"), TODAY + DAY), "--target must be a finite number, not inf"),
        (Wish("mau", 1, date(2300, 1, 1)), "must lie from 1970 to 2148"),
    ],
)
def test_what_makes_no_goal_is_refused_in_one_line(shop: Client, wish: Wish, says: str) -> None:
    shop.command("TRUNCATE TABLE goals")
    with pytest.raises(EngageError) as refused:
        add_goal(shop, wish)
    assert says in str(refused.value)
    assert shop.query("SELECT count() FROM goals").result_rows == [(0,)]
