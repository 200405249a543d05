-- Metrics: Stickiness.
-- key: day
-- needs: all customers
SELECT
    day,
    dau,
    wau,
    mau,
    if(day < toDate({as_of:DateTime64(3, 'UTC')}) AND mau > 0, dau / mau, NULL) AS dau_mau_ratio
FROM
(
    SELECT
        starts,
        sumForEach(arrayMap(t -> has(days, t), starts)) AS n_1,
        sumForEach(arrayMap(t -> arrayExists(d -> d > t - 7 AND d <= t, days), starts)) AS n_7,
        sumForEach(arrayMap(t -> arrayExists(d -> d > t - 30 AND d <= t, days), starts)) AS n_30
    FROM days
    CROSS JOIN periods
    WHERE basis = 'engagement' AND grain = 'day'
    GROUP BY starts
)
ARRAY JOIN starts AS day, n_1 AS dau, n_7 AS wau, n_30 AS mau
SETTINGS max_block_size = 4096
