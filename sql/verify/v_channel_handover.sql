-- Metrics: Channel hand-over.
-- key: from_channel, to_channel, month_start
-- needs: all customers
SELECT
    from_channel,
    channel AS to_channel,
    toStartOfMonth(occurred_at) AS month_start,
    count() AS handovers,
    quantileExactInclusive(0.5)(after_ms) / 1000 AS median_seconds
FROM
(
    SELECT
        channel,
        occurred_at,
        lagInFrame(channel, 1, '') OVER by_moment AS from_channel,
        toUnixTimestamp64Milli(occurred_at) - toUnixTimestamp64Milli(lagInFrame(occurred_at) OVER by_moment) AS after_ms
    FROM facts
    WHERE is_engagement
    WINDOW by_moment AS (
        PARTITION BY customer_id ORDER BY occurred_at, event_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
    )
)
WHERE from_channel != '' AND from_channel != channel AND after_ms <= 24 * 3600 * 1000
GROUP BY from_channel, channel, month_start
