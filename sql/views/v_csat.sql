-- Metrics: Satisfaction. Every answer counts, those of anonymous visitors too. The running month shows what is in so far:
-- n says how much that is.
CREATE OR REPLACE VIEW v_csat
(
    month_start Date COMMENT 'First day of the calendar month, UTC',
    touchpoint String COMMENT 'What the customer was asked about; empty if the answer names nothing',
    n UInt64 COMMENT 'Answers',
    csat_pct Float64 COMMENT 'Percentage of answers of 4 and 5 on the scale of 1 to 5'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    toStartOfMonth(occurred_at) AS month_start,
    answer.3 AS touchpoint,
    count() AS n,
    100 * countIf(answer.2 >= 4) / count() AS csat_pct
FROM (${answers})
WHERE answer.1 = 'csat'
GROUP BY month_start, touchpoint
SETTINGS join_use_nulls = 0
COMMENT 'Customer satisfaction per month and touchpoint; without an answer there is no row'
