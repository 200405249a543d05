"""The stream itself: how far behind, how fresh, what was refused. By the wall clock, as the views are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.subject import Look, Views

_PARTS: Final = {
    "lag": """
SELECT * FROM v_stream_lag
WHERE measured_at > now64(3) - toIntervalMinute(10)
ORDER BY consumer_group, topic, partition, measured_at DESC
LIMIT 1 BY consumer_group, topic, partition
""",
    "freshness": "SELECT *, (SELECT as_of FROM v_clock) AS as_of FROM v_freshness ORDER BY table_name",
    "rejects_by_reason": """
SELECT reason, count() AS rejected
FROM v_rejected_events
WHERE rejected_at > now64(3) - toIntervalHour(24)
GROUP BY reason
ORDER BY rejected DESC, reason
""",
    "rejects": """
SELECT * FROM v_rejected_events
ORDER BY rejected_at DESC, source_topic, source_partition, source_offset DESC
LIMIT 50
""",
}


@dataclass(frozen=True)
class Health:
    """The same for everybody. It costs four queries, and lag is measured every 15 seconds by default."""

    every_seconds: ClassVar[float] = 2.0

    async def look(self, views: Views, last: Look | None) -> Look:
        rows = await asyncio.gather(*(views.live.rows(sql) for sql in _PARTS.values()))
        answer = dict(zip(_PARTS, rows, strict=True))
        as_of = {row.pop("as_of") for row in answer["freshness"]}.pop()
        return Look({"as_of": as_of, **answer})
