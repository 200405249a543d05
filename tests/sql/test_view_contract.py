"""What BI users may rely on: names, columns, plain types, comments, and the rights that a view runs with."""

from __future__ import annotations

import re

import pytest
from clickhouse_connect.driver.client import Client

VIEWS = {
    "v_clock": "as_of",
    "v_customer_360": (
        "customer_id, is_anonymous, first_seen_at, last_seen_at, last_website_at, last_chat_at,"
        " last_purchase_at, events_1h, events_24h, events_7d, events_30d, events_90d, events_total, score,"
        " preferred_channel, omnichannel_reach, orders_total, currency, revenue_minor_total,"
        " expected_gap_days, overdue_ratio, churn_status, is_off_season, lead_score"
    ),
    "v_customer_windows": (
        "customer_id, channel, window_name, events, points, active_days, orders, conversations, messages"
    ),
    "v_customer_revenue": "customer_id, currency, window_name, orders, revenue_minor",
    "v_events": "customer_id, occurred_at, channel, type, session_id, source, summary",
    "v_orders": "customer_id, order_id, ordered_at, currency, total_minor, refunded_minor, net_minor, status",
    "v_sessions": "customer_id, session_id, started_at, ended_at, events, channels",
    "v_activity_5m": "bucket_at, channel, type, events, customers",
    "v_purchase_summary": "customer_id, x, t_x, T, zbar",
    "v_purchase_summary_at(cutoff = '2026-01-01')": "customer_id, x, t_x, T, zbar",
    "v_retention_period": (
        "grain, basis, period_start, is_complete, customers_start, customers_end, customers_new,"
        " customers_won_back, retention_rate_pct, retention_strict_pct, churn_net_pct, churn_gross_pct"
    ),
    "v_retention_cohort": "grain, basis, cohort_start, k, is_complete, size, on_pct, on_or_after_pct",
    "v_lifecycle": "grain, period_start, is_complete, new, returning, resurrecting, dormant, active",
    "v_stickiness": "day, dau, wau, mau, dau_mau_ratio",
    "v_active_days": "active_days, customers",
    "v_live_visitors": (
        "customer_id, is_anonymous, channel, since_at, last_at, last_type, last_summary, score, lead_score"
    ),
    "v_lead_ledger": "customer_id, rule, occurred_at, points",
    "v_score_ledger": "customer_id, day, channel, type, count, weight, points",
    "v_repeat_purchase": "window_name, buyers, repeat_buyers, repeat_purchase_pct",
    "v_customer_value": (
        "customer_id, currency, orders, clv_historic_minor, average_order_minor, purchase_frequency"
    ),
    "v_rfm": "customer_id, currency, recency_days, frequency, monetary_minor, r, f, m, segment",
    "v_nps": "quarter_start, n, promoters, passives, detractors, nps",
    "v_csat": "month_start, touchpoint, n, csat_pct",
    "v_survey_answers": "customer_id, answered_at, survey, score, touchpoint",
    "v_referrals": "customer_id, referrals_made, referrals_converted, referral_conversion_pct",
    "v_channel_handover": "from_channel, to_channel, month_start, handovers, median_seconds",
    "v_chat_assisted": "month_start, orders, chat_assisted_orders, chat_assisted_pct",
    "v_at_risk": (
        "customer_id, churn_status, last_purchase_at, expected_gap_days, overdue_ratio, score, is_off_season,"
        " reason"
    ),
    "v_transitions": "customer_id, changed_at, from_status, to_status, reason",
    "v_goals": (
        "goal_id, metric, segment, baseline, target, current, start_date, due_date, progress_ratio, status"
    ),
    "v_freshness": "table_name, newest_at, freshness_seconds",
    "v_rejected_events": (
        "rejected_at, reason, detail, source_topic, source_partition, source_offset, payload_preview,"
        " replayed_at"
    ),
    "v_stream_lag": "measured_at, consumer_group, topic, partition, lag, lag_seconds",
}
PLAIN = re.compile(r"(Nullable\()?(String|U?Int\d+|Float64|Date|DateTime64\(3, 'UTC'\))\)?")


def described(client: Client, view: str) -> list[dict[str, str]]:
    return list(client.query(f"DESCRIBE TABLE (SELECT * FROM {view})").named_results())


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_agreed_columns(client: Client, view: str) -> None:
    assert ", ".join(column["name"] for column in described(client, view)) == VIEWS[view]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_plain_types(client: Client, view: str) -> None:
    fancy = [c["type"] for c in described(client, view) if not PLAIN.fullmatch(c["type"])]
    assert fancy == []


def test_no_other_views_are_there(client: Client) -> None:
    names = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name"
    ).result_columns[0]
    assert list(names) == sorted({view.partition("(")[0] for view in VIEWS})


def test_every_view_has_a_comment_and_runs_with_the_rights_of_its_owner(client: Client) -> None:
    views = client.query(
        "SELECT name, comment, create_table_query FROM system.tables"
        " WHERE database = currentDatabase() AND engine IN ('View', 'MaterializedView')"
    ).result_rows
    assert [name for name, _, query in views if "SQL SECURITY DEFINER" not in query] == []
    assert [name for name, comment, _ in views if not comment and name.startswith("v_")] == []


def test_every_column_of_a_view_without_parameters_has_a_comment(client: Client) -> None:
    columns = client.query(
        "SELECT table, name, comment FROM system.columns"
        " WHERE database = currentDatabase() AND startsWith(table, 'v_')"
    ).result_rows
    assert {table for table, _, _ in columns} == {view for view in VIEWS if "(" not in view}
    assert [(table, name) for table, name, comment in columns if not comment] == []


def test_a_session_that_makes_joins_nullable_reads_the_same_numbers(client: Client) -> None:
    client.command(
        "INSERT INTO customer_state (customer_id, events_total, epoch, n_applied) VALUES ('c-1', 3, 0, 1)"
    )
    query = "SELECT orders_total, events_1h, score FROM v_customer_360"
    assert client.query(query, settings={"join_use_nulls": 1}).result_rows == [(0, 0, 0.0)]
