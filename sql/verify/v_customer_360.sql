-- Metrics: Rolling engagement windows; Engagement score; Terms (engagement event, order, refund, money).
-- key: customer_id
WITH
    {as_of:DateTime64(3, 'UTC')} AS as_of,
    toUnixTimestamp64Milli(as_of) AS as_of_ms,
    toUnixTimestamp64Milli(occurred_at) AS at_ms
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
    any(bought.revenue_minor) AS revenue_minor_total
FROM ${facts} AS facts
CROSS JOIN (SELECT half_point FROM rules) AS rules
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
        argMin(currency, (-n_in_currency, currency)) AS most_used,
        argMin(net_minor_in_currency, (-n_in_currency, currency)) AS revenue_minor
    FROM
    (
        SELECT
            customer_id,
            currency,
            toInt64(count()) AS n_in_currency,
            sum(net_minor) AS net_minor_in_currency
        FROM ${orders} AS orders
        GROUP BY customer_id, currency
    )
    GROUP BY customer_id
) AS bought USING (customer_id)
GROUP BY customer_id
