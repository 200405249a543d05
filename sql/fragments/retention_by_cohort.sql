-- A customer counts once for each period with a qualifying day (`seen`), and leaves the cohort after the last (`last`).
SELECT
    grain,
    basis,
    cohort_start,
    k,
    toUInt8(k + 1 < n_periods) AS is_complete,
    size,
    if(is_complete, seen / size * 100, NULL) AS on_pct,
    if(is_complete, (size - left_before) / size * 100, NULL) AS on_or_after_pct
FROM
(
    SELECT
        cohort_start,
        toUInt32(dateDiff(grain, cohort_start, period_of(today)) + 1) AS n_periods,
        -- By k: each array has a 0 for a period that nobody was seen in.
        arrayResize(groupArrayInsertAt(customers, k), n_periods) AS seen_by_k,
        arrayResize(groupArrayInsertAt(last_time, k), n_periods) AS last_by_k,
        arrayShiftRight(arrayCumSum(last_by_k), 1) AS left_before_k,
        arraySum(last_by_k) AS size
    FROM
    (
        SELECT
            cohort_start,
            toUInt32(dateDiff(grain, cohort_start, period)) AS k,
            count() AS customers,
            countIf(period = last_period) AS last_time
        FROM
        (
            SELECT
                arrayCompact(arrayMap(d -> period_of(d), days)) AS active_periods,
                active_periods[1] AS cohort_start,
                active_periods[-1] AS last_period
            FROM customer_days
        )
        ARRAY JOIN active_periods AS period
        GROUP BY cohort_start, period
    )
    GROUP BY cohort_start
)
ARRAY JOIN range(n_periods) AS k, seen_by_k AS seen, left_before_k AS left_before
