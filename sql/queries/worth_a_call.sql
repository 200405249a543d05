-- EN: Who is about to leave, and worth a call?
-- DE: Wer ist im Begriff zu gehen und einen Anruf wert?
-- Views: v_at_risk, v_rfm
-- Read: From top to bottom, the next call first. Those still engaged (is_off_season = 1) come first: they answer. Then
--   the best by revenue (m: 5 is the top fifth of their currency), then those overdue for longest. `churned` customers are in
--   the list only while engaged. m is NULL in a currency with fewer than 5 customers: all of these are listed.
SELECT
    customer_id,
    churn_status,
    reason,
    is_off_season,
    score,
    round(overdue_ratio, 1) AS overdue_ratio,
    segment,
    m,
    frequency AS orders,
    monetary_minor AS revenue_minor,
    currency
FROM v_at_risk
INNER JOIN
(
    SELECT customer_id, currency, frequency, monetary_minor, m, segment
    FROM v_rfm
    WHERE coalesce(m, 5) >= 4    -- yours: 4 is the top two fifths by revenue
    ORDER BY m DESC, monetary_minor DESC, currency
    LIMIT 1 BY customer_id
) AS good_customers USING (customer_id)
WHERE churn_status = 'at_risk' OR is_off_season = 1
ORDER BY is_off_season DESC, m DESC, overdue_ratio DESC, customer_id
LIMIT 50    -- yours: as many as you can call
