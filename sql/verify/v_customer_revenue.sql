-- Metrics: Rolling engagement windows; Terms (refund, money).
-- key: customer_id, currency, window_name
WITH toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}) AS as_of_ms
SELECT customer_id, currency, window_name, count() AS orders, sum(net_minor) AS revenue_minor
FROM
(
    SELECT customer_id, currency, window_name, net_minor
    FROM ${orders} AS orders
    CROSS JOIN windows
    WHERE intDiv(toUnixTimestamp64Milli(ordered_at), bucket_ms) > intDiv(as_of_ms, bucket_ms) - n
        AND intDiv(toUnixTimestamp64Milli(ordered_at), bucket_ms) <= intDiv(as_of_ms, bucket_ms)
    UNION ALL
    SELECT customer_id, currency, 'all', net_minor
    FROM ${orders} AS orders
)
GROUP BY customer_id, currency, window_name
