"""The tables that the worker writes, against the oracle and against SQL over the facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from tests.core.oracle import WEIGHTS, Expected, points_of
from tests.core.status_oracle import Change, simulate
from tests.faults.findings import Findings
from tests.faults.rig import Rig

_STATE_FIELDS = (
    "is_anonymous", "first_seen_at", "website_seen_at", "chat_seen_at", "purchase_seen_at", "events_total",
    "orders_total", "purchase_days", "first_purchase_on", "last_purchase_at",
)  # fmt: skip

TRANSITIONS = """
SELECT customer_id, toUnixTimestamp64Milli(changed_at), toString(from_status), toString(to_status)
FROM customer_transitions FINAL WHERE NOT is_retracted ORDER BY customer_id, changed_at
"""

STATE = """
SELECT customer_id, is_anonymous, toUnixTimestamp64Milli(first_seen_at),
       toUnixTimestamp64Milli(website_seen_at), toUnixTimestamp64Milli(chat_seen_at),
       toUnixTimestamp64Milli(purchase_seen_at), events_total, orders_total, purchase_days,
       toInt32(first_purchase_on), toUnixTimestamp64Milli(last_purchase_at), n_applied
FROM customer_state FINAL
"""

DAILY = """
SELECT customer_id, toInt32(day), toString(channel),
       events, arraySort(arrayFilter(n -> n.2 > 0, arrayZip(mapKeys(counts), mapValues(counts)))), points,
       orders, conversations, messages
FROM customer_daily FINAL
"""

#: Five-minute rows are exact for the 50 hours up to the customer's newest event.
FIVE = """
SELECT customer_id, toInt64(toUnixTimestamp(bucket_at)), toString(channel),
       events, orders, conversations, messages
FROM (SELECT * FROM customer_5m FINAL) AS five
INNER JOIN (SELECT customer_id, max(occurred_at) AS newest_at FROM events GROUP BY customer_id) AS newest
USING (customer_id)
WHERE bucket_at > toStartOfFiveMinutes(newest_at) - INTERVAL 50 HOUR
"""

#: The metric dictionary in SQL over the facts alone: which events count, and what the tables must hold.
_FACTS = """
WITH
facts AS
(
    SELECT
        customer_id, toString(channel) AS channel, toString(type) AS type, occurred_at,
        JSONExtractString(properties, 'order_id') AS order_id,
        type NOT IN ('identify', 'alias', 'conversation_ended')
        AND NOT (type = 'message_sent' AND JSONExtractString(properties, 'author') IN ('agent', 'bot'))
        AND NOT (type = 'order_completed' AND row_number() OVER (
            PARTITION BY customer_id, type, order_id ORDER BY occurred_at, event_id) > 1) AS counts,
        counts AND type != 'order_completed' AS sees,
        max(occurred_at) OVER (PARTITION BY customer_id) AS newest_at
    FROM events FINAL
)
"""

STATE_FROM_FACTS = f"""{_FACTS}
SELECT customer_id, toUInt8(startsWith(customer_id, 'anon:')),
       toUnixTimestamp64Milli(minOrNullIf(occurred_at, counts)),
       toUnixTimestamp64Milli(maxOrNullIf(occurred_at, sees AND channel = 'website')),
       toUnixTimestamp64Milli(maxOrNullIf(occurred_at, sees AND channel = 'chat')),
       toUnixTimestamp64Milli(maxOrNullIf(occurred_at, sees AND channel = 'purchase')),
       count(), countIf(counts AND type = 'order_completed'),
       uniqExactIf(toDate(occurred_at), counts AND type = 'order_completed'),
       toInt32(toDate(minOrNullIf(occurred_at, counts AND type = 'order_completed'))),
       toUnixTimestamp64Milli(maxOrNullIf(occurred_at, counts AND type = 'order_completed')), count()
FROM facts GROUP BY customer_id
"""

_POINTS = (
    f"transform(type, {list(WEIGHTS)}, {[points for points, _ in WEIGHTS.values()]}, 1)"
    f" * least(n, transform(type, {list(WEIGHTS)}, {[cap for _, cap in WEIGHTS.values()]}, 10))"
)
DAILY_FROM_FACTS = f"""{_FACTS}
SELECT customer_id, day, channel, sum(all), arraySort(groupArrayIf((type, n), n > 0)),
       toFloat64(sum({_POINTS})), sumIf(n, type = 'order_completed'), sumIf(n, type = 'conversation_started'),
       sumIf(n, type = 'message_sent')
