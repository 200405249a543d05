-- A customer counts in each period with an engagement event, and as dormant in the one after it unless active there.
-- The window is partitioned by a constant so that a condition on it passes below: other grains read nothing.
SELECT
    grain,
    period_start,
    toUInt8(period_start < period_of(today)) AS is_complete,
    new,
    returning,
    active - new - returning AS resurrecting,
    toUInt64(lagInFrame(left_after) OVER (
        PARTITION BY grain ORDER BY period_start ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
    )) AS dormant,
    active
FROM
(
    SELECT period_start, sum(n.1) AS active, sum(n.2) AS new, sum(n.3) AS returning, sum(n.4) AS left_after
    FROM
    (
        SELECT period_start, (toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0)) AS n
        FROM periods
        UNION ALL
        SELECT
            period,
            (
                count(),
                countIf(previous = toDate('1970-01-01')),
                countIf(previous = period_of(period - 1)),
                countIf(period != period_of(following - 1))
            )
        FROM
        (
            SELECT
                arrayCompact(arrayMap(d -> period_of(d), days)) AS active_periods,
                arrayShiftRight(active_periods, 1, toDate('1970-01-01')) AS previous_periods,
                arrayShiftLeft(active_periods, 1, toDate('2149-01-01')) AS following_periods
            FROM customer_days
        )
        ARRAY JOIN active_periods AS period, previous_periods AS previous, following_periods AS following
        GROUP BY period
    )
    GROUP BY period_start
)
