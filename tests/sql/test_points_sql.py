"""What ClickHouse computes on insert is what `streams.core.score` defines, for any rules and any counts."""

from __future__ import annotations

from collections.abc import Mapping

from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.core.score import ScoreRules, Weight, points
from streams.rules.daily_points import point_lines_sql, points_sql

TYPES = st.sampled_from(["page_viewed", "form_submitted", "order_completed", "a", "wish_1", "z_9"])
#: Eighths have an exact sum in any order.
WEIGHTS = st.builds(Weight, st.integers(0, 8_000_000).map(lambda n: n / 8), st.integers(1, 1_000_000))
RULES = st.builds(ScoreRules, st.dictionaries(TYPES, WEIGHTS), WEIGHTS)
COUNTS = st.dictionaries(TYPES, st.integers(0, 2_000_000))
ROW = """
(
    SELECT
        mapFromArrays({types:Array(String)}, {ns:Array(UInt64)}) AS given,
        CAST(given, 'Map(LowCardinality(String), UInt64)') AS counts
)
"""
SLOW_FRONT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(RULES, COUNTS)
@SLOW_FRONT
def test_points_are_those_of_the_definition(
    session_client: Client, rules: ScoreRules, counts: Mapping[str, int]
) -> None:
    ((found,),) = session_client.query(
        f"SELECT {points_sql(rules)} FROM {ROW}",
        parameters={"types": list(counts), "ns": list(counts.values())},
    ).result_rows
    assert found == points(counts, rules)


@given(RULES, COUNTS)
@SLOW_FRONT
def test_lines_explain_the_points(
    session_client: Client, rules: ScoreRules, counts: Mapping[str, int]
) -> None:
    ((lines,),) = session_client.query(
        f"SELECT {point_lines_sql(rules)} FROM {ROW}",
        parameters={"types": list(counts), "ns": list(counts.values())},
    ).result_rows
    weights = {type_: rules.weights.get(type_, rules.other).points for type_ in counts}
    assert sorted(lines) == sorted(
        (type_, n, weights[type_], points({type_: n}, rules)) for type_, n in counts.items()
    )
