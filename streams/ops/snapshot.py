"""What the views show right now, for a screen that refreshes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

Row = dict[str, Any]

_CHANNELS: Final = """
SELECT
    channel,
    sumIf(events, window_name = '1h') AS events_1h,
    sumIf(events, window_name = '24h') AS events_24h,
    sumIf(events, window_name = '90d') AS events_90d
FROM v_customer_windows GROUP BY channel ORDER BY events_90d DESC, channel
"""
_TOP: Final = """
SELECT
    customer_id, score, preferred_channel, events_1h, events_24h, events_7d, events_30d,
    orders_total, revenue_minor_total, currency
FROM v_customer_360 ORDER BY score DESC, events_total DESC, customer_id LIMIT {top:UInt32}
"""
_ORDERS: Final = "SELECT * FROM v_orders ORDER BY ordered_at DESC, order_id LIMIT {top:UInt32}"
_REJECTED: Final = "SELECT reason, count() FROM v_rejected_events GROUP BY reason ORDER BY reason"
_AGE: Final = """
SELECT if(count() = 0, NULL, dateDiff('millisecond', max(occurred_at), now64(3, 'UTC')) / 1000) FROM events
"""


class Snapshot(NamedTuple):
    """Rows under the names of their queries' columns."""

    channels: list[Row]
    customers: list[Row]
    orders: list[Row]
    rejected: dict[str, int]
    age_seconds: float | None
    """How long ago the newest visible event occurred."""

    @property
    def events(self) -> int:
        """All events of the last 90 days."""
        return sum(row["events_90d"] for row in self.channels)


def read_snapshot(client: Client, top: int) -> Snapshot:
    """`top`: how many customers and orders."""

    def ask(sql: str) -> list[Row]:
        return list(client.query(sql, parameters={"top": top}).named_results())

    rejected = {str(reason): int(records) for reason, records in client.query(_REJECTED).result_rows}
    age_seconds = client.query(_AGE).result_rows[0][0]
    return Snapshot(ask(_CHANNELS), ask(_TOP), ask(_ORDERS), rejected, age_seconds)
