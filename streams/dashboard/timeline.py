"""A customer's events, newest first, in pages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.parameters import CHANNELS, chosen, instant, text
from streams.dashboard.subject import Answer, Look, Row, Views

PAGE: Final = 50
#: After all times that ClickHouse knows.
NO_END: Final = "2299-01-01 00:00:00.000"

#: One more than a page tells whether there is more. WITH TIES: what happened at one instant is on one page:
#: the next one begins before it.
EVENTS: Final = """
SELECT * FROM v_events
WHERE customer_id = {id:String}
    AND occurred_at < {before:DateTime64(3, 'UTC')}
    AND {channel:String} IN ('', channel)
ORDER BY occurred_at DESC
LIMIT {limit:UInt32} WITH TIES
"""


@dataclass(frozen=True)
class Timeline:
    """The page of events before an instant."""

    customer_id: str
    before: str
    channel: str

    every_seconds: ClassVar[float] = 1.0

    @classmethod
    def asked(cls, customer_id: str, query: Mapping[str, str]) -> Timeline:
        return cls(
            text(customer_id, "customer id"),
            instant(query, "before"),
            chosen(query, "channel", CHANNELS, ""),
        )

    async def look(self, views: Views, last: Look | None) -> Look:
        as_of, page = await asyncio.gather(
            views.as_of(), events_page(views, self.customer_id, self.before, self.channel)
        )
        return Look({"as_of": as_of, **page})


async def events_page(views: Views, customer_id: str, before: str, channel: str) -> Answer:
    """`events`: 50, or more if further ones happened at the instant of the last; and `has_more`."""
    rows = await views.live.rows(EVENTS, id=customer_id, before=before, channel=channel, limit=PAGE + 1)
    return {"events": in_order(page_of(rows)), "has_more": len(rows) > PAGE}


def page_of(newest_first: list[Row]) -> list[Row]:
    """Whole instants only, down to that of the last row of a page."""
    if len(newest_first) <= PAGE:
        return newest_first
    oldest = newest_first[PAGE - 1]["occurred_at"]
    return [row for row in newest_first if row["occurred_at"] >= oldest]


def in_order(rows: list[Row]) -> list[Row]:
    """Newest first; those of one instant always in the same order, as ClickHouse's may change."""
    by_content = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    return sorted(by_content, key=lambda row: str(row["occurred_at"]), reverse=True)
