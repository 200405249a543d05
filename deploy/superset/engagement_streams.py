"""The dashboard *Engagement Streams*: what the views tell, for who looks after customers."""

from __future__ import annotations

from typing import Final

from deploy.superset.charts import Chart, Filter, Kind, Measure
from deploy.superset.dashboard import Section

TITLE: Final = "Engagement Streams"
DESCRIPTION: Final = "Who is engaged now, who stays, who leaves, and what sells. All times are UTC."

_KNOWN: Final = Filter("is_anonymous", "==", 0)
_ENDED: Final = Filter("is_complete", "==", 1)
_MONTHS_OF_BUYERS: Final = (Filter("grain", "==", "month"), Filter("basis", "==", "purchase"))
_CUSTOMERS: Final = Measure("customers", "count()")

_NOW: Final = (
    Chart(
        "Active customers, 7 days",
        Kind.NUMBER,
        "v_customer_360",
        "Customers with any event on the last 7 UTC dates, without anonymous visitors.",
        [Measure("customers", "countIf(events_7d > 0)")],
        filters=[_KNOWN],
        width=3,
    ),
    Chart(
        "Visitors here now",
        Kind.NUMBER,
        "v_live_visitors",
        "Customers and anonymous visitors with an event in the last five minutes.",
        [Measure("visitors", "count()")],
        width=3,
    ),
    Chart(
        "Hot leads here now",
        Kind.NUMBER,
        "v_live_visitors",
        "Of these, those with ten lead points or more who have never ordered.",
        [Measure("leads", "countIf(lead_score >= 10)")],
        width=3,
    ),
    Chart(
        "Customers at risk",
        Kind.NUMBER,
        "v_at_risk",
        "Without an order for 1.5 times as long as expected; those gone for 3 times as long are not counted.",
        [Measure("customers", "countIf(churn_status = 'at_risk')")],
        width=3,
    ),
)

_WHO: Final = (
    Chart(
        "Churn status",
        Kind.PIE,
        "v_customer_360",
        "at_risk: 1.5 times as long without an order as expected; churned: 3 times; prospect: none yet.",
        [_CUSTOMERS],
        by="churn_status",
        filters=[_KNOWN],
        width=4,
    ),
    Chart(
        "Engagement score",
        Kind.BARS,
        "v_customer_360",
        "Customers by score, in tens; those without a point in 30 days are left out.",
        [_CUSTOMERS],
        by="score_from",
        filters=[_KNOWN, Filter("score", ">", 0)],
        is_categorical=True,
        width=4,
    ),
    Chart(
        "Events by channel and day",
        Kind.BARS,
        "v_activity_5m",
        "Events by the day on which they happened, each counted once.",
        [Measure("events", "sum(events)")],
        by="bucket_at",
        split="channel",
        grain="P1D",
        stacked=True,
        width=4,
    ),
    Chart(
        "Here now",
        Kind.TABLE,
        "v_live_visitors",
        "Active in the last five minutes, the most promising first.",
        columns=["customer_id", "channel", "last_at", "last_summary", "score", "lead_score"],
        order=[("lead_score", False), ("score", False)],
        limit=100,
    ),
    Chart(
        "Engaged, but overdue",
        Kind.TABLE,
        "v_at_risk",
        "Customers to write to: without an order for longer than expected, the most engaged first.",
        columns=["customer_id", "churn_status", "score", "overdue_ratio", "last_purchase_at", "reason"],
        order=[("is_off_season", False), ("score", False)],
        limit=100,
    ),
)

