-- Metrics: At risk, before the customer leaves; Engagement score.
-- key: customer_id
WITH
    toDate({as_of:DateTime64(3, 'UTC')}) AS today,
    greatest(today - max(toDate(ordered_at)), 0) AS days
SELECT
    customer_id,
    any(current.status) AS churn_status,
    max(ordered_at) AS last_purchase_at,
    (max(toDate(ordered_at)) - min(toDate(ordered_at)) + 2 * any(population_gap_days)) / (uniqExact(toDate(ordered_at)) + 1)
        AS expected_gap_days,
    days / expected_gap_days AS overdue_ratio,
    round(100 * (1 - pow(2, -any(earned.raw) / any(half_point))), 1) AS score,
    score >= 30 AS is_off_season,
    concat(toString(days), ' days since last order, expected ', toString(toInt64(round(expected_gap_days)))) AS reason
FROM ${orders} AS orders
CROSS JOIN (SELECT population_gap_days, half_point FROM rules) AS rules
INNER JOIN
(
    SELECT customer_id, argMax(to_status, changed_at) AS status
    FROM (${status_changes})
    GROUP BY customer_id
    HAVING status IN ('at_risk', 'churned')
) AS current USING (customer_id)
LEFT JOIN
(
    SELECT customer_id, sum(points) AS raw
    FROM ${ledger} AS ledger
    WHERE day BETWEEN toDate({as_of:DateTime64(3, 'UTC')}) - 29 AND toDate({as_of:DateTime64(3, 'UTC')})
    GROUP BY customer_id
) AS earned USING (customer_id)
GROUP BY customer_id
