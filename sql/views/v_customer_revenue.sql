-- Metrics: Rolling engagement windows; Terms (refund, money). A refund counts at its order's time.
-- A window of n buckets ends with the bucket that as_of lies in: it is [end of that bucket - n buckets, end).
CREATE OR REPLACE VIEW v_customer_revenue
(
    customer_id String COMMENT 'Customer',
    currency String COMMENT 'ISO 4217 code; amounts of different currencies are never added',
    window_name String COMMENT '1h, 24h, 7d, 30d or 90d up to as_of, or all: every order',
    orders UInt64 COMMENT 'Orders placed in the window, refunded ones included',
    revenue_minor Int64 COMMENT 'Revenue of these orders net of refunds, minor units'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT as_of FROM v_clock) AS as_of,
    toDateTime64(toStartOfFiveMinutes(as_of), 3, 'UTC') + 300 AS after_5m,
    toDateTime64(toStartOfHour(as_of), 3, 'UTC') + 3600 AS after_hour,
    toDateTime64(toStartOfDay(as_of), 3, 'UTC') + 86400 AS after_day
SELECT
    customer_id,
    toString(currency) AS currency,
    bounds.1 AS window_name,
    count() AS orders,
    sum(total_minor - refunded_minor) AS revenue_minor
FROM (${canonical_orders}) AS orders
LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
ARRAY JOIN [
    ('1h', after_5m - 3600, after_5m),
    ('24h', after_hour - 86400, after_hour),
    ('7d', after_day - 7 * 86400, after_day),
    ('30d', after_day - 30 * 86400, after_day),
    ('90d', after_day - 90 * 86400, after_day),
    ('all', toDateTime64(0, 3, 'UTC'), toDateTime64('2299-12-31 00:00:00', 3, 'UTC'))
] AS bounds
WHERE ordered_at >= bounds.2 AND ordered_at < bounds.3
GROUP BY customer_id, currency, window_name
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'Orders and net revenue per customer, currency and window; windows without an order are absent'
