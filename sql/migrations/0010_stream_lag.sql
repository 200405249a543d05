-- Lag over time. A measurement whose insert is tried again replaces its own rows. How long rows are kept stands in
-- sql/ttl: `engage migrate` sets it with the clock `wall` only.
CREATE TABLE IF NOT EXISTS stream_lag
(
    measured_at      DateTime64(3, 'UTC'),
    consumer_group   LowCardinality(String),
    topic            LowCardinality(String),
    partition        UInt32,
    committed_offset Int64,
    end_offset       Int64,
    lag              Int64,
    lag_seconds      Float64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(measured_at)
ORDER BY (consumer_group, topic, partition, measured_at)
COMMENT 'How far each group was behind in each partition; committed_offset and lag are -1 if nothing was committed';
