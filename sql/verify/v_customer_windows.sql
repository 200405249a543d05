-- Metrics: Rolling engagement windows.
-- key: customer_id, channel, window_name
WITH toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}) AS as_of_ms
SELECT
    customer_id,
    channel,
    window_name,
    count() AS events,
    if(is_daily, any(earned.points), NULL) AS points,
    if(is_daily, uniqExactIf(toDate(occurred_at), is_engagement), NULL) AS active_days,
    countIf(is_order) AS orders,
    countIf(type = 'conversation_started') AS conversations,
    countIf(type = 'message_sent' AND author = 'customer') AS messages
FROM ${facts} AS facts
CROSS JOIN windows
LEFT JOIN
(
    SELECT customer_id, channel, window_name, sum(points) AS points
    FROM ${ledger} AS ledger
    CROSS JOIN windows
    WHERE is_daily AND day > toDate(fromUnixTimestamp64Milli(as_of_ms, 'UTC')) - n
        AND day <= toDate(fromUnixTimestamp64Milli(as_of_ms, 'UTC'))
    GROUP BY customer_id, channel, window_name
) AS earned USING (customer_id, channel, window_name)
WHERE intDiv(toUnixTimestamp64Milli(occurred_at), bucket_ms) > intDiv(as_of_ms, bucket_ms) - n
    AND intDiv(toUnixTimestamp64Milli(occurred_at), bucket_ms) <= intDiv(as_of_ms, bucket_ms)
GROUP BY customer_id, channel, window_name, is_daily
