-- Metrics: Terms (buckets, event counted once). By ids as sent.
-- key: bucket_at, channel, type
-- needs: all customers
SELECT
    toDateTime64(intDiv(toUnixTimestamp64Milli(occurred_at), 300000) * 300, 3, 'UTC') AS bucket_at,
    toString(channel) AS channel,
    toString(type) AS type,
    uniqExact(customer_id, event_id) AS events,
    uniqExact(customer_id) AS customers
FROM events FINAL
GROUP BY bucket_at, channel, type
