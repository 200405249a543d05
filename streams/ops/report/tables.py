"""The tables of a report: which columns of a view they show, under which heading, and how."""

from __future__ import annotations

from typing import Final

from streams.ops.report.formats import duration, number, percent_of_one, tenths, text
from streams.ops.report.sections import Column

RETENTION: Final = (
    Column("period", "period", text, is_text=True),
    Column("customers_start", "held at start"),
    Column("customers_end", "held at end"),
    Column("customers_new", "new"),
    Column("customers_won_back", "won back"),
    Column("retention_rate_pct", "retention %", tenths, is_explained=True),
    Column("retention_strict_pct", "strict %", tenths, is_explained=True),
    Column("churn_net_pct", "net churn %", tenths, is_explained=True),
    Column("churn_gross_pct", "gross churn %", tenths, is_explained=True),
)
COHORT: Final = (
    Column("period", "first period", text, is_text=True),
    Column("size", "customers"),
)
LIFECYCLE: Final = (
    Column("period", "period", text, is_text=True),
    Column("active", "active", is_explained=True),
    Column("new", "new", is_explained=True),
    Column("returning", "returning", is_explained=True),
    Column("resurrecting", "resurrecting", is_explained=True),
    Column("dormant", "dormant", is_explained=True),
)
REPEAT_PURCHASE: Final = (
    Column("window_name", "window", text, is_text=True),
    Column("buyers", "buyers"),
    Column("repeat_buyers", "repeat buyers"),
    Column("repeat_purchase_pct", "repeat purchase %", tenths, is_explained=True),
)
GAPS: Final = (
    Column("median_days", "observed median, days", tenths),
    Column("gaps", "gaps"),
    Column("population_gap_days", "population gap in force, days", number),
)
AT_RISK: Final = (
    Column("churn_status", "status", text, is_text=True, is_explained=True),
    Column("customers", "customers"),
    Column("off_season", "of these off season"),
)
NPS: Final = (
    Column("period", "quarter", text, is_text=True),
    Column("n", "n"),
    Column("promoters", "promoters"),
    Column("passives", "passives"),
    Column("detractors", "detractors"),
    Column("nps", "NPS", tenths, is_explained=True),
)
CSAT: Final = (
    Column("period", "month", text, is_text=True),
    Column("touchpoint", "touchpoint", text, is_text=True),
    Column("n", "n"),
    Column("csat_pct", "CSAT %", tenths, is_explained=True),
)
HANDOVER: Final = (
    Column("from_channel", "from", text, is_text=True),
    Column("to_channel", "to", text, is_text=True, is_explained=True),
    Column("handovers", "hand-overs"),
    Column("median_seconds", "median time", duration),
)
GOALS: Final = (
    Column("goal_id", "goal", text, is_text=True),
    Column("metric", "metric", text, is_text=True),
    Column("segment", "segment", text, is_text=True),
    Column("baseline", "baseline", number),
    Column("current", "current", number),
    Column("target", "target", number),
    Column("due_date", "due", text),
    Column("progress_ratio", "progress", percent_of_one, is_explained=True),
    Column("status", "status", text, is_text=True, is_explained=True),
)
