"""Writing goals."""

from __future__ import annotations

from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.rows import GoalRow
from tests.sql.scenario import insert


def set_goals(client: Client, *goals: tuple[Any, ...]) -> None:
    """Each (goal_id, metric, segment, baseline, target, start_date, due_date)."""
    insert(client, GoalRow, [(*goal, 0) for goal in goals])
