-- Churn status: what a customer's purchase days say of it, and every change of it.

ALTER TABLE customer_state
    ADD COLUMN IF NOT EXISTS purchase_days UInt32 AFTER is_moved,
    ADD COLUMN IF NOT EXISTS first_purchase_on Nullable(Date) AFTER purchase_days,
    ADD COLUMN IF NOT EXISTS last_purchase_at Nullable(DateTime64(3, 'UTC')) AFTER first_purchase_on,
    ADD COLUMN IF NOT EXISTS won_back_on Nullable(Date) AFTER last_purchase_at;

-- A change that orders which came late have undone is written again, with is_retracted = 1 and a higher version.
CREATE TABLE IF NOT EXISTS customer_transitions
(
    customer_id       String,
    changed_at        DateTime64(3, 'UTC'),
    from_status       LowCardinality(String),
    to_status         LowCardinality(String),
    reason            String,
    days_since_order  UInt32,
    expected_gap_days Float64,
    overdue_ratio     Float64,
    is_retracted      UInt8,
    epoch             UInt32,
    n_applied         UInt64,
    version           UInt64 DEFAULT bitShiftLeft(toUInt64(epoch), 40) + n_applied,
    written_at        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (customer_id, changed_at, to_status)
SETTINGS index_granularity = 1024
COMMENT 'Changes of churn status, each with its reason and the numbers it rests on';
