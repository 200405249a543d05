-- Design: Contract for producers (bad input).
CREATE OR REPLACE VIEW v_rejected_events
(
    rejected_at DateTime64(3, 'UTC') COMMENT 'When the broker appended the record',
    reason String COMMENT 'Why it is no fact: not_json, missing_field, future_timestamp, ...',
    detail String COMMENT 'What exactly is wrong',
    source_topic String COMMENT 'Topic of the record',
    source_partition UInt32 COMMENT 'Partition of the record',
    source_offset UInt64 COMMENT 'Offset of the record',
    payload_preview String COMMENT 'First 200 characters of the record, invalid UTF-8 replaced',
    replayed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When a repaired copy was sent; NULL if none was'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    rejected_at,
    toString(reason) AS reason,
    detail,
    toString(source_topic) AS source_topic,
    source_partition,
    source_offset,
    substringUTF8(toValidUTF8(substring(payload, 1, 800)), 1, 200) AS payload_preview,
    replayed_at
FROM rejected_events FINAL
COMMENT 'Records that could not become facts, one row per record'
