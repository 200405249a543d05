"""What identity asks of ClickHouse: claims, links, whole histories, and the cells that rows have filled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.core.identity import Claim, Link
from streams.core.refold import FactRow
from streams.sinks.base import Cell, StoredLink
from streams.sinks.queries import rows

_CLAIMS: Final = """
SELECT anonymous_id, customer_id, toUnixTimestamp64Milli(claimed_at), event_id
FROM identity_claims FINAL
WHERE anonymous_id IN %(anonymous_ids)s
"""
_LINKS: Final = """
SELECT anonymous_id, customer_id, toUnixTimestamp64Milli(claimed_at), event_id,
       toUnixTimestamp64Milli(valid_from), valid_from_event_id,
       toUnixTimestamp64Milli(valid_until), valid_until_event_id, is_void
FROM identity_links FINAL
WHERE {column} IN %(ids)s
"""
#: As `core.refold.FactRow` has them.
FACT_COLUMNS: Final = """
       customer_id, event_id, channel, type, toUnixTimestamp64Milli(occurred_at), properties,
       source_topic, source_partition, source_offset, toUnixTimestamp64Milli(appended_at)"""
_HISTORY: Final = f"""
SELECT{FACT_COLUMNS}
FROM events FINAL
WHERE customer_id IN %(customer_ids)s
"""
_DAYS: Final = """
SELECT customer_id, toInt64(toUnixTimestamp(toDateTime(day, 'UTC'))) AS at, channel
FROM customer_daily FINAL
WHERE customer_id IN %(customer_ids)s AND events > 0
"""
_FIVES: Final = """
SELECT customer_id, toInt64(toUnixTimestamp(bucket_at)) AS at, channel
FROM customer_5m FINAL
WHERE customer_id IN %(customer_ids)s AND bucket_at >= toDateTime(%(since)s, 'UTC') AND events > 0
"""
_DAY_SECONDS: Final = 86_400
_FIVE_MINUTES_SECONDS: Final = 300


def query_claims(client: Client, anonymous_ids: Collection[str]) -> list[Claim]:
    """See `Sink.claims`."""
    return [Claim(*row) for row in rows(client, _CLAIMS, anonymous_ids=sorted(anonymous_ids))]


def query_links(client: Client, column: str, ids: Collection[str]) -> list[StoredLink]:
    """See `Sink.links`; `column` is `anonymous_id` or `customer_id`."""
    found = rows(client, _LINKS.format(column=column), ids=sorted(ids))
    return [
        StoredLink(Link(row[0], row[1], (row[2], row[3]), (row[4], row[5]), (row[6], row[7])), bool(row[8]))
        for row in found
    ]


def query_history(client: Client, customer_ids: Collection[str]) -> Sequence[FactRow]:
    """See `Sink.history`."""
    return rows(client, _HISTORY, customer_ids=sorted(customer_ids))


def query_filled(client: Client, since_ms: Mapping[str, int]) -> list[Cell]:
    """See `Sink.filled`. All are asked from the earliest instant of any."""
    customer_ids = sorted(since_ms)
    since = max(0, min(since_ms.values()) // 1000)
    days = rows(client, _DAYS, customer_ids=customer_ids)
    fives = rows(client, _FIVES, customer_ids=customer_ids, since=since)
    return [
        *(Cell(customer, True, at // _DAY_SECONDS, channel) for customer, at, channel in days),
        *(Cell(customer, False, at // _FIVE_MINUTES_SECONDS, channel) for customer, at, channel in fives),
    ]
