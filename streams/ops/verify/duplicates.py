"""Duplicates that came too late to be noticed, as the cause of a disagreement.

State remembers an event id for some days by append time. A duplicate that comes later is one fact but is
counted again in the customer's rows: known, and said as what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.ops.verify.checks import CUSTOMER
from streams.ops.verify.compare import Disagreement

# Without FINAL: copies of an event are told apart for as long as ClickHouse has not merged them.
_LATE: Final = """
WITH owners AS
(
    SELECT customer_id AS sent_id, customer_id AS owner_id FROM scope
    UNION DISTINCT
    SELECT device, customer_id FROM links WHERE customer_id IN (SELECT customer_id FROM scope)
)
SELECT owner_id, any(event_id), max(apart_days)
FROM
(
    SELECT customer_id AS sent_id, event_id, dateDiff('day', min(appended_at), max(appended_at)) AS apart_days
    FROM events
    WHERE customer_id IN (SELECT sent_id FROM owners)
    GROUP BY customer_id, occurred_at, event_id
    HAVING apart_days > {days:UInt32}
) AS copies
INNER JOIN owners USING (sent_id)
GROUP BY owner_id
"""


def with_causes(
    client: Client, disagreements: Iterable[Disagreement], horizon_days: int
) -> list[Disagreement]:
    """The disagreements, with their cause where events of the customer came again beyond the horizon."""
    found = list(disagreements)
    if not any(name == CUSTOMER for one in found for name, _ in one.key):
        return found
    rows = client.query(_LATE, parameters={"days": horizon_days}).result_rows
    causes = {
        customer: f"event {event_id} came again {days} days later, beyond the dedupe horizon"
        for customer, event_id, days in rows
    }
    return [one._replace(cause=causes.get(dict(one.key).get(CUSTOMER), "")) for one in found]
