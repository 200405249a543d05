-- Absolute rows per customer: the worker writes whole values, never deltas. The row with the highest version
-- wins; a version is (epoch, n_applied), so a stale writer's row and an older epoch's row lose.
-- Small granules: a lookup reads one per part, and FINAL has to merge them.

CREATE TABLE IF NOT EXISTS customer_state
(
    customer_id      String,
    is_anonymous     UInt8,
    first_seen_at    Nullable(DateTime64(3, 'UTC')),
    website_seen_at  Nullable(DateTime64(3, 'UTC')),
    chat_seen_at     Nullable(DateTime64(3, 'UTC')),
    purchase_seen_at Nullable(DateTime64(3, 'UTC')),
    events_total     UInt64,
    orders_total     UInt64,
    epoch            UInt32,
    n_applied        UInt64,
    version          UInt64 DEFAULT bitShiftLeft(toUInt64(epoch), 40) + n_applied,
    written_at       DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY customer_id
SETTINGS index_granularity = 1024
COMMENT 'One row per customer; *_seen_at is the newest engagement event of a channel, orders left out';

CREATE TABLE IF NOT EXISTS customer_daily
(
    customer_id   String,
    day           Date,
    channel       LowCardinality(String),
    events        UInt64,
    counts        Map(LowCardinality(String), UInt64),
    points        Float64,
    orders        UInt64,
    conversations UInt64,
    messages      UInt64,
    epoch         UInt32,
    n_applied     UInt64,
    version       UInt64 DEFAULT bitShiftLeft(toUInt64(epoch), 40) + n_applied,
    written_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(day)
ORDER BY (customer_id, day, channel)
SETTINGS index_granularity = 1024
COMMENT 'One row per customer, UTC date and channel; counts holds engagement events per type';

CREATE TABLE IF NOT EXISTS customer_5m
(
    customer_id   String,
    bucket_at     DateTime('UTC'),
    channel       LowCardinality(String),
    events        UInt64,
    orders        UInt64,
    conversations UInt64,
    messages      UInt64,
    epoch         UInt32,
    n_applied     UInt64,
    version       UInt64 DEFAULT bitShiftLeft(toUInt64(epoch), 40) + n_applied,
    written_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(bucket_at)
ORDER BY (customer_id, bucket_at, channel)
SETTINGS index_granularity = 1024
COMMENT 'One row per customer, five minutes and channel';
