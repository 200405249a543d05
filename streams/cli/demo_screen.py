"""The screen of `engage demo`. Pure: what was seen in, a renderable out."""

from __future__ import annotations

from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.cli.display import money, orders_table, table
from streams.cli.results import plain
from streams.ops.demo_load import Tally
from streams.ops.snapshot import Snapshot


class Seen(NamedTuple):
    """One look.

    `at_seconds` is monotonic; `left` are records in Kafka that are not committed yet, None before the first
    look; `note` says what keeps the figures from being fresh; `dashboard` is the live page's URL.
    """

    snapshot: Snapshot
    sent: Tally
    at_seconds: float
    events_per_second: float | None = None
    left: int | None = None
    note: str = ""
    dashboard: str | None = None


def screen(seen: Seen) -> RenderableType:
    """Everything at once, the most telling first."""
    parts: list[RenderableType] = [Text(one_line(seen), style="bold"), _side_by_side(seen)]
    parts.append(_customers(seen.snapshot))
    parts.append(orders_table("newest orders", seen.snapshot.orders, with_customer=True))
    page = f"live page: {seen.dashboard} · " if seen.dashboard else ""
    parts.append(Text(f"{page}Ctrl-C stops everything", style="dim"))
    return Group(*parts)


def one_line(seen: Seen) -> str:
    """The same in one line."""
    snapshot, sent = seen.snapshot, seen.sent
    parts = [
        f"{snapshot.events:,} events visible",
        "– events/s" if seen.events_per_second is None else f"{seen.events_per_second:,.0f} events/s",
        "newest – ago" if snapshot.age_seconds is None else f"newest {snapshot.age_seconds:.1f} s ago",
        f"{seen.left or 0:,} records not committed yet",
        f"{sum(snapshot.rejected.values()):,} rejected",
        f"this run sent {sent.distinct:,} events, {sent.duplicates:,} of them twice",
    ]
    return " · ".join(parts) + (f" · {plain(seen.note)}" if seen.note else "")


def _side_by_side(seen: Seen) -> Table:
    channels = table(
        "events by channel",
        ["channel", "1h", "24h", "90d"],
        [
            (row["channel"], f"{row['events_1h']:,}", f"{row['events_24h']:,}", f"{row['events_90d']:,}")
            for row in seen.snapshot.channels
        ],
    )
    rejected = table("rejected", ["reason", "records"], seen.snapshot.rejected.items())
    grid = Table.grid(padding=(0, 2))
    grid.add_row(channels, rejected)
    return grid


def _customers(snapshot: Snapshot) -> Table:
    lines = [
        (
            row["customer_id"],
            row["preferred_channel"],
            f"{row['score']:.1f}",
            *(f"{row[f'events_{window}']:,}" for window in ("1h", "24h", "7d", "30d")),
            row["orders_total"],
            money(row["revenue_minor_total"], row["currency"]),
        )
        for row in snapshot.customers
    ]
    columns = ["customer", "channel", "score", "events 1h", "24h", "7d", "30d", "orders", "revenue"]
    return table("top customers by score", columns, lines, left=2)
