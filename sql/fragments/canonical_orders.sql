-- Metrics: Terms (order, refund, money). Columns: customer_id, order_id, ordered_at, channel, currency, total_minor,
-- refunded_minor, refund_currencies (of all refunds). A fragment and not a view, as a view inside a view doubles the
-- time that a lookup takes to plan.
-- Of several order_completed with one order_id the smallest (occurred_at, event_id) is the order. Refunds in the
-- order's currency are subtracted up to its total; they are summed in 128 bits, as the sum may exceed 64.
SELECT
    customer_id,
    order_id,
    placed.1 AS ordered_at,
    placed.3 AS channel,
    placed.4 AS currency,
    placed.5 AS total_minor,
    toInt64(least(placed.5, refunds[placed.4])) AS refunded_minor,
    mapKeys(refunds) AS refund_currencies
FROM
(
    SELECT
        customer_id,
        order_id,
        minIf((occurred_at, event_id, channel, currency, amount_minor), type = 'order_completed') AS placed,
        sumMapIf(map(currency, toInt128(amount_minor)), type = 'order_refunded') AS refunds
    FROM order_events FINAL
    GROUP BY customer_id, order_id
    HAVING countIf(type = 'order_completed') > 0
)
