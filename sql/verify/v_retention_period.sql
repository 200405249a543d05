-- Metrics: Held, retained, churned. For each customer and each bound t of a period: held means a qualifying day in
-- [t - R, t).
-- key: grain, basis, period_start
-- needs: all customers
SELECT
    grain,
    basis,
    period_start,
    is_complete,
    customers_start,
    customers_end,
    customers_new,
    customers_won_back,
    if(is_complete AND customers_start > 0, (customers_end - customers_new) / customers_start * 100, NULL)
        AS retention_rate_pct,
    if(is_complete AND customers_start > 0,
        (customers_end - customers_new - customers_won_back) / customers_start * 100, NULL) AS retention_strict_pct,
    if(is_complete AND customers_start > 0, (customers_start - customers_end) / customers_start * 100, NULL)
        AS churn_net_pct,
    100 - retention_strict_pct AS churn_gross_pct
FROM
(
    WITH
        arrayMap(t -> arrayExists(day -> day >= t - retention_days AND day < t, days), bounds) AS held,
        arrayPopBack(held) AS held_at_start,
        arrayPopFront(held) AS held_at_end,
        arrayMap(start -> start > days[1], starts) AS came_before,
        arrayMap(end -> notEmpty(days) AND days[1] < end, arrayPopFront(bounds)) AS came_by_end
    SELECT
        grain,
        basis,
        starts,
        arrayMap(end -> end <= toDate({as_of:DateTime64(3, 'UTC')}), arrayPopFront(bounds)) AS complete,
        sumForEach(held_at_start) AS n_start,
        sumForEach(held_at_end) AS n_end,
        sumForEach(arrayMap(
            (at_end, before, by_end) -> at_end AND by_end AND NOT before, held_at_end, came_before, came_by_end
        )) AS n_new,
        sumForEach(arrayMap(
            (at_start, at_end, before) -> at_end AND before AND NOT at_start, held_at_start, held_at_end, came_before
        )) AS n_won_back
    FROM days
    CROSS JOIN periods
    CROSS JOIN (SELECT retention_days FROM rules) AS rules
    GROUP BY grain, basis, starts, bounds
)
ARRAY JOIN
    starts AS period_start,
    complete AS is_complete,
    n_start AS customers_start,
    n_end AS customers_end,
    n_new AS customers_new,
    n_won_back AS customers_won_back
SETTINGS max_block_size = 4096
