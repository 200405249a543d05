-- Metrics: Held, retained, churned. One branch per grain and basis: a condition on these two leaves the others unread.
CREATE OR REPLACE VIEW v_retention_period
(
    grain String COMMENT 'Length of the period: day, week (from Monday), month or quarter',
    basis String COMMENT 'What counts: purchase (an order) or engagement (an engagement event)',
    period_start Date COMMENT 'First UTC date of the period; from the period of the first fact to that of as_of',
    is_complete UInt8 COMMENT '0 for the period that as_of lies in: its rates are NULL, its counts are those so far',
    customers_start UInt64 COMMENT 'Customers held at the start: they did what counts in the 90 days (a setting) before it',
    customers_end UInt64 COMMENT 'Customers held at the end',
    customers_new UInt64 COMMENT 'Of customers_end, those who did what counts for the first time in the period',
    customers_won_back UInt64 COMMENT 'Of customers_end, those not held at the start who did what counts before the period',
    retention_rate_pct Nullable(Float64) COMMENT '(customers_end - customers_new) / customers_start * 100',
    retention_strict_pct Nullable(Float64) COMMENT 'Share of customers_start that is held at the end as well, 0 to 100',
    churn_net_pct Nullable(Float64) COMMENT '(customers_start - customers_end) / customers_start * 100; new customers hide losses',
    churn_gross_pct Nullable(Float64) COMMENT '100 - retention_strict_pct'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH 'day' AS grain, 1 AS longest_days, d -> d AS period_of, 'purchase' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'week' AS grain, 7 AS longest_days, d -> toMonday(d) AS period_of, 'purchase' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'month' AS grain, 31 AS longest_days, d -> toStartOfMonth(d) AS period_of, 'purchase' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'quarter' AS grain, 92 AS longest_days, d -> toStartOfQuarter(d) AS period_of, 'purchase' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'day' AS grain, 1 AS longest_days, d -> d AS period_of, 'engagement' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'week' AS grain, 7 AS longest_days, d -> toMonday(d) AS period_of, 'engagement' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'month' AS grain, 31 AS longest_days, d -> toStartOfMonth(d) AS period_of, 'engagement' AS basis, ${qualifying_days},
${retention_by_period}
UNION ALL
WITH 'quarter' AS grain, 92 AS longest_days, d -> toStartOfQuarter(d) AS period_of, 'engagement' AS basis, ${qualifying_days},
${retention_by_period}
COMMENT 'Customers held, won and lost per period, by purchases and by engagement'
