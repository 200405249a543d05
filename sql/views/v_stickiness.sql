-- Metrics: Stickiness. A customer is among those of the last n days on [day, day + n) of each active day: a stretch of
-- such days begins n days or more after the active day before, and ends n days after one that none follows so soon.
CREATE OR REPLACE VIEW v_stickiness
(
    day Date COMMENT 'UTC date, from that of the first fact to that of as_of',
    dau UInt64 COMMENT 'Customers with an engagement event on this day',
    wau UInt64 COMMENT 'Customers with one on this day or the 6 before',
    mau UInt64 COMMENT 'Customers with one on this day or the 29 before',
    dau_mau_ratio Nullable(Float64) COMMENT 'dau / mau, 0 to 1; NULL for the day of as_of, which has not ended'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH d -> d AS period_of, 'engagement' AS basis, ${qualifying_days}
SELECT
    period_start AS day,
    n.1 AS dau,
    toUInt64(sum(n.2) OVER up_to_now - sum(n.3) OVER up_to_7_days_ago) AS wau,
    toUInt64(sum(n.4) OVER up_to_now - sum(n.5) OVER up_to_30_days_ago) AS mau,
    if(day < today, dau / nullIf(mau, 0), NULL) AS dau_mau_ratio
FROM
(
    SELECT period_start, sumTuple(n) AS n
    FROM
    (
        SELECT period_start, (toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0)) AS n
        FROM periods
        UNION ALL
        SELECT
            day,
            (
                count(),
                countIf(day - previous >= 7),
                countIf(following - day >= 7),
                countIf(day - previous >= 30),
                countIf(following - day >= 30)
            )
        FROM
        (
            SELECT
                arrayCompact(days) AS active_days,
                arrayShiftRight(active_days, 1, toDate('1970-01-01')) AS previous_days,
                arrayShiftLeft(active_days, 1, toDate('2149-01-01')) AS following_days
            FROM customer_days
        )
        ARRAY JOIN active_days AS day, previous_days AS previous, following_days AS following
        GROUP BY day
    )
    GROUP BY period_start
)
WINDOW
    up_to_now AS (ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    up_to_7_days_ago AS (ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND 7 PRECEDING),
    up_to_30_days_ago AS (ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND 30 PRECEDING)
COMMENT 'Customers active per day, in 7 and in 30 days, and how many of a month''s come on a day'
