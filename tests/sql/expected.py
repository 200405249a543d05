"""The views' contents in plain Python, straight from events, by the metric dictionary and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from streams.rules.model import DEFAULT_LEAD
from tests.core.status_oracle import simulate
from tests.sql.expected_leads import lead_scores
from tests.sql.scenario import (
    CHANNELS,
    Event,
    canonical_orders,
    engagement_events,
    grouped,
    ms_of,
    points_of,
)

HOUR_WINDOWS = {"1h": (timedelta(minutes=5), 12), "24h": (timedelta(hours=1), 24)}
DAY_WINDOWS = {"7d": 7, "30d": 30, "90d": 90}
WINDOWS = (*HOUR_WINDOWS, *DAY_WINDOWS)


def in_window(time: datetime, window: str, as_of: datetime) -> bool:
    """Window w holds the buckets b with bucket(as_of) - n < b <= bucket(as_of)."""
    size, n = HOUR_WINDOWS.get(window) or (timedelta(days=1), DAY_WINDOWS[window])
    epoch = datetime(1970, 1, 1, tzinfo=time.tzinfo)
    bucket, newest = (time - epoch) // size, (as_of - epoch) // size
    return newest - n < bucket <= newest


def windows(events: list[Event], as_of: datetime) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """By (customer, channel, window): events, points, active_days, orders, conversations, messages."""
    engaged = set(map(id, engagement_events(events)))
    result = {}
    for (customer, channel), group in grouped(events, lambda e: (e.customer_id, e.channel)).items():
        for window in WINDOWS:
            inside = [event for event in group if in_window(event.at, window, as_of)]
            if inside:
                alive = [event for event in inside if id(event) in engaged]
                result[customer, channel, window] = (len(inside), *_daily(alive, window), *_activities(alive))
    return result


def _daily(engaged: list[Event], window: str) -> tuple[float | None, int | None]:
    if window in HOUR_WINDOWS:
        return None, None
    return points(engaged), len({event.at.date() for event in engaged})


def points(engaged: Iterable[Event]) -> float:
    counts = Counter((event.at.date(), event.channel, event.type) for event in engaged)
    return float(sum(points_of(type_, count) for (_, _, type_), count in counts.items()))


def _activities(engaged: list[Event]) -> tuple[int, int, int]:
    types = Counter(event.type for event in engaged)
    return types["order_completed"], types["conversation_started"], types["message_sent"]


def orders(events: list[Event]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """By (customer, order_id): ordered_at, currency, total, refunded, net, status."""
    refunds = grouped(
        (event for event in events if event.type == "order_refunded"),
        lambda event: (event.customer_id, event.properties["order_id"]),
    )
    return {key: _order(event, refunds.get(key, [])) for key, event in canonical_orders(events).items()}


def _order(event: Event, refunds: list[Event]) -> tuple[Any, ...]:
    currency, total = event.properties["currency"], event.properties["total_minor"]
    same = [r.properties["amount_minor"] for r in refunds if r.properties["currency"] == currency]
    refunded = min(total, sum(same))
    if len(same) < len(refunds):
        status = "currency_mismatch"
    elif refunded == 0:
        status = "paid"
    else:
        status = "refunded" if refunded == total else "partly_refunded"
    return event.at, currency, total, refunded, total - refunded, status


def revenue(events: list[Event], as_of: datetime) -> dict[tuple[str, str, str], tuple[int, int]]:
    """By (customer, currency, window): orders, revenue net of refunds; `all` is every order."""
    result: dict[tuple[str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for (customer, _), (time, currency, _, _, net, _) in orders(events).items():
        for window in (*WINDOWS, "all"):
            if window == "all" or in_window(time, window, as_of):
                n, sum_minor = result[customer, currency, window]
                result[customer, currency, window] = (n + 1, sum_minor + net)
    return dict(result)


def main_currency(customer_orders: Iterable[tuple[Any, ...]]) -> str | None:
    """The currency of most orders, ties alphabetical."""
    counts = Counter(currency for _, currency, *_ in customer_orders)
    return min(counts, key=lambda currency: (-counts[currency], currency), default=None)


def customer_360(events: list[Event], as_of: datetime) -> dict[str, dict[str, Any]]:
    by_window = windows(events, as_of)
    by_revenue = revenue(events, as_of)
    all_orders = orders(events)
    leads = lead_scores(DEFAULT_LEAD, events)
    result = {}
    for customer, group in grouped(events, lambda event: event.customer_id).items():
        engaged = engagement_events(group)
        mine = [order for (owner, _), order in all_orders.items() if owner == customer]
        currency = main_currency(mine)
        result[customer] = {
            "is_anonymous": int(customer.startswith("anon:")),
            "first_seen_at": min((event.at for event in engaged), default=None),
            "last_seen_at": newest(engaged),
            "last_website_at": newest(event for event in engaged if event.channel == "website"),
            "last_chat_at": newest(event for event in engaged if event.channel == "chat"),
            "last_purchase_at": max((order[0] for order in mine), default=None),
            **{
                f"events_{window}": sum(by_window.get((customer, c, window), (0,))[0] for c in CHANNELS)
                for window in WINDOWS
            },
            "events_total": len(group),
            **_engagement(customer, by_window),
            "orders_total": len(mine),
            "currency": currency,
            "revenue_minor_total": by_revenue[customer, currency, "all"][1] if currency else 0,
            "lead_score": leads[customer],
        }
        result[customer] |= _churn(customer, [order[0] for order in mine], as_of, result[customer]["score"])
    return result


def _churn(customer: str, times: list[datetime], as_of: datetime, score: float) -> dict[str, Any]:
    if customer.startswith("anon:") or not times:
        status = None if customer.startswith("anon:") else "prospect"
        return {"expected_gap_days": None, "overdue_ratio": None, "churn_status": status, "is_off_season": 0}
    days = sorted({time.date() for time in times})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    expected_gap_days = (sum(gaps) + 2 * 30) / (len(gaps) + 2)
    status = simulate(map(ms_of, times), ms_of(as_of))[-1].to_status
    return {
        "expected_gap_days": expected_gap_days,
        "overdue_ratio": (as_of.date() - days[-1]).days / expected_gap_days,
        "churn_status": status,
        "is_off_season": int(status in ("at_risk", "churned") and score >= 30),
    }


def at_risk(events: list[Event], as_of: datetime) -> dict[str, tuple[Any, ...]]:
    """By customer: status, last purchase, expected gap, overdue ratio, score, off season, reason."""
    rows = {}
    for customer, row in customer_360(events, as_of).items():
        if row["churn_status"] in ("at_risk", "churned"):
            days = (as_of.date() - row["last_purchase_at"].date()).days
            reason = f"{days} days since last order, expected {row['expected_gap_days']:.0f}"
            columns = ("churn_status", "last_purchase_at", "expected_gap_days", "overdue_ratio", "score")
            rows[customer] = (*(row[column] for column in columns), row["is_off_season"], reason)
    return rows


def newest(events: Iterable[Event]) -> datetime | None:
    return max((event.at for event in events), default=None)


def _engagement(customer: str, by_window: dict[tuple[str, str, str], tuple[Any, ...]]) -> dict[str, Any]:
    month = {c: by_window[customer, c, "30d"] for c in CHANNELS if (customer, c, "30d") in by_window}
    channel_points = {channel: row[1] for channel, row in month.items()}
    best = max(channel_points.values(), default=0)
    preference = ("purchase", "chat", "website")
    return {
        "score": round(100 * (1 - 2 ** (-sum(channel_points.values()) / 50)), 1),
        "preferred_channel": next((c for c in preference if best and channel_points.get(c) == best), None),
        "omnichannel_reach": sum(row[2] > 0 for row in month.values()),
    }


def purchase_summary(events: list[Event], cutoff: date) -> dict[str, tuple[int, float, float, float]]:
    """By customer: x, t_x, T, zbar at the end of the day `cutoff`."""
    result = {}
    for customer in {event.customer_id for event in events if not event.customer_id.startswith("anon:")}:
        mine = [o for (owner, _), o in orders(events).items() if owner == customer and o[0].date() <= cutoff]
        if mine:
            result[customer] = _summary(mine, cutoff)
    return result


def _summary(mine: list[tuple[Any, ...]], cutoff: date) -> tuple[int, float, float, float]:
    days = sorted({time.date() for time, *_ in mine})
    currency = main_currency(mine)
    totals: dict[date, int] = defaultdict(int)
    for time, code, _, _, net, _ in mine:
        if code == currency and time.date() > days[0]:
            totals[time.date()] += net
    mean_minor = sum(totals.values()) / len(totals) if totals else 0
    per_major = {"JPY": 1, "KWD": 1000}.get(currency or "", 100)
    return (
        len(days) - 1,
        (days[-1] - days[0]).days / 7,
        (cutoff - days[0]).days / 7,
        mean_minor / per_major,
    )
