"""Who is here now, hot leads first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.parameters import CHANNELS, chosen, number, whole
from streams.dashboard.subject import Look, Views

#: The view is read once: counts come along in each row. Those of other channels than the one wanted follow,
#: if there is room, so that there is a row whenever somebody is here.
_VISITORS: Final = """
SELECT
    *,
    (SELECT as_of FROM v_clock) AS as_of,
    {channel:String} IN ('', channel) AS is_wanted,
    countIf(channel = 'website') OVER () AS website,
    countIf(channel = 'chat') OVER () AS chat,
    countIf(channel = 'purchase') OVER () AS purchase
FROM v_live_visitors
WHERE score >= {min_score:Float64}
ORDER BY is_wanted DESC, lead_score DESC NULLS LAST, score DESC, last_at DESC, customer_id
LIMIT {limit:UInt32}
"""


@dataclass(frozen=True)
class Visitors:
    """`total` is of the channel and score asked for; `by_channel` of all channels, from that score on."""

    channel: str
    min_score: float
    limit: int

    every_seconds: ClassVar[float] = 1.0

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Visitors:
        return cls(
            chosen(query, "channel", CHANNELS, ""),
            number(query, "min_score", 0, 100) or 0.0,
            whole(query, "limit", 1, 1_000, default=100),
        )

    async def look(self, views: Views, last: Look | None) -> Look:
        rows = await views.live.rows(
            _VISITORS, channel=self.channel, min_score=self.min_score, limit=self.limit
        )
        here = {channel: rows[0][channel] if rows else 0 for channel in CHANNELS}
        added = {"as_of", "is_wanted", *CHANNELS}
        visitors = [
            {name: value for name, value in row.items() if name not in added}
            for row in rows
            if row["is_wanted"]
        ]
        answer = {
            "as_of": rows[0]["as_of"] if rows else await views.as_of(),
            "total": here[self.channel] if self.channel else sum(here.values()),
            "by_channel": [{"channel": channel, "visitors": n} for channel, n in here.items()],
            "visitors": visitors,
        }
        return Look(answer)
