-- Metrics: Terms (order). Columns: customer_id, order_id, placed (occurred_at, event_id, channel). What canonical_orders
-- says of when and where, without money: no refunds, no FINAL, as a minimum is the same over copies of a row.
-- Here, too, orders of a linked device are its customers', and stand under its own id as well: who reads this leaves
-- linked devices out.
SELECT customer_id, order_id, min((occurred_at, event_id, channel)) AS placed
FROM
(
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
)
GROUP BY customer_id, order_id
