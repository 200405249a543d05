-- Metrics: Stream health (lag, lag_seconds). By the wall clock, whatever clock figures go by.
CREATE OR REPLACE VIEW v_stream_lag
(
    measured_at DateTime64(3, 'UTC') COMMENT 'When the lag exporter looked',
    consumer_group String COMMENT 'Kafka consumer group',
    topic String COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Partition of the topic',
    lag Int64 COMMENT 'Log-end offset minus committed offset; -1: the group has committed nothing',
    lag_seconds Float64 COMMENT 'Age of the oldest record not yet committed, in seconds; 0: nothing is left to read'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    measured_at,
    toString(consumer_group) AS consumer_group,
    toString(topic) AS topic,
    partition,
    lag,
    lag_seconds
FROM stream_lag FINAL
COMMENT 'How far consumer groups were behind, one row per measurement and partition'
