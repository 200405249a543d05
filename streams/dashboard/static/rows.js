/**
 * Shapes of the API's answers, as type definitions: rows are those of the views, column by column.
 * Times are ISO 8601 with milliseconds and Z, dates YYYY-MM-DD, absent values null.
 *
 * @typedef {"website" | "chat" | "purchase"} Channel
 * @typedef {{bucket_at: string, channel: string, events: number}} ActivityRow
 * @typedef {{from: number, to: number, customers: number}} ScoreBin
 * @typedef {{day: string, dau: number, wau: number, mau: number, dau_mau_ratio: number | null}} StickinessRow
 * @typedef {{grain: string, basis: string, period_start: string, is_complete: number, customers_start: number,
 *   customers_end: number, customers_new: number, customers_won_back: number, retention_rate_pct: number | null,
 *   retention_strict_pct: number | null, churn_net_pct: number | null, churn_gross_pct: number | null}} PeriodRow
 * @typedef {{goal_id: string, metric: string, segment: string, baseline: number, target: number,
 *   current: number | null, start_date: string, due_date: string, progress_ratio: number | null,
 *   status: string | null}} GoalRow
 * @typedef {{as_of: string, rates: {channel: string, events_per_second: number | null}[], activity: ActivityRow[],
 *   live_visitors: number, stickiness: StickinessRow | null, scores: ScoreBin[], retention: {grain: string,
 *   basis: string, current: PeriodRow | null, last: PeriodRow | null, before_last: PeriodRow | null},
 *   goals: GoalRow[]}} Overview
 *
 * @typedef {{customer_id: string, is_anonymous: number, channel: string, since_at: string, last_at: string,
 *   last_type: string, last_summary: string, score: number, lead_score: number | null}} VisitorRow
 * @typedef {{as_of: string, total: number, by_channel: {channel: string, visitors: number}[],
 *   visitors: VisitorRow[]}} Visitors
 *
 * @typedef {{customer_id: string, score: number, churn_status: string | null, last_seen_at: string | null}} Suggestion
 * @typedef {{customer_id: string, is_anonymous: number, first_seen_at: string | null, last_seen_at: string | null,
 *   events_total: number, score: number, preferred_channel: string | null, omnichannel_reach: number,
 *   orders_total: number, currency: string | null, revenue_minor_total: number, expected_gap_days: number | null,
 *   overdue_ratio: number | null, churn_status: string | null, is_off_season: number, lead_score: number | null,
 *   last_purchase_at: string | null}} CustomerRow
 * @typedef {{channel: string, window_name: string, events: number, points: number | null, active_days: number | null,
 *   orders: number, conversations: number, messages: number}} WindowRow
 * @typedef {{day: string, channel: string, type: string, count: number, weight: number, points: number}} ScoreRow
 * @typedef {{rule: string, occurred_at: string, points: number}} LeadRow
 * @typedef {{changed_at: string, from_status: string, to_status: string, reason: string}} TransitionRow
 * @typedef {{order_id: string, ordered_at: string, currency: string, total_minor: number, refunded_minor: number,
 *   net_minor: number, status: string}} OrderRow
 * @typedef {{occurred_at: string, channel: string, type: string, session_id: string, source: string,
 *   summary: string}} EventRow
 * @typedef {{as_of: string, customer: CustomerRow, windows: WindowRow[], score_ledger: ScoreRow[],
 *   lead_ledger: LeadRow[], transitions: TransitionRow[], orders: OrderRow[], events: EventRow[],
 *   has_more: boolean}} Customer
 *
 * @typedef {{cohort_start: string, k: number, is_complete: number, size: number, on_pct: number | null,
 *   on_or_after_pct: number | null}} CohortRow
 * @typedef {{period_start: string, is_complete: number, new: number, returning: number, resurrecting: number,
 *   dormant: number, active: number}} LifecycleRow
 * @typedef {{as_of: string, periods: PeriodRow[], cohorts: CohortRow[], lifecycle: LifecycleRow[]}} Retention
 *
 * @typedef {{measured_at: string, consumer_group: string, topic: string, partition: number, lag: number,
 *   lag_seconds: number}} LagRow
 * @typedef {{table_name: string, newest_at: string | null, freshness_seconds: number | null}} FreshnessRow
 * @typedef {{rejected_at: string, reason: string, detail: string, source_topic: string, source_partition: number,
 *   source_offset: number, payload_preview: string, replayed_at: string | null}} RejectRow
 * @typedef {{as_of: string, lag: LagRow[], freshness: FreshnessRow[],
 *   rejects_by_reason: {reason: string, rejected: number}[], rejects: RejectRow[]}} Health
 */

/** @type {readonly Channel[]} */
export const CHANNELS = Object.freeze(["website", "chat", "purchase"]);
