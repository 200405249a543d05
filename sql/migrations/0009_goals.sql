-- What somebody means to reach, and by when. Written by `engage goal`, a whole row each time; a removed goal leaves its
-- id behind, so that no other goal ever gets it.
CREATE TABLE IF NOT EXISTS goals
(
    goal_id    String,
    metric     LowCardinality(String),
    segment    String,
    baseline   Float64,
    target     Float64,
    start_date Date,
    due_date   Date,
    is_removed UInt8,
    version    UInt64 DEFAULT toUInt64(toUnixTimestamp64Micro(now64(6)))
)
ENGINE = ReplacingMergeTree(version, is_removed)
ORDER BY goal_id
COMMENT 'Goals: a metric of a segment is to go from baseline to target between two dates';
