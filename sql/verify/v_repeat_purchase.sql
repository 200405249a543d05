-- Metrics: Repeat purchase, value.
-- key: window_name
-- needs: all customers
WITH toDate({as_of:DateTime64(3, 'UTC')}) AS today
SELECT
    window_name,
    countIf(n > 0) AS buyers,
    countIf(n > 1) AS repeat_buyers,
    if(buyers > 0, 100 * repeat_buyers / buyers, NULL) AS repeat_purchase_pct
FROM (SELECT arrayJoin([('30d', 30), ('90d', 90), ('365d', 365), ('all', 0)]) AS line, line.1 AS window_name) AS spans
LEFT JOIN
(
    SELECT
        customer_id,
        arrayJoin([('30d', 30), ('90d', 90), ('365d', 365), ('all', 0)]) AS line,
        line.1 AS window_name,
        countIf(window_name = 'all' OR (toDate(ordered_at) > today - line.2 AND toDate(ordered_at) <= today)) AS n
    FROM orders
    WHERE NOT startsWith(customer_id, 'anon:')
    GROUP BY customer_id, line
) AS bought USING (window_name)
GROUP BY window_name
