"""The overview: how much comes in, who is here, how things stand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from streams.dashboard.parameters import CHANNELS
from streams.dashboard.subject import Answer, Look, Row, Views

_ACTIVITY: Final = """
WITH (SELECT as_of FROM v_clock) AS as_of
SELECT bucket_at, channel, sum(events) AS events
FROM v_activity_5m
WHERE bucket_at > as_of - toIntervalHour(24) AND bucket_at <= as_of
GROUP BY bucket_at, channel
ORDER BY bucket_at, channel
"""
_LIVE_VISITORS: Final = "SELECT count() AS n, (SELECT as_of FROM v_clock) AS as_of FROM v_live_visitors"
_STICKINESS: Final = "SELECT * FROM v_stickiness ORDER BY day DESC LIMIT 1"
_SCORES: Final = """
SELECT least(intDiv(toUInt32(floor(score)), 10), 9) AS tenth, count() AS customers
FROM v_customer_360
WHERE is_anonymous = 0
GROUP BY tenth
"""
#: The running period and the last two that have ended.
_RETENTION: Final = """
SELECT * FROM v_retention_period
WHERE grain = {grain:String} AND basis = {basis:String}
ORDER BY period_start DESC
LIMIT 3
"""
_GRAIN, _BASIS = "month", "purchase"
_GOALS: Final = "SELECT * FROM v_goals ORDER BY due_date, goal_id"

#: Rates are those since the oldest look that is not older than this.
_RATE_SECONDS: Final = 10.0


class Seen(NamedTuple):
    """What a look has counted: events by bucket and channel, at a monotonic time."""

    at_seconds: float
    events: dict[tuple[str, str], int]


@dataclass(frozen=True)
class Overview:
    """The same for everybody."""

    every_seconds: ClassVar[float] = 1.0

    async def look(self, views: Views, last: Look | None) -> Look:
        activity, (visitors,), slow = await asyncio.gather(
            views.live.rows(_ACTIVITY),
            views.live.rows(_LIVE_VISITORS),
            _slow_parts(views),
        )
        events = {(row["bucket_at"], row["channel"]): row["events"] for row in activity}
        seen = Seen(time.monotonic(), events)
        before: tuple[Seen, ...] = last.notes if last else ()
        answer = {
            "as_of": visitors["as_of"],
            "rates": rates(before, seen),
            "activity": activity,
            "live_visitors": visitors["n"],
            **slow,
        }
        return Look(answer, (*_still_telling(before, seen), seen))


async def _slow_parts(views: Views) -> Answer:
    stickiness, scores, retention, goals = await asyncio.gather(
        views.slow.rows(_STICKINESS),
        views.slow.rows(_SCORES),
        views.slow.rows(_RETENTION, grain=_GRAIN, basis=_BASIS),
        views.slow.rows(_GOALS),
    )
    return {
        "stickiness": stickiness[0] if stickiness else None,
        "scores": tenths(scores),
        "retention": {"grain": _GRAIN, "basis": _BASIS, **latest_periods(retention)},
        "goals": goals,
    }


def rates(before: Sequence[Seen], now: Seen) -> list[Row]:
    """Events per second of each channel, from the first of the looks before until now; null without one.

    Buckets that the first look did not show were empty then: the window of 24 hours only moves on.
    """
    if not before:
        return [{"channel": channel, "events_per_second": None} for channel in CHANNELS]
    then = before[0]
    more = dict.fromkeys(CHANNELS, 0)
    for (bucket, channel), events in now.events.items():
        more[channel] = more.get(channel, 0) + events - then.events.get((bucket, channel), 0)
    seconds = now.at_seconds - then.at_seconds
    return [
        {"channel": channel, "events_per_second": round(max(0, events) / seconds, 3)}
        for channel, events in more.items()
    ]


def _still_telling(before: Sequence[Seen], now: Seen) -> tuple[Seen, ...]:
    """Looks from which the next one may take its rates; always one, however rare looks are."""
    young = tuple(seen for seen in before if now.at_seconds - seen.at_seconds < _RATE_SECONDS)
    return young or tuple(before[-1:])


def tenths(rows: Sequence[Row]) -> list[Row]:
    """All ten of them, also those without a customer; a score of 100 belongs to the last one."""
    customers = {row["tenth"]: row["customers"] for row in rows}
    return [{"from": 10 * n, "to": 10 * n + 10, "customers": customers.get(n, 0)} for n in range(10)]


def latest_periods(newest_first: Sequence[Row]) -> dict[str, Row | None]:
    """The running period and the two complete ones before it."""
    running = [row for row in newest_first if not row["is_complete"]]
    complete = [row for row in newest_first if row["is_complete"]]
    padded: list[Row | None] = [*complete, None, None]
    return {"current": running[0] if running else None, "last": padded[0], "before_last": padded[1]}
