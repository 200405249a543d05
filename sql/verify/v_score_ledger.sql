-- Metrics: Engagement score.
-- key: customer_id, day, channel, type
SELECT customer_id, day, channel, type, count, weight, points
FROM ${ledger} AS ledger
