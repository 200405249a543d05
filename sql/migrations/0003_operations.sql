-- Rejects and settings.

-- A reject is found by where it came from; marking it replayed writes the row again with a higher version.
CREATE TABLE IF NOT EXISTS rejected_events
(
    rejected_at      DateTime64(3, 'UTC'),
    reason           LowCardinality(String),
    detail           String,
    source_topic     LowCardinality(String),
    source_partition UInt32,
    source_offset    UInt64,
    record_key       String,
    payload          String,
    payload_bytes    UInt64,
    payload_sha256   String,
    replayed_at      Nullable(DateTime64(3, 'UTC')),
    version          UInt64 DEFAULT if(isNull(replayed_at), 0, 1)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source_topic, source_partition, source_offset)
COMMENT 'Records that could not become facts: the original bytes (above 1 MiB the first 64 KiB) and why';

CREATE TABLE IF NOT EXISTS settings
(
    key        String,
    value      String,
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY key
COMMENT 'Settings that views depend on, written by `engage migrate`';
