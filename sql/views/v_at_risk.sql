-- Metrics: At risk, before the customer leaves; Engagement score (0–100).
CREATE OR REPLACE VIEW v_at_risk
(
    customer_id String COMMENT 'Customer who is at risk or churned',
    churn_status String COMMENT 'at_risk: 1.5 times the expected gap without an order; churned: 3 times',
    last_purchase_at DateTime64(3, 'UTC') COMMENT 'Newest order',
    expected_gap_days Float64 COMMENT 'Days from order to order to expect: (own gaps + 2 * population gap) / (n + 2)',
    overdue_ratio Float64 COMMENT 'Whole days since the last purchase day / expected_gap_days',
    score Float64 COMMENT 'Engagement score, 0 to 100',
    is_off_season UInt8 COMMENT '1: a score of 30 or more: engaged without buying, so not lost',
    reason String COMMENT 'Why, in words'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT toDate(as_of) FROM v_clock) AS today,
    toInt64(round(late.expected_gap_days)) AS expected_days
SELECT
    customer_id,
    assumeNotNull(late.churn_status) AS churn_status,
    assumeNotNull(late.last_purchase_at) AS last_purchase_at,
    assumeNotNull(late.expected_gap_days) AS expected_gap_days,
    assumeNotNull(late.overdue_ratio) AS overdue_ratio,
    round(100 * (1 - exp2(-half_points_30d)), 1) AS score,
    score >= 30 AS is_off_season,
    assumeNotNull(concat(toString(days_since_order), ' days since last order, expected ', toString(expected_days))) AS reason
FROM
(
    WITH
${churn}
    SELECT
        customer_id,
        churn_status,
        state.last_purchase_at AS last_purchase_at,
        expected_gap_days,
        overdue_ratio,
        days_since_order
    FROM customer_state AS state FINAL
    WHERE is_moved = 0 AND churn_status IN ('at_risk', 'churned')
) AS late
LEFT JOIN
(
    SELECT customer_id, sum(points) / any(half_point) AS half_points_30d
    FROM customer_daily FINAL
    WHERE day > today - 30 AND day <= today
    GROUP BY customer_id
) AS days USING (customer_id)
SETTINGS join_use_nulls = 0, optimize_move_to_prewhere_if_final = 1
COMMENT 'Customers who have not ordered for longer than expected'
