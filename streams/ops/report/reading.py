"""What the views say, for a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from streams.errors import EngageError
from streams.ops.report.periods import Basis, Grain, period_of
from streams.ops.report.sections import Row
from streams.rules.in_force import rules_in_force

_PERIODS: Final = 24
"""Periods shown at most, the newest ones; and a cohort is followed for as many."""
_LAST_DAY: Final = date(2149, 1, 1)

_CLOCK: Final = "SELECT as_of FROM v_clock"
_RETENTION: Final = """
SELECT * FROM v_retention_period
WHERE grain = {grain:String} AND basis = {basis:String} AND period_start < {limit:Date}
ORDER BY period_start DESC LIMIT {periods:UInt32}
"""
# Without on_or_after_pct: it goes by all that came later, also after a past date.
_COHORTS: Final = """
SELECT cohort_start, k, is_complete, size, on_pct FROM v_retention_cohort
WHERE grain = {grain:String} AND basis = {basis:String}
    AND cohort_start >= {first:Date} AND k < {periods:UInt32}
    AND dateDiff({grain:String}, cohort_start, {limit:Date}) > k
ORDER BY cohort_start, k
"""
_LIFECYCLE: Final = """
SELECT * FROM v_lifecycle
WHERE grain = {grain:String} AND period_start < {limit:Date}
ORDER BY period_start DESC LIMIT {periods:UInt32}
"""
_REPEAT: Final = "SELECT * FROM v_repeat_purchase"
_GAPS: Final = """
SELECT if(count() = 0, NULL, quantileExactInclusive(0.5)(gap)) AS median_days, count() AS gaps
FROM
(
    SELECT arrayJoin(arrayMap((day, before) -> day - before, arrayPopFront(days), arrayPopBack(days))) AS gap
    FROM
    (
        SELECT arraySort(groupUniqArray(toDate(ordered_at))) AS days
        FROM v_orders
        WHERE toDate(ordered_at) <= {day:Date} AND NOT startsWith(customer_id, 'anon:')
        GROUP BY customer_id
    )
)
"""
_AT_RISK: Final = """
SELECT churn_status, count() AS customers, countIf(is_off_season) AS off_season
FROM v_at_risk GROUP BY churn_status ORDER BY churn_status
"""
_NPS: Final = """
SELECT * FROM v_nps WHERE quarter_start < {limit:Date} ORDER BY quarter_start DESC LIMIT 8
"""
_CSAT: Final = """
SELECT * FROM v_csat
WHERE month_start < {limit:Date} AND month_start > addMonths({day:Date}, -6)
ORDER BY month_start DESC, touchpoint
"""
_HANDOVERS: Final = """
SELECT * FROM v_channel_handover
WHERE month_start < {limit:Date} AND month_start > addMonths({day:Date}, -12)
ORDER BY month_start, from_channel, to_channel
"""
_GOALS: Final = "SELECT * FROM v_goals ORDER BY due_date, goal_id"
_MEANINGS: Final = """
SELECT table, name, comment FROM system.columns WHERE database = currentDatabase() AND startsWith(table, 'v_')
"""


@dataclass(frozen=True)
class Scope:
    """What a report is about. At `past`, a date before that of `as_of`, only what had ended is shown."""

    grain: Grain
    basis: Basis
    as_of: datetime
    past: date | None

    @property
    def day(self) -> date:
        """The last day that figures may rest on."""
        return self.past or self.as_of.date()

    def limit(self, grain: Grain) -> date:
        """Periods that begin on or after this date are not shown: at a past date they had not ended."""
        return _LAST_DAY if self.past is None else period_of(self.past + timedelta(days=1), grain)

    @property
    def lifecycle_grain(self) -> Grain:
        """There is no lifecycle by quarter."""
        return Grain.MONTH if self.grain is Grain.QUARTER else self.grain


@dataclass(frozen=True)
class Figures:
    """Rows of the views, the oldest period first; empty at a past date where a view holds at `as_of` only."""

    scope: Scope
    retention: list[Row]
    cohorts: list[Row]
    lifecycle: list[Row]
    repeat_purchase: list[Row]
    gaps: Row
    at_risk: list[Row]
    nps: list[Row]
    csat: list[Row]
    handovers: list[Row]
    goals: list[Row]
    meanings: Mapping[tuple[str, str], str]
    """Comments by view and column."""


def read_figures(client: Client, grain: Grain, basis: Basis, past: date | None) -> Figures:
    """Ask the views.

    Raises:
        EngageError: `past` lies ahead, or there is nothing to report.
    """
    scope = _scope(client, grain, basis, past)
    ask = _Asker(client, scope)
    retention = ask(_RETENTION, grain)[::-1]
    if not retention:
        raise _nothing(scope)
    is_now = scope.past is None
    return Figures(
        scope=scope,
        retention=retention,
        cohorts=ask(_COHORTS, grain, first=retention[0]["period_start"]),
        lifecycle=ask(_LIFECYCLE, scope.lifecycle_grain)[::-1],
        repeat_purchase=ask(_REPEAT) if is_now else [],
        gaps={**ask(_GAPS)[0], "population_gap_days": rules_in_force(client).churn.population_gap_days},
        at_risk=ask(_AT_RISK) if is_now else [],
        nps=ask(_NPS, Grain.QUARTER)[::-1],
        csat=ask(_CSAT, Grain.MONTH),
        handovers=ask(_HANDOVERS, Grain.MONTH),
        goals=ask(_GOALS) if is_now else [],
        meanings={(row["table"], row["name"]): row["comment"] for row in ask(_MEANINGS)},
    )


class _Asker:
    """Runs queries with what the scope says of periods of a grain."""

    def __init__(self, client: Client, scope: Scope) -> None:
        self._client = client
        self._scope = scope

    def __call__(self, sql: str, grain: Grain = Grain.DAY, **others: Any) -> list[Row]:
        bound = {
            "grain": grain.value,
            "basis": self._scope.basis.value,
            "limit": self._scope.limit(grain),
            "day": self._scope.day,
            "periods": _PERIODS,
            **others,
        }
        return list(self._client.query(sql, parameters=bound).named_results())


def _scope(client: Client, grain: Grain, basis: Basis, past: date | None) -> Scope:
    ((sent,),) = client.query(_CLOCK).result_rows
    as_of: datetime = sent.replace(tzinfo=timezone.utc)
    if past is not None and past > as_of.date():
        raise EngageError(f"--as-of {past} lies ahead: figures hold at {as_of.date()}")
    return Scope(grain, basis, as_of, None if past == as_of.date() else past)


def _nothing(scope: Scope) -> EngageError:
    if scope.past is None:
        return EngageError(
            "nothing to report yet, as there are no events: send some (`engage send`, `engage replay`), "
            "or set ENGAGE_CLICKHOUSE_URL to a database that has some"
        )
    return EngageError(
        f"nothing to report: no {scope.grain.value} with events in or before it had ended by {scope.past}"
    )
