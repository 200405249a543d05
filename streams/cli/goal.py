"""`engage goal`: what a figure is to become, and by when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from streams.cli.results import Format, OutputFormat
from streams.config import load_settings

goal = typer.Typer(
    name="goal",
    add_completion=False,
    no_args_is_help=True,
    help="Goals: a figure, its target, and a date; `v_goals` says how far they have come.",
)

_GOALS = "SELECT * FROM v_goals ORDER BY due_date, goal_id"
_GOALS_FOR_PEOPLE = """
SELECT
    goal_id AS goal,
    metric,
    segment,
    round(baseline, 2) AS baseline,
    round(current, 2) AS current,
    round(target, 2) AS target,
    start_date AS start,
    due_date AS due,
    round(100 * progress_ratio) AS "progress %",
    status
FROM v_goals
ORDER BY due_date, goal_id
"""


@goal.command()
def add(
    metric: Annotated[
        str,
        typer.Option(
            help="retention_rate_pct, retention_strict_pct, churn_net_pct, churn_gross_pct, "
            "repeat_purchase_pct, mau, nps or csat_pct."
        ),
    ],
    target: Annotated[float, typer.Option(help="What it is to reach; below the baseline if it is to fall.")],
    due: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Last day to reach it.")
    ],
    segment: Annotated[
        str | None,
        typer.Option(
            help="GRAIN/BASIS such as week/engagement for retention and churn, 30d, 90d, 365d or all for "
            "repeat_purchase_pct, a touchpoint for csat_pct.",
            show_default="month/purchase, 365d, all",
        ),
    ] = None,
    baseline: Annotated[
        float | None, typer.Option(help="Where it starts.", show_default="the present value")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", show_default="today, UTC"),
    ] = None,
) -> None:
    """Set a goal: `engage goal add --metric churn_gross_pct --target 15 --due 2027-06-30`.

    Rates are those of the last period that has ended, nps of the last quarter, csat_pct of the last month.
    """
    from streams.ops.clickhouse_client import open_client
    from streams.ops.goals import Wish, add_goal

    wish = Wish(metric, target, due.date(), segment, baseline, _day(start))
    with open_client(load_settings()) as client:
        made = add_goal(client, wish)
    typer.echo(
        f"goal {made.goal_id}: {made.metric} of {made.segment} from {made.baseline:g} to {made.target:g}, "
        f"{made.start_date} to {made.due_date}"
    )


@goal.command("list")
def list_(
    output_format: Format = None,
) -> None:
    """Show the goals with what they have come to, those due next first."""
    from streams.cli.results import choose, print_query
    from streams.ops.clickhouse_client import open_client

    chosen = choose(output_format)
    with open_client(load_settings()) as client:
        print_query(client, _GOALS_FOR_PEOPLE if chosen is OutputFormat.TABLE else _GOALS, chosen)


@goal.command()
def remove(
    goal_id: Annotated[str, typer.Argument(metavar="GOAL", help="As `engage goal list` has it.")],
) -> None:
    """Remove a goal."""
    from streams.ops.clickhouse_client import open_client
    from streams.ops.goals import remove_goal

    with open_client(load_settings()) as client:
        remove_goal(client, goal_id)
    typer.echo(f"removed goal {goal_id}")


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()
