"""Lag as people read it. Pure: a measurement in, a renderable out."""

from __future__ import annotations

from datetime import datetime, timezone

from rich.console import Group, RenderableType
from rich.text import Text

from streams.cli.display import instant, table
from streams.cli.results import plain
from streams.core.lag import GroupLag, Measurement

_COLUMNS = ("topic", "partition", "committed", "end", "lag", "lag seconds")


def lag_page(measurement: Measurement) -> RenderableType:
    """Per group a table and a line that sums it up; `–` where nothing is committed."""
    at = datetime.fromtimestamp(measurement.measured_at_ms / 1000, timezone.utc)
    parts: list[RenderableType] = []
    for group in measurement.groups:
        parts += [_table(group, at), Text(summary(group), style="bold")]
    return Group(*parts)


def summary(group: GroupLag) -> str:
    """One line; an idle group is distinguished from a dead one by its members."""
    lags = [partition.lag for partition in group.partitions if partition.lag >= 0]
    members = f"{group.members} member{'' if group.members == 1 else 's'}"
    behind = f"{sum(lags):,} offsets behind" if lags else "nothing committed yet"
    return f"{plain(group.group)}: {members}, {behind}, oldest record {group.max_lag_seconds:,.1f} s"


def _table(group: GroupLag, at: datetime) -> RenderableType:
    rows = [
        (
            lag.topic,
            lag.partition,
            _offset(lag.committed_offset),
            f"{lag.end_offset:,}",
            _offset(lag.lag),
            f"{lag.lag_seconds:,.3f}",
        )
        for lag in group.partitions
    ]
    return table(f"{plain(group.group)} at {instant(at)} UTC", _COLUMNS, rows)


def _offset(number: int) -> str | None:
    return None if number < 0 else f"{number:,}"
