-- Metrics: At risk, before the customer leaves.
-- key: customer_id, changed_at, to_status
SELECT customer_id, changed_at, from_status, to_status, reason
FROM (${status_changes})
WHERE changed_at <= {as_of:DateTime64(3, 'UTC')}
