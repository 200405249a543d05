-- Metrics: Terms (engagement event). Each event once, with what kind of event it is.
SELECT
    *,
    type = 'order_completed' AND (customer_id, event_id) IN (SELECT customer_id, event_id FROM orders) AS is_order,
    multiIf(
        type = 'order_completed', is_order,
        type = 'message_sent', author = 'customer',
        type NOT IN ('identify', 'alias', 'conversation_ended')
    ) AS is_engagement
FROM once
