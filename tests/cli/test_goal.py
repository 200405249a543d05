"""`engage goal` on a real engine."""

from __future__ import annotations

import json

import pytest

from tests.cli.commands import Engage

pytestmark = pytest.mark.usefixtures("clickhouse")


def test_a_goal_is_set_shown_and_removed(engage: Engage) -> None:
    wish = "--metric nps --baseline 12.5 --target 40 --start 2026-01-01 --due 2148-06-30"
    added = engage("goal", "add", *wish.split())
    assert (added.status, added.err) == (0, "")
    assert added.out == "goal nps: nps of all from 12.5 to 40, 2026-01-01 to 2148-06-30\n"

    (shown,) = json.loads(engage("goal", "list", "--format", "json").out)
    assert (shown["goal_id"], shown["current"], shown["due_date"]) == ("nps", None, "2148-06-30")
    assert (
        "│ nps  │ nps    │ all     │     12.5 │       – │     40 │"
        in engage("goal", "list", "--format", "table").out
    )

    assert engage("goal", "remove", "nps").out == "removed goal nps\n"
    assert json.loads(engage("goal", "list", "--format", "json").out) == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("goal remove nothing", "engage: no goal 'nothing': there is none\n"),
        (
            "goal add --metric loyalty --target 1 --due 2148-01-01",
            "engage: no metric 'loyalty' for goals: choose one of retention_rate_pct, retention_strict_pct, "
            "churn_net_pct, churn_gross_pct, repeat_purchase_pct, mau, nps, csat_pct\n",
        ),
        (
            "goal add --metric churn_net_pct --target 1 --due 2148-01-01",
            "engage: churn_net_pct of 'month/purchase' has no value yet to start from: "
            "give it with --baseline\n",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(engage: Engage, command: str, says: str) -> None:
    ended = engage(*command.split())

    assert (ended.status, ended.out, ended.err) == (1, "", says)
