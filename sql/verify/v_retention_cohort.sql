-- Metrics: Cohort retention.
-- key: grain, basis, cohort_start, k
-- needs: all customers
SELECT
    grain,
    basis,
    starts[first] AS cohort_start,
    period - first AS k,
    bounds[period + 1] <= toDate({as_of:DateTime64(3, 'UTC')}) AS is_complete,
    size,
    if(is_complete, n_on / size * 100, NULL) AS on_pct,
    if(is_complete, n_on_or_after / size * 100, NULL) AS on_or_after_pct
FROM
(
    WITH
        arrayMap((start, end) -> arrayExists(day -> day >= start AND day < end, days), starts, arrayPopFront(bounds))
            AS seen,
        arrayLastIndex(active -> active, seen) AS last
    SELECT
        grain,
        basis,
        starts,
        bounds,
        indexOf(seen, 1) AS first,
        count() AS size,
        sumForEach(seen) AS on_by_period,
        sumForEach(arrayMap(period -> period <= last, arrayEnumerate(seen))) AS on_or_after_by_period
    FROM days
    CROSS JOIN periods
    WHERE notEmpty(days)
    GROUP BY grain, basis, starts, bounds, first
)
ARRAY JOIN
    arrayEnumerate(starts) AS period,
    on_by_period AS n_on,
    on_or_after_by_period AS n_on_or_after
WHERE period >= first
SETTINGS max_block_size = 4096
