"""Customers by the beginning of their id."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.parameters import text
from streams.dashboard.subject import Look, Row, Views

MOST: Final = 20
#: With 20 customers found by any means, the first 20 of all lie at or before the last of them. This finds 20
#: at little cost, where v_customer_360 would be computed for everybody whose id begins so.
BOUND: Final = """
SELECT max(customer_id) AS last, count() AS n
FROM
(
    SELECT DISTINCT customer_id
    FROM v_score_ledger
    WHERE startsWith(customer_id, {prefix:String})
    ORDER BY customer_id
    LIMIT 20
)
"""
BY_PREFIX: Final = """
SELECT customer_id, score, churn_status, last_seen_at
FROM v_customer_360
WHERE startsWith(customer_id, {prefix:String})
ORDER BY customer_id
LIMIT 20
"""
UP_TO: Final = """
SELECT customer_id, score, churn_status, last_seen_at
FROM v_customer_360
WHERE startsWith(customer_id, {prefix:String}) AND customer_id <= {last:String}
ORDER BY customer_id
LIMIT 20
"""


@dataclass(frozen=True)
class Search:
    """At most 20, in the order of their ids."""

    prefix: str

    every_seconds: ClassVar[float] = 1.0

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Search:
        return cls(text(query.get("q", ""), "q"))

    async def look(self, views: Views, last: Look | None) -> Look:
        as_of, customers = await asyncio.gather(views.as_of(), self._customers(views))
        return Look({"as_of": as_of, "customers": customers})

    async def _customers(self, views: Views) -> list[Row]:
        (bound,) = await views.live.rows(BOUND, prefix=self.prefix)
        if bound["n"] == MOST:
            found = await views.live.rows(UP_TO, prefix=self.prefix, last=bound["last"])
            if len(found) == MOST:
                return found
        return await views.live.rows(BY_PREFIX, prefix=self.prefix)
