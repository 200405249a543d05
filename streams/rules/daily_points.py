"""Points of `customer_daily`: computed by ClickHouse, on insert, from the counts of a row.

The rules have a column of their own, `points_` and the digest of its expression, so a column never holds
points of two sets of rules: a row that was written before the column was there, or by an insert that knew
nothing of it, has them computed when it is read. What views read are aliases, which one ALTER turns to other
rules at one instant:

    points       the column of the rules in force
    half_point   raw points that make a score of 50
    point_lines  (type, count, weight, points) of each type of event, which add up to `points`
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerDailyRow
from streams.core.score import ScoreRules
from streams.errors import MigrationError
from streams.rules.model import Rules

TABLE: Final = CustomerDailyRow.TABLE
_PREFIX: Final = "points_"
_LINES: Final = "Array(Tuple(type String, count UInt64, weight Float64, points Float64))"
_PAUSE_SECONDS: Final = 0.1

_COLUMNS: Final = """
SELECT name FROM system.columns
WHERE database = currentDatabase() AND table = {table:String} AND startsWith(name, {prefix:String})
"""
_PARTS_WITHOUT: Final = """
SELECT count() FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND active AND name NOT IN
(
    SELECT name FROM system.parts_columns
    WHERE database = currentDatabase() AND table = {table:String} AND active AND column = {column:String}
)
"""
#: The newest mutation that fills the column: is it done, why not, rows done, rows in all.
_MUTATION: Final = """
SELECT is_done, latest_fail_reason, sumIf(rows, NOT has(parts_to_do_names, name)), sum(rows)
FROM
(
    SELECT is_done, latest_fail_reason, parts_to_do_names FROM system.mutations
    WHERE database = currentDatabase() AND table = {table:String}
        AND position(command, concat('MATERIALIZE COLUMN ', {column:String})) > 0
    ORDER BY create_time DESC, mutation_id DESC LIMIT 1
) AS mutation
LEFT JOIN
(
    SELECT name, rows FROM system.parts
    WHERE database = currentDatabase() AND table = {table:String} AND active
) AS part ON true
GROUP BY is_done, latest_fail_reason
"""


class DailyPoints:
    """See `streams.rules.dependents.Dependent`."""

    def constants(self, rules: Rules) -> dict[str, str]:
        return {}

    def prepare(self, client: Client, rules: Rules) -> None:
        """The column and, in a new database, the aliases."""
        client.command(
            f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {points_column(rules)} Float64 "
            f"DEFAULT {points_sql(rules.score)}, "
            f"ADD COLUMN IF NOT EXISTS half_point Float64 ALIAS {rules.score.half_point!r}, "
            f"ADD COLUMN IF NOT EXISTS point_lines {_LINES} ALIAS {point_lines_sql(rules.score)}"
        )

    def fill(self, client: Client, rules: Rules, on_progress: Callable[[int, int], None]) -> None:
        """Have ClickHouse store what it would compute at each reading: a mutation, which outlives us."""
        parameters = {"table": TABLE, "column": points_column(rules)}
        if not client.query(_PARTS_WITHOUT, parameters=parameters).result_rows[0][0]:
            return
        mutation = client.query(_MUTATION, parameters=parameters).result_rows
        if not mutation or mutation[0][0]:
            client.command(
                f"ALTER TABLE {TABLE} MATERIALIZE COLUMN {points_column(rules)} SETTINGS mutations_sync = 0"
            )
        while True:
            ((is_done, failure, done, total),) = client.query(_MUTATION, parameters=parameters).result_rows
            on_progress(done, total)
            if is_done:
                return
            if failure:
                raise MigrationError(f"ClickHouse cannot compute the points of {TABLE}: {failure}")
            time.sleep(_PAUSE_SECONDS)

    def switch(self, client: Client, rules: Rules) -> None:
        """All views that read points follow these rules from here on."""
        client.command(
            f"ALTER TABLE {TABLE} MODIFY COLUMN points Float64 ALIAS {points_column(rules)}, "
            f"MODIFY COLUMN half_point Float64 ALIAS {rules.score.half_point!r}, "
            f"MODIFY COLUMN point_lines {_LINES} ALIAS {point_lines_sql(rules.score)}"
        )

    def tidy(self, client: Client, rules: Rules) -> None:
        """Drop the columns of other rules. Nothing waits for the files to go."""
        held = client.query(_COLUMNS, parameters={"table": TABLE, "prefix": _PREFIX}).result_rows
        drops = [f"DROP COLUMN {name}" for (name,) in held if name != points_column(rules)]
        if drops:
            client.command(f"ALTER TABLE {TABLE} {', '.join(drops)} SETTINGS alter_sync = 0")


def points_column(rules: Rules) -> str:
    """The column with the points by these rules."""
    return _PREFIX + sha256(points_sql(rules.score).encode()).hexdigest()[:8]


def points_sql(rules: ScoreRules) -> str:
    """`streams.core.score.points` in SQL, over the map `counts`."""
    earned = f"{_weight(rules)} * least(n, {_cap(rules)})"
    return f"arraySum((type, n) -> {earned}, mapKeys(counts), mapValues(counts))"


def point_lines_sql(rules: ScoreRules) -> str:
    line = f"(toString(type), n, {_weight(rules)}, {_weight(rules)} * least(n, {_cap(rules)}))"
    return f"arrayMap((type, n) -> {line}, mapKeys(counts), mapValues(counts))"


def _weight(rules: ScoreRules) -> str:
    return _by_type(
        {name: float(weight.points) for name, weight in rules.weights.items()}, float(rules.other.points)
    )


def _cap(rules: ScoreRules) -> str:
    return _by_type({name: weight.daily_cap for name, weight in rules.weights.items()}, rules.other.daily_cap)


def _by_type(values: dict[str, float], other: float) -> str:
    """The value of `type`. Names of event types have no character that SQL would read differently."""
    if not values:
        return repr(other)
    names, numbers = (", ".join(map(repr, column)) for column in (values.keys(), values.values()))
    return f"transform(type, [{names}], [{numbers}], {other!r})"
