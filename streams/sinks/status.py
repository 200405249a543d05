"""What churn status asks of ClickHouse: the instant that figures hold for, and what has been told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.core.project import Cells
from streams.sinks.base import Clock
from streams.sinks.queries import rows

_CLOCK: Final = """
SELECT toUnixTimestamp64Milli(as_of), JSONExtractFloat(rules, 'churn', 'population_gap_days')
FROM v_clock, (SELECT value AS rules FROM settings FINAL WHERE key = 'rules') AS in_force
"""
_TRANSITIONS: Final = """
SELECT customer_id, toUnixTimestamp64Milli(changed_at), toString(from_status), toString(to_status), reason,
       days_since_order, expected_gap_days, overdue_ratio
FROM customer_transitions FINAL
WHERE customer_id IN %(customer_ids)s AND NOT is_retracted
"""


def query_clock(client: Client) -> Clock:
    """See `Sink.clock`."""
    return Clock(*rows(client, _CLOCK)[0])


def query_transitions(client: Client, customer_ids: Collection[str]) -> list[Cells]:
    """See `Sink.transitions`."""
    return list(map(tuple, rows(client, _TRANSITIONS, customer_ids=sorted(customer_ids))))
