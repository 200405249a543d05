-- Metrics: Cohort retention. One branch per grain and basis: a condition on these two leaves the others unread.
CREATE OR REPLACE VIEW v_retention_cohort
(
    grain String COMMENT 'Length of the period: day, week (from Monday), month or quarter',
    basis String COMMENT 'What counts: purchase (an order) or engagement (an engagement event)',
    cohort_start Date COMMENT 'First UTC date of the period in which these customers did what counts for the first time',
    k UInt32 COMMENT 'Periods after that one, from 0 to the period of as_of',
    is_complete UInt8 COMMENT '0 if period k is the one that as_of lies in: its rates are NULL',
    size UInt64 COMMENT 'Customers of the cohort; a cohort without any is absent',
    on_pct Nullable(Float64) COMMENT 'Share of them that did what counts in period k, 0 to 100',
    on_or_after_pct Nullable(Float64) COMMENT 'Share of them that did what counts in period k or later, 0 to 100'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH 'day' AS grain, d -> d AS period_of, 'purchase' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'week' AS grain, d -> toMonday(d) AS period_of, 'purchase' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'month' AS grain, d -> toStartOfMonth(d) AS period_of, 'purchase' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'quarter' AS grain, d -> toStartOfQuarter(d) AS period_of, 'purchase' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'day' AS grain, d -> d AS period_of, 'engagement' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'week' AS grain, d -> toMonday(d) AS period_of, 'engagement' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'month' AS grain, d -> toStartOfMonth(d) AS period_of, 'engagement' AS basis, ${qualifying_days}
${retention_by_cohort}
UNION ALL
WITH 'quarter' AS grain, d -> toStartOfQuarter(d) AS period_of, 'engagement' AS basis, ${qualifying_days}
${retention_by_cohort}
COMMENT 'Who came back, by the period of the first purchase or engagement'
