-- Metrics: Lead score.
-- key: customer_id, rule, occurred_at
SELECT customer_id, rule, occurred_at, points
FROM (${lead_lines})
