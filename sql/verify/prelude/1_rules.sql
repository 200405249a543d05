-- The rules in force: one row.
SELECT
    assumeNotNull((SELECT any(value) FROM settings FINAL WHERE key = 'score_rules')) AS score,
    JSONExtractFloat(score, 'half_point') AS half_point,
    JSONExtract(score, 'weights', 'Map(String, Tuple(points Float64, daily_cap UInt64))') AS weights,
    JSONExtract(score, 'other', 'Tuple(points Float64, daily_cap UInt64)') AS other,
    (SELECT toInt64(any(value)) FROM settings FINAL WHERE key = 'retention_days') AS retention_days
