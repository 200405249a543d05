-- Metrics: Channel hand-over (chat_assisted_pct).
-- key: month_start
-- needs: all customers
SELECT
    toStartOfMonth(ordered_at) AS month_start,
    count() AS orders,
    countIf(conversations > 0) AS chat_assisted_orders,
    100 * chat_assisted_orders / orders AS chat_assisted_pct
FROM
(
    SELECT
        ordered_at,
        countIf(chats.occurred_at < ordered_at AND chats.occurred_at >= ordered_at - toIntervalHour(24)) AS conversations
    FROM orders
    LEFT JOIN (SELECT customer_id, occurred_at FROM facts WHERE type = 'conversation_started') AS chats USING (customer_id)
    GROUP BY customer_id, order_id, ordered_at
)
GROUP BY month_start
