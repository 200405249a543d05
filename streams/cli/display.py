"""Values as people read them: money, times, one customer as tables. Pure: rows in, renderables out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.cli.results import cell
from streams.ops.customer import CustomerView, Row

WINDOWS: Final = ("1h", "24h", "7d", "30d", "90d")
_CHANNELS: Final = ("website", "chat", "purchase")

# ISO 4217: currencies whose minor unit is not a hundredth.
_DECIMALS: Final = {
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
}


def money(minor: int | None, currency: str | None) -> str:
    """Minor units as an amount: `money(123450, "EUR")` is `1,234.50 EUR`; `–` without a currency."""
    if minor is None or not currency:
        return "–"
    decimals = _DECIMALS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**decimals)
    fraction = f".{rest:0{decimals}}" if decimals else ""
    return f"{'-' if minor < 0 else ''}{whole:,}{fraction} {currency}"


def instant(at: datetime | None) -> str:
    """UTC to the second, `–` for None. What ClickHouse returns without a zone is UTC."""
    if at is None:
        return "–"
    aware = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
    return aware.strftime("%Y-%m-%d %H:%M:%S")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> Table:
    """A table of untrusted values; the first `left` columns are text, the others numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        made.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return made


def customer_page(customer: CustomerView) -> RenderableType:
    """One customer at a glance."""
    parts: list[RenderableType] = [_state(customer.state), windows_table(customer.windows)]
    if customer.revenue:
        parts.append(_revenue(customer.revenue))
    if customer.orders:
        parts.append(orders_table("newest orders", customer.orders))
    if customer.sessions:
        parts.append(_sessions(customer.sessions))
    return Group(*parts)


def windows_table(rows: Sequence[Row]) -> Table:
    """Events by channel and window, with points in brackets; `–` where nothing happened."""
    found = {(row["channel"], row["window_name"]): row for row in rows}
    channels = [channel for channel in _CHANNELS if any((channel, window) in found for window in WINDOWS)]
    lines = [
        [channel, *(_events_and_points(found.get((channel, window))) for window in WINDOWS)]
        for channel in channels
    ]
    return table("events (points) in rolling windows", ["channel", *WINDOWS], lines)


def orders_table(title: str, rows: Sequence[Row], *, with_customer: bool = False) -> Table:
    """Rows of v_orders."""
    columns = ["ordered at (UTC)", "order", "status", "total", "net"]
    lines = [
        [
            instant(row["ordered_at"]),
            row["order_id"],
            row["status"],
            money(row["total_minor"], row["currency"]),
            money(row["net_minor"], row["currency"]),
        ]
        for row in rows
    ]
    if with_customer:
        columns.insert(1, "customer")
        for line, row in zip(lines, rows, strict=True):
            line.insert(1, row["customer_id"])
    return table(title, columns, lines, left=len(columns) - 2)


def _state(row: Row) -> Table:
    facts = {
        "customer": row["customer_id"],
        "anonymous": "yes" if row["is_anonymous"] else "no",
        "score": f"{row['score']:.1f} of 100",
        "lead score": row["lead_score"],
        "first seen (UTC)": instant(row["first_seen_at"]),
        "last seen (UTC)": instant(row["last_seen_at"]),
        "… website": instant(row["last_website_at"]),
        "… chat": instant(row["last_chat_at"]),
        "… purchase": instant(row["last_purchase_at"]),
        "preferred channel": row["preferred_channel"],
        "channels in 30 days": row["omnichannel_reach"],
        "events ever": f"{row['events_total']:,}",
        "orders ever": f"{row['orders_total']:,}",
        "revenue ever": money(row["revenue_minor_total"], row["currency"]),
    }
    made = Table(show_header=False, box=None)
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in facts.items():
        made.add_row(name, cell(value))
    return made


def _events_and_points(row: Row | None) -> str | None:
    if row is None:
        return None
    events: int = row["events"]
    return f"{events:,}" if row["points"] is None else f"{events:,} ({row['points']:g})"


def _revenue(rows: Sequence[Row]) -> Table:
    windows = (*WINDOWS, "all")
    found = {(row["currency"], row["window_name"]): row for row in rows}
    lines = [
        [currency, *(_orders_and_money(found.get((currency, window))) for window in windows)]
        for currency in sorted({row["currency"] for row in rows})
    ]
    return table("orders, net revenue", ["currency", *windows], lines)


def _orders_and_money(row: Row | None) -> str | None:
    return None if row is None else f"{row['orders']:,}, {money(row['revenue_minor'], row['currency'])}"


def _sessions(rows: Sequence[Row]) -> Table:
    lines = [
        [
            instant(row["started_at"]),
            instant(row["ended_at"]),
            row["session_id"],
            row["channels"],
            row["events"],
        ]
        for row in rows
    ]
    columns = ["started (UTC)", "ended (UTC)", "session", "channels", "events"]
    return table("newest sessions", columns, lines, left=4)
