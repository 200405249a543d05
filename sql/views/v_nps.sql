-- Metrics: Satisfaction. Anonymous visitors count too, each as one customer. The running quarter shows what is in so
-- far: n says how much that is.
CREATE OR REPLACE VIEW v_nps
(
    quarter_start Date COMMENT 'First day of the calendar quarter, UTC',
    n UInt64 COMMENT 'Customers who answered in the quarter; the latest answer of each counts',
    promoters UInt64 COMMENT 'Of these, scores of 9 and 10',
    passives UInt64 COMMENT 'Of these, scores of 7 and 8',
    detractors UInt64 COMMENT 'Of these, scores of 0 to 6',
    nps Float64 COMMENT 'Net promoter score, -100 to 100: percentage of promoters less percentage of detractors'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    quarter_start,
    count() AS n,
    countIf(score >= 9) AS promoters,
    countIf(score IN (7, 8)) AS passives,
    countIf(score <= 6) AS detractors,
    100 * (countIf(score >= 9) - countIf(score <= 6)) / count() AS nps
FROM
(
    SELECT
        customer_id,
        toStartOfQuarter(occurred_at) AS quarter_start,
        argMax(answer.2, (occurred_at, event_id)) AS score
    FROM (${answers})
    WHERE answer.1 = 'nps'
    GROUP BY customer_id, quarter_start
)
GROUP BY quarter_start
SETTINGS join_use_nulls = 0
COMMENT 'Net promoter score per quarter; quarters without an answer are absent'
