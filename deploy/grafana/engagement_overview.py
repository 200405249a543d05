"""The dashboard *Engagement overview*: ClickHouse's views, for who looks after customers."""

from __future__ import annotations

from typing import Any, Final

from deploy.grafana.panels import Kind, Panel, Section, Sql, dashboard

_CUSTOMERS: Final = Section(
    "Customers now",
    panels=(
        Panel(
            "Active customers",
            Kind.STAT,
            "Customers with any event, without anonymous visitors.",
            [
                Sql(
                    'SELECT countIf(events_1h > 0) AS "last hour", countIf(events_24h > 0) AS "last 24 h",'
                    ' countIf(events_7d > 0) AS "last 7 days"\n'
                    "FROM v_customer_360 WHERE is_anonymous = 0"
                )
            ],
            width=6,
        ),
        Panel(
            "Engagement score",
            Kind.BARS,
            "Customers by score; those without a point in 30 days are left out.",
            [
                Sql(
                    "SELECT concat(toString(least(intDiv(toUInt32(score), 10), 9) * 10), ' +') AS score_from,"
                    " count() AS customers\n"
                    "FROM v_customer_360 WHERE is_anonymous = 0 AND score > 0\n"
                    "GROUP BY score_from ORDER BY score_from"
                )
            ],
            width=10,
        ),
        Panel(
            "Churn status",
            Kind.PIE,
            "at_risk: 1.5 times as long without an order as expected; churned: 3 times; prospect: none yet.",
            [
                Sql(
                    "SELECT churn_status, count() AS customers\n"
                    "FROM v_customer_360 WHERE is_anonymous = 0\n"
                    "GROUP BY churn_status ORDER BY churn_status"
                )
            ],
            width=8,
        ),
    ),
)

_ACTIVITY: Final = Section(
    "Activity",
    panels=(
        Panel(
            "Events by channel",
            Kind.LINES,
            "Events of the time, counted once.",
            [
                Sql(
                    "SELECT $__timeInterval(bucket_at) AS time, channel, sum(events) AS events\n"
                    "FROM v_activity_5m WHERE $__timeFilter(bucket_at)\n"
                    "GROUP BY time, channel ORDER BY time"
                )
            ],
            width=12,
            stacked=True,
        ),
        Panel(
            "Rejected records",
            Kind.LINES,
            "What senders got wrong, by reason: `engage rejected list`.",
            [
                Sql(
                    "SELECT $__timeInterval(rejected_at) AS time, reason, count() AS records\n"
                    "FROM v_rejected_events WHERE $__timeFilter(rejected_at)\n"
                    "GROUP BY time, reason ORDER BY time"
                )
            ],
            width=6,
            stacked=True,
        ),
        Panel(
            "How fresh",
            Kind.TABLE,
            "Seconds since ClickHouse took the newest row of each table.",
            [Sql("SELECT table_name, freshness_seconds FROM v_freshness ORDER BY table_name")],
            unit="s",
            width=6,
        ),
    ),
)

_TO_LOOK_AFTER: Final = Section(
    "To look after",
    panels=(
        Panel(
            "Here now",
            Kind.TABLE,
            "Active in the last five minutes, the most promising first.",
            [
                Sql(
                    "SELECT customer_id, channel, last_at, last_summary, score, lead_score\n"
                    "FROM v_live_visitors ORDER BY lead_score DESC, score DESC, customer_id LIMIT 20"
                )
            ],
            width=12,
        ),
        Panel(
            "Engaged, but overdue",
            Kind.TABLE,
            "Customers to write to: without an order for longer than expected, the most engaged first.",
            [
                Sql(
                    "SELECT customer_id, churn_status, score, round(overdue_ratio, 1) AS overdue,"
                    " last_purchase_at, reason\n"
                    "FROM v_at_risk ORDER BY is_off_season DESC, score DESC, customer_id LIMIT 20"
                )
            ],
            width=12,
        ),
    ),
)

