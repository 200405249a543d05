"""`python -m tests.bench.views`: how long views of two years and a million customers take."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from tests.bench.measurements import Write, as_command, report
from tests.bench.queries import Front, Timing, filled, time_query

_DAYS: Final = 730
_PERIODS: Final = "SELECT * FROM {view} WHERE grain = '{grain}'"

QUERIES: Final = {
    **{
        f"v_retention_period, {grain}, {basis}": f"{_PERIODS} AND basis = '{basis}'".format(
            view="v_retention_period", grain=grain
        )
        for grain, basis in (("month", "purchase"), ("month", "engagement"), ("day", "engagement"))
    },
    "v_stickiness": "SELECT * FROM v_stickiness",
    "v_active_days": "SELECT * FROM v_active_days",
    "v_repeat_purchase": "SELECT * FROM v_repeat_purchase",
    **{
        f"v_retention_cohort, month, {basis}": f"{_PERIODS} AND basis = '{basis}'".format(
            view="v_retention_cohort", grain="month"
        )
        for basis in ("purchase", "engagement")
    },
    "v_lifecycle, month": _PERIODS.format(view="v_lifecycle", grain="month"),
    "v_channel_handover": "SELECT * FROM v_channel_handover",
    "v_chat_assisted": "SELECT * FROM v_chat_assisted",
    "v_nps": "SELECT * FROM v_nps",
    "v_csat": "SELECT * FROM v_csat",
    "v_referrals": "SELECT count(), sum(referrals_made) FROM v_referrals",
    "v_at_risk": "SELECT churn_status, count(), avg(overdue_ratio) FROM v_at_risk GROUP BY churn_status",
    "v_rfm": "SELECT segment, count() FROM v_rfm GROUP BY segment",
    "v_customer_360, all": "SELECT churn_status, avg(score) FROM v_customer_360 GROUP BY churn_status",
    "v_live_visitors": "SELECT count() FROM v_live_visitors",
}


def main(
    facts: Annotated[int, typer.Option(envvar="BENCH_FACTS", help="Events.")] = 10_000_000,
    customers: Annotated[int, typer.Option(envvar="BENCH_CUSTOMERS", help="Customers.")] = 1_000_000,
    runs: Annotated[int, typer.Option(help="How often each is asked.")] = 20,
    plans: Annotated[bool, typer.Option(help="Print the plan of each query as well.")] = False,
    write: Write = True,
) -> None:
    """Fill a ClickHouse with two years, ask each view, print a table and write results/views.csv."""
    with (
        tempfile.TemporaryDirectory(prefix="engage-bench-") as path,
        filled(Path(path), facts, customers, _DAYS) as front,
    ):
        timings = measure(front, runs)
        if plans:
            show_plans(front)
    report("views", "Views over two years", timings, write)


def measure(front: Front, runs: int) -> list[Timing]:
    """Each query so many times."""
    return [time_query(front, name, query, runs, dict) for name, query in QUERIES.items()]


def show_plans(front: Front) -> None:
    """What each query reads."""
    console = Console(highlight=False)
    for name, query in QUERIES.items():
        lines = front.client.query(f"EXPLAIN indexes = 1, compact = 1 {query}").result_columns[0]
        console.rule(name)
        console.print("\n".join(lines), markup=False)


if __name__ == "__main__":
    as_command(main)
