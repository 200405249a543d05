-- Metrics: Engagement score (0–100). Weights and caps are the rules in force, which `settings` holds. Days that were
-- emptied, as their events moved to another customer, have no counts and leave no line.
CREATE OR REPLACE VIEW v_score_ledger
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    day Date COMMENT 'UTC date',
    channel String COMMENT 'website, chat or purchase',
    type String COMMENT 'Type of the engagement events',
    count UInt64 COMMENT 'Events of this type on that day and channel, those above the cap included',
    weight Float64 COMMENT 'Points that one event of this type is worth',
    points Float64 COMMENT 'weight * min(count, daily cap of the type); the last 30 UTC dates sum to the raw score'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    assumeNotNull((SELECT any(value) FROM settings FINAL WHERE key = 'score_rules')) AS rules,
    JSONExtract(rules, 'weights', 'Map(String, Tuple(points Float64, daily_cap UInt64))') AS own_rules,
    JSONExtract(rules, 'other', 'Tuple(points Float64, daily_cap UInt64)') AS other_rule,
    if(mapContains(own_rules, counted_type), own_rules[counted_type], other_rule) AS rule
SELECT
    customer_id,
    day,
    toString(channel) AS channel,
    toString(counted_type) AS type,
    counted AS count,
    rule.1 AS weight,
    rule.1 * least(counted, rule.2) AS points
FROM customer_daily FINAL
ARRAY JOIN mapKeys(counts) AS counted_type, mapValues(counts) AS counted
WHERE counted > 0
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'What each customer earned points for, per day, channel and type of event'
