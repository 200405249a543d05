-- The rules in force: one row.
WITH
    (SELECT any(value) FROM settings FINAL WHERE key = 'rules') AS all_rules,
    (SELECT any(value) FROM settings FINAL WHERE key = 'score_rules') AS score_rules,
    assumeNotNull(if(empty(all_rules), score_rules, JSONExtractRaw(all_rules, 'score'))) AS score
SELECT
    JSONExtractFloat(score, 'half_point') AS half_point,
    JSONExtract(score, 'weights', 'Map(String, Tuple(points Float64, daily_cap UInt64))') AS weights,
    JSONExtract(score, 'other', 'Tuple(points Float64, daily_cap UInt64)') AS other,
    if(empty(all_rules), 30., JSONExtractFloat(assumeNotNull(all_rules), 'churn', 'population_gap_days'))
        AS population_gap_days,
    (SELECT toInt64(any(value)) FROM settings FINAL WHERE key = 'retention_days') AS retention_days