FROM
(
    SELECT customer_id, toInt32(toDate(occurred_at)) AS day, channel, type,
           count() AS all, countIf(counts) AS n
    FROM facts GROUP BY customer_id, day, channel, type
)
GROUP BY customer_id, day, channel
"""

FIVE_FROM_FACTS = f"""{_FACTS}
SELECT customer_id, toInt64(toUnixTimestamp(toStartOfFiveMinutes(occurred_at))) AS bucket, channel, count(),
       countIf(counts AND type = 'order_completed'), countIf(counts AND type = 'conversation_started'),
       countIf(counts AND type = 'message_sent')
FROM facts
WHERE toStartOfFiveMinutes(occurred_at) > toStartOfFiveMinutes(newest_at) - INTERVAL 50 HOUR
GROUP BY customer_id, bucket, channel
"""

#: (table, how many columns are its key, what it holds, what it must hold by its facts)
TABLES = (
    ("customer_state", 1, STATE, STATE_FROM_FACTS),
    ("customer_daily", 3, DAILY, DAILY_FROM_FACTS),
    ("customer_5m", 3, FIVE, FIVE_FROM_FACTS),
)


def check_rows(
    rig: Rig, expected: Mapping[str, Expected], findings: Findings, only: Collection[str] | None = None
) -> None:
    """Every field of every row equals the oracle's and the one counted from the facts.

    `only`: look at these customers alone.
    """
    some = f"customer_id IN {list(only)}" if only is not None else "true"
    for table, columns, held, counted in TABLES:
        found = _by_key(rig.rows(f"SELECT * FROM ({held}) WHERE {some}"), columns)
        from_facts = _by_key(rig.rows(f"SELECT * FROM ({counted}) WHERE {some}"), columns)
        findings.differences(f"{table} and the oracle", found, _oracle(table, expected))
        findings.differences(f"{table} and SQL over events", found, from_facts)


def check_histories(
    rig: Rig, expected: Mapping[str, Expected], findings: Findings, only: Collection[str] | None = None
) -> None:
    """Changes of churn status: all up to the customer's newest order, and of those since as many as sweeps
    have come to."""
    found: dict[str, list[Change]] = defaultdict(list)
    for customer, *change in rig.rows(TRANSITIONS):
        found[customer].append(Change(*change))
    ((now_ms,),) = rig.rows("SELECT toUnixTimestamp64Milli(as_of) FROM v_clock")
    wrong = {}
    for customer in only if only is not None else expected:
        times = [] if customer.startswith("anon:") else expected[customer].order_times_ms
        by_orders = simulate(times, max(times, default=0))
        told = found.pop(customer, [])
        by_now = simulate(times, max([now_ms, *times]))
        if told[: len(by_orders)] != by_orders or told != by_now[: len(told)]:
            wrong[customer] = (told, by_now)
    findings.differences("customer_transitions and a day-by-day simulation", wrong, {})
    if only is None:
        findings.differences("customer_transitions of nobody", found, {})


def check_rows_in_sql(rig: Rig, findings: Findings) -> None:
    """The comparison with the facts where there are too many rows to fetch."""
    for table, columns, held, counted in TABLES:
        for what, one, other in (("too many", held, counted), ("missing", counted, held)):
            rows = rig.rows(f"SELECT * FROM (SELECT * FROM ({one}) EXCEPT SELECT * FROM ({other})) LIMIT 5")
            findings.differences(f"{table}, {what} by SQL over events", _by_key(rows, columns), {})


def _by_key(rows: list[tuple[Any, ...]], columns: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {row[:columns]: row[columns:] for row in rows}


def _oracle(table: str, expected: Mapping[str, Expected]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    if table == "customer_state":
        return {
            (customer,): (*(what.state[name] for name in _STATE_FIELDS), what.state["events_total"])
            for customer, what in expected.items()
        }
    if table == "customer_daily":
        return {
            (customer, *key): _day(cell)
            for customer, what in expected.items()
            for key, cell in what.daily.items()
        }
    return {
        (customer, *key): (cell["events"], cell["orders"], cell["conversations"], cell["messages"])
        for customer, what in expected.items()
        for key, cell in what.fives_held().items()
    }


def _day(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        cell["events"],
        sorted(cell["counts"].items()),
        float(points_of(cell["counts"])),
        cell["orders"],
        cell["conversations"],
        cell["messages"],
    )
