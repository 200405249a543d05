-- The rules in force: one row.
WITH
    assumeNotNull((SELECT any(value) FROM settings FINAL WHERE key = 'rules')) AS all_rules,
    JSONExtractRaw(all_rules, 'score') AS score
SELECT
    JSONExtractFloat(score, 'half_point') AS half_point,
    JSONExtract(score, 'weights', 'Map(String, Tuple(points Float64, daily_cap UInt64))') AS weights,
    JSONExtract(score, 'other', 'Tuple(points Float64, daily_cap UInt64)') AS other,
    JSONExtractFloat(all_rules, 'churn', 'population_gap_days') AS population_gap_days,
    (SELECT toInt64(any(value)) FROM settings FINAL WHERE key = 'retention_days') AS retention_days
