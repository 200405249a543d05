"""Churn status once more, day by day and instant by instant, from the metric dictionary alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

DAY_MS = 86_400_000


class Change(NamedTuple):
    changed_at_ms: int
    from_status: str
    to_status: str


def simulate(orders_ms: Iterable[int], until_ms: int, population_gap_days: float = 30.0) -> list[Change]:
    """Every change of status up to an instant, by looking at each midnight and at each order."""
    orders = sorted(at_ms for at_ms in set(orders_ms) if at_ms <= until_ms)
    if not orders:
        return []
    first_midnight = orders[0] // DAY_MS * DAY_MS
    instants = sorted({*range(first_midnight, until_ms + 1, DAY_MS), *orders})
    changes: list[Change] = []
    status, won_back_day = "prospect", None
    for now_ms in instants:
        past = [at_ms for at_ms in orders if at_ms <= now_ms]
        if not past:
            continue
        today = now_ms // DAY_MS
        if now_ms in past and status == "churned":
            won_back_day = today
        reached = _by_silence(past, today, population_gap_days)
        if won_back_day is not None and today < won_back_day + 30:
            reached = "won_back"
        if reached != status:
            changes.append(Change(now_ms, status, reached))
            status = reached
    return changes


def won_back_on(changes: list[Change]) -> int | None:
    """The day of the newest order that ended `churned`."""
    days = [change.changed_at_ms // DAY_MS for change in changes if change.to_status == "won_back"]
    return days[-1] if days else None


def _by_silence(past_ms: list[int], today: int, population_gap_days: float) -> str:
    days = sorted({at_ms // DAY_MS for at_ms in past_ms})
    gaps = [later - earlier for earlier, later in pairwise(days)]
    expected_gap_days = (sum(gaps) + 2 * population_gap_days) / (len(gaps) + 2)
    ratio = (today - days[-1]) / expected_gap_days
    if ratio >= 3:
        return "churned"
    return "at_risk" if ratio >= 1.5 else "active"
