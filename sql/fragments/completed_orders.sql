-- Metrics: Terms (order). Columns: customer_id, order_id, occurred_at, event_id, channel of each order_completed. Those of
-- a linked device are its customers', and stand under its own id as well: who reads this leaves linked devices out. An
-- event that was sent again or under both ids may be there several times.
SELECT customer_id, order_id, occurred_at, event_id, channel
FROM order_events
WHERE type = 'order_completed'
UNION ALL
SELECT links.customer_id, order_id, occurred_at, sent.event_id, channel
FROM customer_links AS links FINAL
INNER JOIN order_events AS sent ON sent.customer_id = links.anonymous_id
WHERE type = 'order_completed' AND (occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends
-- Looks the devices up by key; any other algorithm reads all orders.
SETTINGS join_algorithm = 'direct'
