-- Metrics: Lifecycle. One branch per grain: a condition on it leaves the others unread.
CREATE OR REPLACE VIEW v_lifecycle
(
    grain String COMMENT 'Length of the period: day, week (from Monday) or month',
    period_start Date COMMENT 'First UTC date of the period; from the period of the first fact to that of as_of',
    is_complete UInt8 COMMENT '0 for the period that as_of lies in: its counts are those so far',
    new UInt64 COMMENT 'Customers with their first engagement event ever in the period',
    returning UInt64 COMMENT 'Customers active in this period and in the one before',
    resurrecting UInt64 COMMENT 'Customers active again after at least one period without an engagement event',
    dormant UInt64 COMMENT 'Customers active in the period before and not in this one',
    active UInt64 COMMENT 'Customers with an engagement event in the period: new + returning + resurrecting'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH 'day' AS grain, d -> d AS period_of, 'engagement' AS basis, ${qualifying_days}
${lifecycle_by_period}
UNION ALL
WITH 'week' AS grain, d -> toMonday(d) AS period_of, 'engagement' AS basis, ${qualifying_days}
${lifecycle_by_period}
UNION ALL
WITH 'month' AS grain, d -> toStartOfMonth(d) AS period_of, 'engagement' AS basis, ${qualifying_days}
${lifecycle_by_period}
COMMENT 'Active customers per period: new, returning, resurrecting; and those who went dormant'
