"""Customers by the beginning of their id."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.parameters import text
from streams.dashboard.subject import Look, Views

_BY_PREFIX: Final = """
SELECT customer_id, score, churn_status, last_seen_at
FROM v_customer_360
WHERE startsWith(customer_id, {prefix:String})
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
        as_of, customers = await asyncio.gather(
            views.as_of(), views.live.rows(_BY_PREFIX, prefix=self.prefix)
        )
        return Look({"as_of": as_of, "customers": customers})
