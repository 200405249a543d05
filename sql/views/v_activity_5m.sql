-- Metrics: Terms (buckets, event counted once).
CREATE OR REPLACE VIEW v_activity_5m
(
    bucket_at DateTime64(3, 'UTC') COMMENT 'Start of the five minutes, by the time of the event',
    channel String COMMENT 'website, chat or purchase',
    type String COMMENT 'Type of the events',
    events UInt64 COMMENT 'Events, each counted once',
    customers UInt64 COMMENT 'Customers with such an event, by ids as sent'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    bucket_at,
    toString(channel) AS channel,
    toString(type) AS type,
    uniqExactMerge(activity_5m.events) AS events,
    uniqExactMerge(activity_5m.customers) AS customers
FROM activity_5m
GROUP BY bucket_at, channel, type
COMMENT 'Traffic in five-minute buckets by channel and type'
