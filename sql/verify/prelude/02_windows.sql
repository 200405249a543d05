-- Metrics: Rolling engagement windows. Window w holds the buckets b with bucket(as_of) - n < b <= bucket(as_of).
SELECT line.1 AS window_name, line.2 AS bucket_ms, line.3 AS n, bucket_ms = 86400000 AS is_daily
FROM
(
    SELECT arrayJoin([
        ('1h', 300000, 12), ('24h', 3600000, 24), ('7d', 86400000, 7), ('30d', 86400000, 30), ('90d', 86400000, 90)
    ]) AS line
)
