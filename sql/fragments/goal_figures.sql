-- Metrics: Goals. Columns: metric, segment, value: the figures that goals are about, at `today`, of the (metric, segment)
-- pairs in the array `wanted`. Both are constants, so what is not wanted is planned and not read; a branch may still
-- give more than was asked for. Figures by period are those of the last one that has ended.
SELECT figures.1 AS metric, segment, figures.2 AS value
FROM
(
    SELECT
        concat(grain, '/', basis) AS segment,
        argMax(
            [
                ('retention_rate_pct', retention_rate_pct),
                ('retention_strict_pct', retention_strict_pct),
                ('churn_net_pct', churn_net_pct),
                ('churn_gross_pct', churn_gross_pct)
            ],
            period_start
        ) AS by_metric
    FROM v_retention_period
    WHERE is_complete AND has(wanted.2, concat(grain, '/', basis))
    GROUP BY grain, basis
    UNION ALL
    SELECT window_name, [('repeat_purchase_pct', repeat_purchase_pct)]
    FROM v_repeat_purchase
    WHERE has(wanted.1, 'repeat_purchase_pct')
    UNION ALL
    -- As v_stickiness has it for today, from the days of these 30 alone.
    SELECT 'all', [('mau', toFloat64(sum(customers)))]
    FROM v_active_days
    WHERE has(wanted.1, 'mau')
    UNION ALL
    SELECT 'all', [('nps', nps)]
    FROM v_nps
    WHERE has(wanted.1, 'nps') AND quarter_start = toStartOfQuarter(toStartOfQuarter(today) - 1)
    UNION ALL
    SELECT asked, [('csat_pct', 100 * sum(round(csat_pct * n / 100)) / sum(n))]
    FROM v_csat
    ARRAY JOIN arrayDistinct(['all', touchpoint]) AS asked
    WHERE has(wanted.1, 'csat_pct') AND month_start = toStartOfMonth(toStartOfMonth(today) - 1)
    GROUP BY asked
)
ARRAY JOIN by_metric AS figures
