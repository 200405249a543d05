-- Metrics: Stream health (freshness_seconds). By the wall clock, whatever clock figures go by.
CREATE OR REPLACE VIEW v_freshness
(
    table_name String COMMENT 'Table that the worker writes',
    newest_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When ClickHouse took its newest row; NULL while it is empty',
    freshness_seconds Nullable(Float64) COMMENT 'Seconds from then to now; NULL while it is empty'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    table_name,
    newest_at,
    (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(newest_at)) / 1000 AS freshness_seconds
FROM
(
    SELECT 'events' AS table_name, maxOrNull(ingested_at) AS newest_at FROM events
    UNION ALL
    SELECT 'customer_state', maxOrNull(written_at) FROM customer_state
    UNION ALL
    SELECT 'customer_daily', maxOrNull(written_at) FROM customer_daily
    UNION ALL
    SELECT 'customer_5m', maxOrNull(written_at) FROM customer_5m
    UNION ALL
    SELECT 'identity_links', maxOrNull(written_at) FROM identity_links
)
COMMENT 'How old the newest row of each table is that the worker writes'
