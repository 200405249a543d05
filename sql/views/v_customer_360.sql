-- Metrics: Rolling engagement windows; Engagement score (0–100); Terms (engagement event, order, refund, money).
-- A condition on customer_id reaches the primary key of each joined table. Planning is most of a lookup's time, so each
-- table is read once, by few expressions. join_use_nulls is set here, as a session's own value would change the numbers
-- of a customer without orders.
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
    score Float64 COMMENT 'Engagement score, 0 to 100: 100 * (1 - 2^(-points / 50)), points of the last 30 UTC dates',
    preferred_channel Nullable(String) COMMENT 'Channel with most points in 30 days (ties: purchase, chat, website)',
    omnichannel_reach UInt64 COMMENT 'Channels with an engagement event in 30 days',
    orders_total UInt64 COMMENT 'Orders ever, refunded ones included',
    currency Nullable(String) COMMENT 'Currency of most orders (ties: alphabetical); NULL without an order',
    revenue_minor_total Int64 COMMENT 'Revenue ever in this currency, net of refunds, minor units'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT as_of FROM v_clock) AS as_of,
    toDate(as_of) AS today,
    toStartOfFiveMinutes(as_of) + 300 AS after_5m,
    toStartOfHour(as_of) + 3600 AS after_hour,
    toDateTime64(0, 3, 'UTC') AS never
SELECT
    customer_id,
    is_anonymous,
    first_seen_at,
    nullIf(greatest(website_at, chat_at, purchase_at, newest_order_at), never) AS last_seen_at,
    nullIf(greatest(website_at, website_order_at), never) AS last_website_at,
    nullIf(greatest(chat_at, chat_order_at), never) AS last_chat_at,
    nullIf(newest_order_at, never) AS last_purchase_at,
    hours.events_1h AS events_1h,
    hours.events_24h AS events_24h,
    days.events_7d AS events_7d,
    days.events_30d AS events_30d,
    days.events_90d AS events_90d,
    events_total,
    round(100 * (1 - exp2((website_points + chat_points + purchase_points) / -50)), 1) AS score,
    multiIf(
        purchase_points > 0 AND purchase_points >= greatest(chat_points, website_points), 'purchase',
        chat_points > 0 AND chat_points >= website_points, 'chat',
        website_points > 0, 'website',
        NULL
    ) AS preferred_channel,
    days.reach AS omnichannel_reach,
    orders.n AS orders_total,
    nullIf(orders.top_currency, '') AS currency,
    orders.revenue_by_currency[orders.top_currency] AS revenue_minor_total
FROM
(
    SELECT
        customer_id,
        is_anonymous,
        first_seen_at,
        ifNull(website_seen_at, never) AS website_at,
        ifNull(chat_seen_at, never) AS chat_at,
        ifNull(purchase_seen_at, never) AS purchase_at,
        events_total
    FROM customer_state FINAL
) AS state
LEFT JOIN
(
    SELECT customer_id, sumIf(events, bucket_at >= after_5m - 3600 AND bucket_at < after_5m) AS events_1h, sum(events) AS events_24h
    FROM customer_5m FINAL
    WHERE bucket_at >= after_hour - 86400 AND bucket_at < after_hour
    GROUP BY customer_id
) AS hours USING (customer_id)
LEFT JOIN
(
    SELECT
        customer_id,
        sumIf(events, day > today - 7) AS events_7d,
        sumIf(events, day > today - 30) AS events_30d,
        sum(events) AS events_90d,
        sumMapIf(map(channel, points), day > today - 30) AS points_30d,
        points_30d['website'] AS website_points,
        points_30d['chat'] AS chat_points,
        points_30d['purchase'] AS purchase_points,
        uniqExactIf(channel, day > today - 30 AND arraySum(mapValues(counts)) > 0) AS reach
    FROM customer_daily FINAL
    WHERE day > today - 90 AND day <= today
    GROUP BY customer_id
) AS days USING (customer_id)
LEFT JOIN
(
    SELECT
        customer_id,
        count() AS n,
        max(ordered_at) AS newest_order_at,
        maxIf(ordered_at, channel = 'website') AS website_order_at,
        maxIf(ordered_at, channel = 'chat') AS chat_order_at,
        sumMap(map(currency, 1)) AS orders_by_currency,
        sumMap(map(currency, total_minor - refunded_minor)) AS revenue_by_currency,
        arrayMin((n, code) -> (-n, code), mapValues(orders_by_currency), mapKeys(orders_by_currency)).2 AS top_currency
    FROM (${canonical_orders})
    GROUP BY customer_id
) AS orders USING (customer_id)
SETTINGS join_use_nulls = 0
COMMENT 'One row per customer: when seen, how engaged, what bought'