_RETENTION: Final = (
    Chart(
        "Retention by month",
        Kind.LINES,
        "v_retention_period",
        "(customers at the end - new ones) / customers at the start * 100, by orders within 90 days. "
        "strict: without those won back; churn is the rest of strict.",
        [
            Measure("retention %", "max(retention_rate_pct)"),
            Measure("strict %", "max(retention_strict_pct)"),
            Measure("churn %", "max(churn_gross_pct)"),
        ],
        by="period_start",
        filters=[*_MONTHS_OF_BUYERS, _ENDED],
        number_format=".1f",
    ),
    Chart(
        "Cohorts",
        Kind.HEATMAP,
        "v_retention_cohort",
        "Share of those who ordered first in a month that ordered in month k after it.",
        [Measure("ordered %", "max(on_pct)")],
        by="k",
        split="cohort_start",
        filters=[*_MONTHS_OF_BUYERS, _ENDED, Filter("k", ">=", 1)],
        bounds=(0, 100),
        number_format=".0f",
    ),
    Chart(
        "Customers by week",
        Kind.BARS,
        "v_lifecycle",
        "Active in a week: for the first time, again, or back after a pause.",
        [
            Measure("new", "sum(new)"),
            Measure("returning", 'sum("returning")'),
            Measure("resurrecting", "sum(resurrecting)"),
        ],
        by="period_start",
        filters=[Filter("grain", "==", "week"), _ENDED],
        stacked=True,
    ),
    Chart(
        "Stickiness",
        Kind.LINES,
        "v_stickiness",
        "Customers active on a day, in 7 and in 30 days.",
        [Measure("1 day", "max(dau)"), Measure("7 days", "max(wau)"), Measure("30 days", "max(mau)")],
        by="day",
    ),
    Chart(
        "Changes of churn status",
        Kind.BARS,
        "v_transitions",
        "Customers per week, by the status reached.",
        [_CUSTOMERS],
        by="changed_at",
        split="to_status",
        grain="P1W",
        stacked=True,
    ),
    Chart(
        "Goals",
        Kind.TABLE,
        "v_goals",
        "How far the goals of `engage goal` have come: a progress of 1 is the target.",
        columns=["goal_id", "metric", "segment", "current", "target", "due_date", "progress_ratio", "status"],
        order=[("due_date", True)],
    ),
)

_SALES: Final = (
    Chart(
        "Net revenue by month",
        Kind.BARS,
        "v_orders",
        "Minor units (cents) of each currency, net of refunds, by the month of the order.",
        [Measure("net, minor units", "sum(net_minor)")],
        by="ordered_at",
        split="currency",
        grain="P1M",
    ),
    Chart(
        "Segments",
        Kind.BARS,
        "v_rfm",
        "Customers by recency, frequency and revenue; what a segment means stands in the view's description.",
        [_CUSTOMERS],
        by="segment",
        filters=[Filter("segment", "!=", "")],
    ),
    Chart(
        "Buyers who bought again",
        Kind.TABLE,
        "v_repeat_purchase",
        "Share of the buyers of a window with two orders or more in it.",
        columns=["window_name", "buyers", "repeat_buyers", "repeat_purchase_pct"],
        order=[("buyers", True)],
        width=4,
    ),
    Chart(
        "Orders after a chat",
        Kind.LINES,
        "v_chat_assisted",
        "Share of orders within 24 hours of a conversation, by month.",
        [Measure("after a chat %", "max(chat_assisted_pct)")],
        by="month_start",
        number_format=".1f",
        width=4,
    ),
    Chart(
        "From channel to channel",
        Kind.TABLE,
        "v_channel_handover",
        "Hand-overs within 24 hours, the latest month first.",
        columns=["month_start", "from_channel", "to_channel", "handovers", "median_seconds"],
        order=[("month_start", False), ("handovers", False)],
        limit=100,
        width=4,
    ),
    Chart(
        "Net promoter score",
        Kind.LINES,
        "v_nps",
        "By quarter, with the number of customers who answered.",
        [Measure("NPS", "max(nps)"), Measure("answers", "max(n)")],
        by="quarter_start",
        number_format=".1f",
    ),
    Chart(
        "Satisfied customers",
        Kind.LINES,
        "v_csat",
        "Share of answers of 4 and 5, by month and touchpoint.",
        [Measure("satisfied %", "max(csat_pct)")],
        by="month_start",
        split="touchpoint",
        number_format=".1f",
    ),
)

_HEALTH: Final = (
    Chart(
        "How fresh",
        Kind.TABLE,
        "v_freshness",
        "Seconds since ClickHouse took the newest row of each table.",
        columns=["table_name", "newest_at", "freshness_seconds"],
        order=[("table_name", True)],
        width=4,
    ),
    Chart(
        "Behind by",
        Kind.LINES,
        "v_stream_lag",
        "Age of the oldest record not yet processed, seconds, the worst partition of each topic.",
        [Measure("seconds", "max(lag_seconds)")],
        by="measured_at",
        split="topic",
        grain="PT1M",
        width=4,
    ),
    Chart(
        "Rejected records",
        Kind.BARS,
        "v_rejected_events",
        "What senders got wrong, by day and reason: `engage rejected list`.",
        [Measure("records", "count()")],
        by="rejected_at",
        split="reason",
        grain="P1D",
        stacked=True,
        width=4,
    ),
)

SECTIONS: Final = (
    Section("Now", _NOW, height=20),
    Section("Customers", _WHO),
    Section("Retention", _RETENTION),
    Section("Orders and satisfaction", _SALES),
    Section("Stream health", _HEALTH),
)
