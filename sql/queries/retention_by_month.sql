-- EN: Is retention rising, month by month?
-- DE: Steigt die Kundenbindung von Monat zu Monat?
-- Views: v_retention_period
-- Read: retention_rate_pct = (customers_end - customers_new) / customers_start * 100, of customers who ordered in the 90 days
--   before an instant. change_points is against the month before. Customers won back raise the rate (it may be over 100):
--   retention_strict_pct, the share of customers_start who are still customers at the end, does not have that. If the first
--   rises and the second falls, you win back more than you keep. Only months that have ended are shown.
SELECT
    period_start AS month_start,
    customers_start,
    customers_end,
    customers_new,
    customers_won_back,
    round(retention_rate_pct, 1) AS retention_pct,
    round(retention_rate_pct - any(retention_rate_pct) OVER month_before, 1) AS change_points,
    round(retention_strict_pct, 1) AS strict_pct,
    round(retention_strict_pct - any(retention_strict_pct) OVER month_before, 1) AS strict_change_points
FROM v_retention_period
WHERE grain = 'month'
    AND basis = 'purchase'    -- yours: or engagement
    AND is_complete = 1
WINDOW month_before AS (ORDER BY period_start ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)
ORDER BY period_start
