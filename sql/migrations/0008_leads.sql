-- Which facts count for which lead rule, row for row. Empty: each set of rules has a table like this one, and a materialized
-- view that fills it from facts; the statements are made from the rules (streams/rules).
-- As in 0001, the view is idempotent and never fails. `customer_id` is the id as sent; views find a device's rows through
-- `customer_links`. Rows of one key are alike, so they need no version.
CREATE TABLE IF NOT EXISTS lead_events
(
    customer_id String,
    rule        LowCardinality(String) COMMENT 'Name of the rule',
    part        UInt8 COMMENT 'Which of the rule''s event types, from 1; the criteria on it hold on this event',
    occurred_at DateTime64(3, 'UTC'),
    event_id    String,
    points      Int32 COMMENT 'Points of the rule',
    is_once     UInt8 COMMENT '1: the rule counts once only',
    parts       UInt8 COMMENT 'How many event types the rule has'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer_id, rule, part, occurred_at, event_id)
SETTINGS index_granularity = 1024
COMMENT 'Events on which the criteria of a lead rule hold, as far as they are about the type of the event';
