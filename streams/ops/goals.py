"""Goals: which figures they can be about, and their rows. What becomes of them is in `v_goals`."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import date
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.rows import GoalRow, column_types, columns
from streams.errors import EngageError
from streams.migrations import sql_directory

_BY_PERIOD: Final = tuple(
    f"{grain}/{basis}"
    for grain in ("month", "quarter", "week", "day")
    for basis in ("purchase", "engagement")
)
TOUCHPOINTS: Final = "csat_pct"
"""The metric that has a segment for each touchpoint that surveys name, besides `all`."""

SEGMENTS: Final = {
    "retention_rate_pct": _BY_PERIOD,
    "retention_strict_pct": _BY_PERIOD,
    "churn_net_pct": _BY_PERIOD,
    "churn_gross_pct": _BY_PERIOD,
    "repeat_purchase_pct": ("365d", "90d", "30d", "all"),
    "mau": ("all",),
    "nps": ("all",),
    TOUCHPOINTS: ("all",),
}
"""The segments of each metric that `sql/fragments/goal_figures.sql` knows; the first one is the default."""

_TODAY: Final = "SELECT toDate(as_of) FROM v_clock"
_FIGURE: Final = """
WITH ({today}) AS today, [({{metric:String}}, {{segment:String}})] AS wanted
SELECT value FROM ({figures}) WHERE metric = {{metric:String}} AND segment = {{segment:String}}
"""
_GOALS: Final = f"SELECT {', '.join(columns(GoalRow))} FROM goals FINAL ORDER BY goal_id"  # noqa: S608 - constants
_ALL_IDS: Final = "SELECT DISTINCT goal_id FROM goals"


class Wish(NamedTuple):
    """A goal as somebody asks for it; None stands for the default."""

    metric: str
    target: float
    due_date: date
    segment: str | None = None
    baseline: float | None = None
    start_date: date | None = None


def add_goal(client: Client, wish: Wish) -> GoalRow:
    """Store a goal, from the present figure and today, by `v_clock.as_of`, unless the wish says otherwise.

    Raises:
        EngageError: there is no such metric or segment, the numbers or dates make no goal, or the figure that
            would be the baseline does not exist yet.
    """
    segment = checked_segment(wish.metric, wish.segment)
    goal = GoalRow(
        goal_id=new_id(wish.metric, [row[0] for row in client.query(_ALL_IDS).result_rows]),
        metric=wish.metric,
        segment=segment,
        baseline=_present(client, wish.metric, segment) if wish.baseline is None else wish.baseline,
        target=wish.target,
        start_date=wish.start_date or client.query(_TODAY).result_rows[0][0],
        due_date=wish.due_date,
        is_removed=0,
    )
    _check(goal)
    _write(client, goal)
    return goal


def remove_goal(client: Client, goal_id: str) -> None:
    """Take a goal away.

    Raises:
        EngageError: there is no such goal; it names those there are.
    """
    goals = {row[0]: row for row in client.query(_GOALS).result_rows}
    if goal_id not in goals:
        there = f"there are {', '.join(goals)}" if goals else "there is none"
        raise EngageError(f"no goal {goal_id!r}: {there}")
    goal = GoalRow(**dict(zip(columns(GoalRow), goals[goal_id], strict=True)))
    _write(client, goal.model_copy(update={"is_removed": 1}))


def figure(client: Client, metric: str, segment: str) -> float | None:
    """The metric at `v_clock.as_of`, as `v_goals.current` has it; None if there is no such figure yet."""
    sql = _FIGURE.format(today=_TODAY, figures=_figures())
    rows = client.query(sql, parameters={"metric": metric, "segment": segment}).result_rows
    return rows[0][0] if rows else None


def checked_segment(metric: str, segment: str | None) -> str:
    """The segment, or the metric's default one.

    Raises:
        EngageError: the metric or its segment is not known; it names those that are.
    """
    if metric not in SEGMENTS:
        raise EngageError(f"no metric {metric!r} for goals: choose one of {', '.join(SEGMENTS)}")
    known = SEGMENTS[metric]
    if segment is None:
        return known[0]
    if segment not in known and (metric != TOUCHPOINTS or not segment):
        touchpoint = " or the touchpoint of a survey" if metric == TOUCHPOINTS else ""
        raise EngageError(f"no segment {segment!r} of {metric}: known: {', '.join(known)}{touchpoint}")
    return segment


def new_id(metric: str, taken: Collection[str]) -> str:
    """A name that no goal has or had: `nps`, then `nps-2`; `churn-gross` for `churn_gross_pct`."""
    name = metric.removesuffix("_pct").replace("_", "-")
    number = 1
    while (candidate := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return candidate


def _present(client: Client, metric: str, segment: str) -> float:
    present = figure(client, metric, segment)
    if present is None:
        raise EngageError(f"{metric} of {segment!r} has no value yet to start from: give it with --baseline")
    return present


def _check(goal: GoalRow) -> None:
    for name, value in (("--baseline", goal.baseline), ("--target", goal.target)):
        if not math.isfinite(value):
            raise EngageError(f"{name} must be a finite number, not {value}")
    if goal.due_date <= goal.start_date:
        raise EngageError(f"--due {goal.due_date} must be after the start, {goal.start_date}")
    if not date(1970, 1, 1) <= goal.start_date < goal.due_date < date(2149, 1, 1):
        raise EngageError(f"dates from {goal.start_date} to {goal.due_date}: must lie from 1970 to 2148")


def _figures() -> str:
    return (sql_directory() / "fragments" / "goal_figures.sql").read_text(encoding="utf-8")


def _write(client: Client, goal: GoalRow) -> None:
    row = [getattr(goal, name) for name in columns(GoalRow)]
    client.insert(
        GoalRow.TABLE, [row], column_names=columns(GoalRow), column_type_names=column_types(GoalRow)
    )
