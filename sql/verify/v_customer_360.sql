-- Metrics: Rolling engagement windows; Engagement score; At risk, before the customer leaves; Terms (engagement event,
-- order, refund, money).
-- key: customer_id
WITH
    {as_of:DateTime64(3, 'UTC')} AS as_of,
    toUnixTimestamp64Milli(as_of) AS as_of_ms,
    toUnixTimestamp64Milli(occurred_at) AS at_ms,
    NOT is_anonymous AND orders_total > 0 AS has_history
SELECT
    customer_id,
    startsWith(customer_id, 'anon:') AS is_anonymous,
    minOrNullIf(occurred_at, is_engagement) AS first_seen_at,
    maxOrNullIf(occurred_at, is_engagement) AS last_seen_at,
    maxOrNullIf(occurred_at, is_engagement AND channel = 'website') AS last_website_at,
    maxOrNullIf(occurred_at, is_engagement AND channel = 'chat') AS last_chat_at,
    maxOrNullIf(occurred_at, is_order) AS last_purchase_at,
    countIf(intDiv(at_ms, 300000) BETWEEN intDiv(as_of_ms, 300000) - 11 AND intDiv(as_of_ms, 300000)) AS events_1h,
    countIf(intDiv(at_ms, 3600000) BETWEEN intDiv(as_of_ms, 3600000) - 23 AND intDiv(as_of_ms, 3600000)) AS events_24h,
    countIf(toDate(occurred_at) BETWEEN toDate(as_of) - 6 AND toDate(as_of)) AS events_7d,
    countIf(toDate(occurred_at) BETWEEN toDate(as_of) - 29 AND toDate(as_of)) AS events_30d,
    countIf(toDate(occurred_at) BETWEEN toDate(as_of) - 89 AND toDate(as_of)) AS events_90d,
    count() AS events_total,
    round(100 * (1 - pow(2, -any(earned.raw) / any(half_point))), 1) AS score,
    nullIf(any(earned.preferred), '') AS preferred_channel,
    uniqExactIf(channel, is_engagement AND toDate(occurred_at) BETWEEN toDate(as_of) - 29 AND toDate(as_of))
        AS omnichannel_reach,
    any(bought.n) AS orders_total,
    nullIf(any(bought.most_used), '') AS currency,
    any(bought.revenue_minor) AS revenue_minor_total,
    if(has_history, any((last_day - first_day + 2 * population_gap_days) / (purchase_days + 1)), NULL) AS expected_gap_days,
    if(has_history, greatest(toDate(as_of) - any(last_day), 0) / expected_gap_days, NULL) AS overdue_ratio,
    multiIf(is_anonymous, NULL, has_history, any(current.status), 'prospect') AS churn_status,
    coalesce(churn_status IN ('at_risk', 'churned'), 0) AND score >= 30 AS is_off_season,
    if(orders_total = 0, any(leads.lead_score), NULL) AS lead_score
FROM ${facts} AS facts
CROSS JOIN (SELECT half_point, population_gap_days FROM rules) AS rules
LEFT JOIN
(
    SELECT
        customer_id,
        sum(points) AS raw,
        argMaxIf(channel, (points, indexOf(['website', 'chat', 'purchase'], channel)), points > 0) AS preferred
    FROM
    (
        SELECT customer_id, channel, sum(points) AS points
        FROM ${ledger} AS ledger
        WHERE day BETWEEN toDate({as_of:DateTime64(3, 'UTC')}) - 29 AND toDate({as_of:DateTime64(3, 'UTC')})
        GROUP BY customer_id, channel
    )
    GROUP BY customer_id
) AS earned USING (customer_id)
LEFT JOIN
(
    SELECT
        customer_id,
        sum(n_in_currency) AS n,
        length(groupUniqArrayArray(days_in_currency) AS days) AS purchase_days,
        arrayMin(days) AS first_day,
        arrayMax(days) AS last_day,
        argMin(currency, (-n_in_currency, currency)) AS most_used,
        argMin(net_minor_in_currency, (-n_in_currency, currency)) AS revenue_minor
    FROM
    (
        SELECT
            customer_id,
            currency,
            toInt64(count()) AS n_in_currency,
            groupUniqArray(toDate(ordered_at)) AS days_in_currency,
            sum(net_minor) AS net_minor_in_currency
        FROM ${orders} AS orders
        GROUP BY customer_id, currency
    )
    GROUP BY customer_id
) AS bought USING (customer_id)
LEFT JOIN
(
    SELECT customer_id, argMax(to_status, changed_at) AS status
    FROM (${status_changes})
    GROUP BY customer_id
) AS current USING (customer_id)
LEFT JOIN
(
    SELECT customer_id, sum(points) AS lead_score
    FROM (${lead_lines})
    GROUP BY customer_id
) AS leads USING (customer_id)
GROUP BY customer_id
