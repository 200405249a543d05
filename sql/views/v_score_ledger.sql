-- Metrics: Engagement score (0–100). Weights and caps are the rules in force: `point_lines` turns to others together
-- with the points that other views read. Days that were emptied, as their events moved to another customer, have no
-- counts and leave no line.
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
SELECT
    customer_id,
    day,
    toString(channel) AS channel,
    line.type AS type,
    line.count AS count,
    line.weight AS weight,
    line.points AS points
FROM customer_daily FINAL
ARRAY JOIN point_lines AS line
WHERE line.count > 0
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'What each customer earned points for, per day, channel and type of event'
