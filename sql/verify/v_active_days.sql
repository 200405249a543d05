-- Metrics: Stickiness.
-- key: active_days
-- needs: all customers
WITH toDate({as_of:DateTime64(3, 'UTC')}) AS today
SELECT arrayCount(day -> day > today - 30, days) AS active_days, count() AS customers
FROM days
WHERE basis = 'engagement' AND active_days > 0
GROUP BY active_days
