"""What retention is told by: calendar periods, named by their first UTC date, and what counts in them."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum


class Grain(str, Enum):
    """Length of a period; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class Basis(str, Enum):
    """What counts for retention: an order, or an engagement event."""

    PURCHASE = "purchase"
    ENGAGEMENT = "engagement"


def period_of(day: date, grain: Grain) -> date:
    """The first date of the period that `day` lies in."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    if grain is Grain.MONTH:
        return day.replace(day=1)
    if grain is Grain.QUARTER:
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day


def label(start: date, grain: Grain) -> str:
    """`1998-06` for a month, `1998 Q2` for a quarter, else the first date."""
    if grain is Grain.MONTH:
        return f"{start:%Y-%m}"
    if grain is Grain.QUARTER:
        return f"{start:%Y} Q{(start.month + 2) // 3}"
    return start.isoformat()
