-- Metrics: At risk, before the customer leaves. The worker writes changes when they become true, and takes back what an
-- order that came late has undone.
CREATE OR REPLACE VIEW v_transitions
(
    customer_id String COMMENT 'Customer',
    changed_at DateTime64(3, 'UTC') COMMENT 'When the condition became true: the time of an order, or midnight UTC',
    from_status String COMMENT 'Status before: prospect, active, at_risk, churned, won_back',
    to_status String COMMENT 'Status from then on',
    reason String COMMENT 'Why, in words'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, changed_at, toString(from_status) AS from_status, toString(to_status) AS to_status, reason
FROM customer_transitions FINAL
WHERE is_retracted = 0 AND changed_at <= (SELECT as_of FROM v_clock)
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'Every change of a customer''s churn status, with its reason'
