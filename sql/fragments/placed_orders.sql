-- Metrics: Terms (order). Columns: customer_id, order_id, placed (occurred_at, event_id, channel). What canonical_orders
-- says of when and where, without money: no refunds, no FINAL, as a minimum is the same over copies of a row.
-- Here, too, orders of a linked device are its customers', and stand under its own id as well: who reads this leaves
-- linked devices out.
SELECT customer_id, order_id, min((occurred_at, event_id, channel)) AS placed
FROM (${completed_orders})
GROUP BY customer_id, order_id
