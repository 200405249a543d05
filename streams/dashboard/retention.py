"""Retention: periods, cohorts, lifecycle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from streams.dashboard.parameters import chosen
from streams.dashboard.subject import Look, Row, Views

GRAINS: Final = ("day", "week", "month", "quarter")
BASES: Final = ("purchase", "engagement")

_PERIODS: Final = """
SELECT * FROM v_retention_period
WHERE grain = {grain:String} AND basis = {basis:String}
ORDER BY period_start DESC
LIMIT 24
"""
_COHORTS: Final = """
SELECT * FROM v_retention_cohort
WHERE grain = {grain:String} AND basis = {basis:String}
QUALIFY dense_rank() OVER (ORDER BY cohort_start DESC) <= 12
ORDER BY cohort_start, k
"""
_LIFECYCLE: Final = """
SELECT * FROM v_lifecycle WHERE grain = {grain:String} ORDER BY period_start DESC LIMIT 24
"""


@dataclass(frozen=True)
class Retention:
    """By the length of periods, and what counts. Lifecycle is by engagement, and has no quarters."""

    grain: str
    basis: str

    every_seconds: ClassVar[float] = 30.0

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Retention:
        return cls(chosen(query, "grain", GRAINS, "month"), chosen(query, "basis", BASES, "purchase"))

    async def look(self, views: Views, last: Look | None) -> Look:
        as_of, periods, cohorts, lifecycle = await asyncio.gather(
            views.as_of(),
            views.slow.rows(_PERIODS, grain=self.grain, basis=self.basis),
            views.slow.rows(_COHORTS, grain=self.grain, basis=self.basis),
            self._lifecycle(views),
        )
        answer = {
            "as_of": as_of,
            "periods": periods[::-1],
            "cohorts": cohorts,
            "lifecycle": lifecycle[::-1],
        }
        return Look(answer)

    async def _lifecycle(self, views: Views) -> list[Row]:
        if self.grain == "quarter":
            return []
        return await views.slow.rows(_LIFECYCLE, grain=self.grain)