_RETENTION: Final = Section(
    "Retention",
    panels=(
        Panel(
            "Retention by month",
            Kind.LINES,
            "Of customers who ordered in the 90 days before a month, the share who have at its end as well. "
            "strict: without those won back.",
            [
                Sql(
                    "SELECT toDateTime(period_start) AS time, retention_rate_pct, retention_strict_pct,"
                    " churn_gross_pct\n"
                    "FROM v_retention_period\n"
                    "WHERE grain = 'month' AND basis = 'purchase' AND is_complete = 1"
                    " AND $__timeFilter(period_start)\n"
                    "ORDER BY time"
                )
            ],
            unit="percent",
            time_from="730d",
        ),
        Panel(
            "Customers by week",
            Kind.LINES,
            "Active in a week: for the first time, again, or back after a pause.",
            [
                Sql(
                    "SELECT toDateTime(period_start) AS time, new, returning, resurrecting\n"
                    "FROM v_lifecycle\n"
                    "WHERE grain = 'week' AND is_complete = 1 AND $__timeFilter(period_start)\n"
                    "ORDER BY time"
                )
            ],
            stacked=True,
            time_from="365d",
        ),
        Panel(
            "Stickiness",
            Kind.LINES,
            "Customers active on a day, in 7 and in 30 days.",
            [
                Sql(
                    "SELECT toDateTime(day) AS time, dau, wau, mau\n"
                    "FROM v_stickiness WHERE $__timeFilter(day) ORDER BY time"
                )
            ],
            time_from="90d",
        ),
        Panel(
            "Changes of churn status",
            Kind.LINES,
            "Customers per day, by the status reached.",
            [
                Sql(
                    "SELECT toDateTime(toDate(changed_at)) AS time, to_status, count() AS customers\n"
                    "FROM v_transitions WHERE $__timeFilter(changed_at)\n"
                    "GROUP BY time, to_status ORDER BY time"
                )
            ],
            width=12,
            stacked=True,
            time_from="90d",
        ),
        Panel(
            "Goals",
            Kind.TABLE,
            "How far the goals of `engage goal` have come: progress 1 is the target.",
            [
                Sql(
                    "SELECT goal_id, metric, segment, current, target, due_date,"
                    " round(progress_ratio, 2) AS progress, status\n"
                    "FROM v_goals ORDER BY due_date, goal_id"
                )
            ],
            width=12,
        ),
    ),
)

_SALES: Final = Section(
    "Orders and satisfaction",
    panels=(
        Panel(
            "Net revenue by day",
            Kind.LINES,
            "Minor units (cents) of each currency, net of refunds, by the day of the order.",
            [
                Sql(
                    "SELECT toDateTime(toDate(ordered_at)) AS time, currency, sum(net_minor) AS net_minor\n"
                    "FROM v_orders WHERE $__timeFilter(ordered_at)\n"
                    "GROUP BY time, currency ORDER BY time"
                )
            ],
            time_from="90d",
        ),
        Panel(
            "Net promoter score",
            Kind.LINES,
            "By quarter, with the number of customers who answered.",
            [
                Sql(
                    "SELECT toDateTime(quarter_start) AS time, nps, n\n"
                    "FROM v_nps WHERE $__timeFilter(quarter_start) ORDER BY time"
                )
            ],
            time_from="730d",
        ),
        Panel(
            "Satisfied customers",
            Kind.LINES,
            "Share of answers of 4 and 5, by month and touchpoint.",
            [
                Sql(
                    "SELECT toDateTime(month_start) AS time, touchpoint, csat_pct\n"
                    "FROM v_csat WHERE $__timeFilter(month_start) ORDER BY time"
                )
            ],
            unit="percent",
            time_from="365d",
        ),
        Panel(
            "Orders after a chat",
            Kind.LINES,
            "Share of orders within 24 hours of a conversation, by month.",
            [
                Sql(
                    "SELECT toDateTime(month_start) AS time, chat_assisted_pct\n"
                    "FROM v_chat_assisted WHERE $__timeFilter(month_start) ORDER BY time"
                )
            ],
            unit="percent",
            width=12,
            time_from="365d",
        ),
        Panel(
            "From channel to channel",
            Kind.TABLE,
            "Hand-overs within 24 hours, the latest month first.",
            [
                Sql(
                    "SELECT month_start, from_channel, to_channel, handovers,"
                    " round(median_seconds / 60, 1) AS median_minutes\n"
                    "FROM v_channel_handover\n"
                    "ORDER BY month_start DESC, handovers DESC, from_channel, to_channel LIMIT 12"
                )
            ],
            width=12,
        ),
    ),
)


def engagement_overview() -> dict[str, Any]:
    """The dashboard's JSON."""
    sections = (_CUSTOMERS, _ACTIVITY, _TO_LOOK_AFTER, _RETENTION, _SALES)
    return dashboard("engagement-overview", "Engagement overview", sections, past="24h", refresh="1m")
