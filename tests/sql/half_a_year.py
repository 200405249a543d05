"""A database in which every view has rows: half a year of random lives, and some of everything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from clickhouse_connect.driver.client import Client

from tests.ops.audited import all_events, insert_transitions
from tests.sql.devices import resolved, write
from tests.sql.lives import NEWEST
from tests.sql.scenario import Event, order

_DAY: Final = timedelta(days=1)


def fill(client: Client) -> None:
    """Write into an empty database: also a monthly buyer, one who is late, a goal, a reject and a lag."""
    months = [NEWEST - month * 30 * _DAY for month in range(7)]
    monthly = [order(f"monthly-{n}", "monthly", time, 50_000) for n, time in enumerate(months)]
    events: list[Event] = [*all_events(), *monthly, order("late", "late", NEWEST - 50 * _DAY, 90_000)]
    write(client, events)
    insert_transitions(client, resolved(events), NEWEST)
    client.command(
        "INSERT INTO goals (goal_id, metric, segment, baseline, target, start_date, due_date)"
        " VALUES ('more', 'mau', 'all', 1, 100, '2026-03-01', '2026-12-31')"
    )
    client.command(
        "INSERT INTO rejected_events (rejected_at, reason, source_topic)"
        " VALUES ('2026-03-29 09:00:00', 'not_json', 'events.chat')"
    )
    client.command(
        "INSERT INTO stream_lag (measured_at, consumer_group, topic, partition, lag, lag_seconds)"
        " VALUES ('2026-03-29 09:00:00', 'engagement-streams', 'events.chat', 0, 3, 1.5)"
    )
