-- Metrics: Lifecycle. A(t) = customers active in period t.
-- key: grain, period_start
-- needs: all customers
SELECT
    grain,
    period_start,
    is_complete,
    new,
    returning,
    active - new - returning AS resurrecting,
    dormant,
    active
FROM
(
    WITH
        arrayMap((start, end) -> arrayExists(day -> day >= start AND day < end, days), starts, arrayPopFront(bounds))
            AS active_in,
        arrayShiftRight(active_in, 1, 0) AS active_before
    SELECT
        grain,
        starts,
        arrayMap(end -> end <= toDate({as_of:DateTime64(3, 'UTC')}), arrayPopFront(bounds)) AS complete,
        sumForEach(active_in) AS n_active,
        sumForEach(arrayMap(i -> i = indexOf(active_in, 1), arrayEnumerate(active_in))) AS n_new,
        sumForEach(arrayMap((now, before) -> now AND before, active_in, active_before)) AS n_returning,
        sumForEach(arrayMap((now, before) -> before AND NOT now, active_in, active_before)) AS n_dormant
    FROM days
    CROSS JOIN periods
    WHERE basis = 'engagement' AND grain != 'quarter'
    GROUP BY grain, starts, bounds
)
ARRAY JOIN
    starts AS period_start,
    complete AS is_complete,
    n_active AS active,
    n_new AS new,
    n_returning AS returning,
    n_dormant AS dormant
SETTINGS max_block_size = 4096
