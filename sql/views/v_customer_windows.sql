-- Metrics: Rolling engagement windows. The hour windows come from five-minute rows, the day windows from day rows.
-- Rows of events that have moved to another customer are written again without events: they leave no window.
CREATE OR REPLACE VIEW v_customer_windows
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    channel String COMMENT 'website, chat or purchase',
    window_name String COMMENT '1h, 24h, 7d, 30d or 90d up to as_of, aligned to 5 minutes, hours, UTC dates',
    events UInt64 COMMENT 'All events',
    points Nullable(Float64) COMMENT 'Engagement points; NULL for 1h and 24h, as caps are per day',
    active_days Nullable(UInt64) COMMENT 'UTC dates with an engagement event; NULL for 1h and 24h',
    orders UInt64 COMMENT 'Orders',
    conversations UInt64 COMMENT 'Conversations started',
    messages UInt64 COMMENT 'Messages that the customer sent'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT as_of FROM v_clock) AS as_of,
    toStartOfFiveMinutes(as_of) + 300 AS after_5m,
    toStartOfHour(as_of) + 3600 AS after_hour,
    toDate(as_of) AS today
SELECT
    customer_id,
    toString(channel) AS channel,
    bounds.1 AS window_name,
    sum(events) AS events,
    CAST(NULL, 'Nullable(Float64)') AS points,
    CAST(NULL, 'Nullable(UInt64)') AS active_days,
    sum(orders) AS orders,
    sum(conversations) AS conversations,
    sum(messages) AS messages
FROM customer_5m FINAL
ARRAY JOIN [('1h', after_5m - 3600, after_5m), ('24h', after_hour - 86400, after_hour)] AS bounds
WHERE bucket_at >= after_hour - 86400 AND bucket_at >= bounds.2 AND bucket_at < bounds.3
GROUP BY customer_id, channel, window_name
HAVING events > 0
SETTINGS optimize_move_to_prewhere_if_final = 1
UNION ALL
SELECT
    customer_id,
    toString(channel) AS channel,
    concat(toString(days), 'd') AS window_name,
    sum(events) AS events,
    sum(points) AS points,
    countIf(arraySum(mapValues(counts)) > 0) AS active_days,
    sum(orders) AS orders,
    sum(conversations) AS conversations,
    sum(messages) AS messages
FROM customer_daily FINAL
ARRAY JOIN [7, 30, 90] AS days
WHERE day > today - 90 AND day <= today AND day > today - days
GROUP BY customer_id, channel, window_name
HAVING events > 0
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'Events, points, orders and conversations per customer, channel and window; windows without an event are absent'
