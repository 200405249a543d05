-- Metrics: Channel hand-over (chat_assisted_pct). Anonymous visitors' orders count too; those of linked devices are their
-- customers'. Of the conversations before an order the last one decides.
CREATE OR REPLACE VIEW v_chat_assisted
(
    month_start Date COMMENT 'First day of the calendar month of the orders, UTC',
    orders UInt64 COMMENT 'Orders, refunded ones included',
    chat_assisted_orders UInt64 COMMENT 'Of these, orders whose customer started a conversation in the 24 hours before',
    chat_assisted_pct Float64 COMMENT 'Percentage of orders that are chat-assisted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    toStartOfMonth(orders.ordered_at) AS month_start,
    count() AS orders,
    -- Without a conversation, started_at is the year 1970, and events begin in 1990.
    countIf(conversations.started_at >= orders.ordered_at - toIntervalDay(1)) AS chat_assisted_orders,
    100 * chat_assisted_orders / count() AS chat_assisted_pct
FROM
(
    SELECT customer_id, placed.1 AS ordered_at
    FROM (${placed_orders}) AS placed_orders
    LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
) AS orders
ASOF LEFT JOIN
(
    SELECT customer_id, occurred_at AS started_at
    FROM engagement_moments
    WHERE type = 'conversation_started'
    UNION ALL
    SELECT links.customer_id, occurred_at
    FROM customer_links AS links FINAL
    INNER JOIN engagement_moments AS sent ON sent.customer_id = links.anonymous_id
    WHERE type = 'conversation_started' AND (occurred_at, sent.event_id) >= starts
        AND (occurred_at, sent.event_id) < ends
    SETTINGS join_algorithm = 'direct'
) AS conversations
    ON conversations.customer_id = orders.customer_id AND conversations.started_at < orders.ordered_at
GROUP BY month_start
SETTINGS join_use_nulls = 0
COMMENT 'How many orders follow a conversation within a day, per month; months without an order are absent'
