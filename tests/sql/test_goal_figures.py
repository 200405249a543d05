"""v_goals.current: the figures of the metric dictionary, and nothing read that no goal is about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from streams.ops.goals import SEGMENTS, figure
from tests.sql import expected_value
from tests.sql import retention_expected as retention
from tests.sql.goals import set_goals
from tests.sql.lives import NEWEST, live
from tests.sql.scenario import Event, at, insert_facts
from tests.sql.test_pruning import rows_read
from tests.sql.test_satisfaction import answer, expected_csat, expected_nps

TODAY = NEWEST.date()
TOMORROW = TODAY + timedelta(days=1)


def expected_figures(events: list[Event]) -> dict[tuple[str, str], Any]:
    """By (metric, segment), as far as there is a figure."""
    figures: dict[tuple[str, str], Any] = {("mau", "all"): float(retention.stickiness(events, NEWEST)[-1][3])}
    for (window,), (*_, share) in expected_value.repeat_purchase(events, TODAY).items():
        figures["repeat_purchase_pct", window] = share
    for grain in retention.GRAINS:
        for basis in retention.BASES:
            figures |= _rates(events, grain, basis)
    if (quarter := (date(TODAY.year - 1, 10, 1),)) in (nps := expected_nps(events)):
        figures["nps", "all"] = nps[quarter][-1]
    february = {
        touchpoint: row
        for (month, touchpoint), row in expected_csat(events).items()
        if month == date(2026, 2, 1)
    }
    for touchpoint, (_, share) in february.items():
        figures["csat_pct", touchpoint] = share
    n = sum(row[0] for row in february.values())
    good = sum(n * share.expected for n, share in february.values())
    return figures | ({("csat_pct", "all"): pytest.approx(good / n)} if n else {})


def current(client: Client) -> dict[str, float | None]:
    return dict(client.query("SELECT goal_id, current FROM v_goals").result_rows)


def _rates(events: list[Event], grain: str, basis: str) -> dict[tuple[str, str], Any]:
    ended = [row for row in retention.retention_periods(events, NEWEST, grain, basis, 90) if row[1]]
    names = ("retention_rate_pct", "retention_strict_pct", "churn_net_pct", "churn_gross_pct")
    return {(name, f"{grain}/{basis}"): rate for name, rate in zip(names, ended[-1][-4:], strict=True)}


@pytest.mark.parametrize("seed", range(3))
def test_current_is_the_figure_of_the_definitions(client: Client, seed: int) -> None:
    _, truth = live(client, seed)
    figures = expected_figures(truth)
    wanted = [(metric, segment) for metric, segments in SEGMENTS.items() for segment in segments]
    wanted += [("csat_pct", touchpoint) for touchpoint in ("chat", "checkout", "nowhere")]
    set_goals(client, *((f"{m} {s}", m, s, 0, 1, TODAY, TOMORROW) for m, s in wanted))

    assert current(client) == {f"{m} {s}": figures.get((m, s)) for m, s in wanted}
    assert {metric for (metric, _), value in figures.items() if value is not None} == set(SEGMENTS)
    for metric, segments in SEGMENTS.items():
        assert figure(client, metric, segments[0]) == figures.get((metric, segments[0]))


def test_a_touchpoint_named_all_is_no_segment_of_its_own(client: Client) -> None:
    asked = [("all", 5), ("all", 4), ("chat", 1)]
    february, march = at("2026-02-10 12:00:00"), at("2026-03-10 12:00:00")
    answers = [
        answer(f"a{n}", "c-1", score, survey="csat", time=february, asked={"touchpoint": touchpoint})
        for n, (touchpoint, score) in enumerate(asked)
    ]
    insert_facts(client, [*answers, Event("tick", "c-1", "page_viewed", march)])

    assert figure(client, "csat_pct", "all") == pytest.approx(200 / 3)


DAILY, ORDERS, ANSWERS = 80_000, 40_000, 20_000
FILL = (
    f"""INSERT INTO customer_daily (customer_id, day, channel, events, counts, orders)
        SELECT concat('c-', toString(number)), toDate('2026-03-20'), 'website', 1, map('page_viewed', 1), 1
        FROM numbers({DAILY})""",
    f"""INSERT INTO events (event_id, customer_id, channel, type, occurred_at, properties)
        SELECT toString(number), concat('c-', toString(number)), 'purchase', 'order_completed',
            toDateTime64('2026-03-20 12:00:00', 3),
            concat('{{"order_id":"', toString(number), '","total_minor":100,"currency":"EUR"}}')
        FROM numbers({ORDERS})""",
    f"""INSERT INTO survey_answers (customer_id, occurred_at, event_id, survey, score)
        SELECT concat('c-', toString(number)), toDateTime64('2026-03-20 12:00:00', 3), toString(number),
            'nps', 9
        FROM numbers({ANSWERS})""",
)


@pytest.mark.parametrize(
    ("metric", "segment", "needed"),
    [
        (None, None, 0),
        ("retention_strict_pct", "month/purchase", DAILY),
        ("churn_net_pct", "day/engagement", DAILY),
        ("mau", "all", DAILY),
        ("repeat_purchase_pct", "90d", ORDERS),
        ("nps", "all", ANSWERS),
        ("csat_pct", "chat", ANSWERS),
    ],
)
def test_what_no_goal_is_about_is_not_read(
    client: Client, metric: str | None, segment: str | None, needed: int
) -> None:
    for statement in FILL:
        client.command(statement)
    if metric is not None:
        set_goals(client, ("g", metric, segment, 0, 1, TODAY, TOMORROW))
    _, read = rows_read(client, "SELECT * FROM v_goals")
    assert needed <= read < needed + 5_000
