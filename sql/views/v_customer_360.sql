-- Metrics: Rolling engagement windows; Engagement score (0–100); At risk, before the customer leaves; Lead score;
-- Terms (engagement event, order, refund, money).
-- A condition on customer_id reaches the primary key of each joined table. Planning is most of a lookup's time, so each
-- table is read once, by few expressions. The settings are part of the meaning: a session's own values of the first two
-- would change the numbers of a customer without orders; the third lets FINAL merge only the rows of the customer.
CREATE OR REPLACE VIEW v_customer_360
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    is_anonymous UInt8 COMMENT '1 for an anonymous visitor who is not linked to a customer',
    first_seen_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Oldest engagement event',
    last_seen_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Newest engagement event',
    last_website_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Newest engagement event on the website',
    last_chat_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Newest engagement event in chat',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Newest order',
    events_1h UInt64 COMMENT 'All events of the last 12 five-minute buckets',
    events_24h UInt64 COMMENT 'All events of the last 24 hour buckets',
    events_7d UInt64 COMMENT 'All events of the last 7 UTC dates',
    events_30d UInt64 COMMENT 'All events of the last 30 UTC dates',
    events_90d UInt64 COMMENT 'All events of the last 90 UTC dates',
    events_total UInt64 COMMENT 'All events ever',
    score Float64 COMMENT 'Engagement score, 0 to 100: 100 * (1 - 2^(-points / half_point)), points of the last 30 UTC dates',
    preferred_channel Nullable(String) COMMENT 'Channel with most points in 30 days (ties: purchase, chat, website)',
    omnichannel_reach UInt64 COMMENT 'Channels with an engagement event in 30 days',
    orders_total UInt64 COMMENT 'Orders ever, refunded ones included',
    currency Nullable(String) COMMENT 'Currency of most orders (ties: alphabetical); NULL without an order',
    revenue_minor_total Int64 COMMENT 'Revenue ever in this currency, net of refunds, minor units',
    expected_gap_days Nullable(Float64) COMMENT 'Days from order to order to expect: (own gaps + 2 * population gap) / (n + 2)',
    overdue_ratio Nullable(Float64) COMMENT 'Whole days since the last purchase day / expected_gap_days',
    churn_status Nullable(String) COMMENT 'prospect, active, at_risk (ratio from 1.5), churned (from 3), won_back; NULL if anonymous',
    is_off_season UInt8 COMMENT '1: at risk or churned, yet a score of 30 or more: engaged without buying, so not lost',
    lead_score Nullable(Int64) COMMENT 'Sum of v_lead_ledger, which may be negative; NULL for a customer with an order'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT as_of FROM v_clock) AS as_of,
    toDate(as_of) AS today,
${churn},
    toStartOfFiveMinutes(as_of) + 300 AS after_5m,
    toStartOfHour(as_of) + 3600 AS after_hour
SELECT
    customer_id,
    is_anonymous,
    first_seen_at,
    greatest(website_seen_at, chat_seen_at, purchase_seen_at, state.last_purchase_at) AS last_seen_at,
    greatest(website_seen_at, website_order_at) AS last_website_at,
    greatest(chat_seen_at, chat_order_at) AS last_chat_at,
    state.last_purchase_at AS last_purchase_at,
    events_1h,
    events_24h,
    events_7d,
    events_30d,
    events_90d,
    events_total,
    round(100 * (1 - exp2(-half_points_30d)), 1) AS score,
    nullIf(top_channel, '') AS preferred_channel,
    omnichannel_reach,
    orders.n AS orders_total,
    nullIf(top_currency.2, '') AS currency,
    top_currency.3 AS revenue_minor_total,
    expected_gap_days,
    overdue_ratio,
    churn_status,
    coalesce(churn_status IN ('at_risk', 'churned'), 0) AND score >= 30 AS is_off_season,
    if(orders.n = 0, leads.lead_score, NULL) AS lead_score
FROM customer_state AS state FINAL
LEFT JOIN
(
    SELECT
        customer_id,
        sumIf(events, bucket_at >= after_5m - 3600 AND bucket_at < after_5m) AS events_1h,
        sum(events) AS events_24h
    FROM customer_5m FINAL
    WHERE bucket_at >= after_hour - 86400 AND bucket_at < after_hour
    GROUP BY customer_id
) AS hours USING (customer_id)
LEFT JOIN
(
    SELECT
        customer_id,
        sumIf(events, day > today - 7) AS events_7d,
        sumIf(events, day > today - 30 AS in_30d) AS events_30d,
        sum(events) AS events_90d,
        -- Channels stand in the order in which they win a tie, the last one first.
        ['website', 'chat', 'purchase'] AS channels,
        sumMapIf([indexOf(channels, channel)], [points], in_30d) AS by_channel,
        arraySum(by_channel.2) / any(half_point) AS half_points_30d,
        channels[arrayMax(arrayZip(by_channel.2, by_channel.1)).2] AS top_channel,
        uniqExactIf(channel, in_30d AND notEmpty(counts)) AS omnichannel_reach
    FROM customer_daily FINAL
    WHERE day > today - 90 AND day <= today
    GROUP BY customer_id
) AS days USING (customer_id)
LEFT JOIN
(
    SELECT
        customer_id,
        count() AS n,
        maxOrNullIf(ordered_at, channel = 'website') AS website_order_at,
        maxOrNullIf(ordered_at, channel = 'chat') AS chat_order_at,
        -- Orders count down, so that the smallest (-orders, currency, revenue) is the currency of most of them.
        sumMap([currency], [-1], [total_minor - refunded_minor]) AS by_currency,
        arrayMin(arrayZip(by_currency.2, by_currency.1, by_currency.3)) AS top_currency
    FROM (${canonical_orders})
    GROUP BY customer_id
) AS orders USING (customer_id)
LEFT JOIN (${lead_scores}) AS leads USING (customer_id)
WHERE is_moved = 0
SETTINGS join_use_nulls = 0, least_greatest_legacy_null_behavior = 0, optimize_move_to_prewhere_if_final = 1
COMMENT 'One row per customer: when seen, how engaged, what bought'
