"""What ClickHouse shows of one run of the demonstration, and whether it is what was sent."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from streams.ops.demo_load import Tally

_FACTS: Final = """
SELECT count() AS facts, uniqExact(event_id) AS event_ids, uniqExact(customer_id) AS customers
FROM events FINAL WHERE startsWith(event_id, {run_id:String})
"""
_REJECTED: Final = """
SELECT toString(reason), count() FROM rejected_events FINAL
WHERE record_key = {key:String} GROUP BY reason ORDER BY reason
"""
_ORDERS: Final = """
SELECT currency, count() AS orders, sum(net_minor) AS net_minor FROM v_orders
WHERE startsWith(order_id, {order_prefix:String}) GROUP BY currency ORDER BY currency
"""
# Of all runs on this data: what the worker has added up beside what the facts say.
_TOTALS: Final = """
SELECT
    (SELECT sum(events_total) FROM v_customer_360) AS counted_events,
    (SELECT count() FROM events FINAL) AS facts,
    (SELECT sum(orders_total) FROM v_customer_360) AS counted_orders,
    (SELECT count() FROM v_orders) AS orders
"""


class Counts(NamedTuple):
    """One run: facts, their event ids and customers, rejects by reason, orders by currency.

    The totals are of all runs: events and orders added up over customers, and as facts.
    """

    facts: int
    event_ids: int
    customers: int
    rejected: dict[str, int]
    orders: list[tuple[str, int, int]]
    """(currency, orders, net_minor)"""
    total_counted_events: int
    total_facts: int
    total_counted_orders: int
    total_orders: int


def read_counts(client: Client, run_id: str) -> Counts:
    """Everything that ClickHouse shows of a run; ask when it is drained."""
    names = {"run_id": f"{run_id}-", "key": f"bad-{run_id}", "order_prefix": f"o-s-{run_id}-"}

    def ask(sql: str) -> list[Any]:
        return list(client.query(sql, parameters=names).result_rows)

    facts, event_ids, customers = ask(_FACTS)[0]
    return Counts(facts, event_ids, customers, dict(ask(_REJECTED)), ask(_ORDERS), *ask(_TOTALS)[0])


def problems(sent: Tally, probes: int, counts: Counts) -> list[str]:
    """One line for each number that is not what it must be; none when everything adds up."""
    distinct = sent.distinct + probes
    expected = [
        ("events visible", counts.facts, distinct),
        ("different event ids visible", counts.event_ids, distinct),
        ("records rejected, by reason,", counts.rejected, dict(sent.bad)),
        ("events counted for customers (all runs)", counts.total_counted_events, counts.total_facts),
        ("orders counted for customers (all runs)", counts.total_counted_orders, counts.total_orders),
    ]
    return [f"{what}: {is_}, not {must}" for what, is_, must in expected if is_ != must]
