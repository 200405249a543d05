-- Metrics: Terms (order, refund, money). Columns: customer_id, order_id, ordered_at, channel, currency, total_minor,
-- refunded_minor, refund_currencies (of all refunds). A fragment and not a view, as a view inside a view doubles the
-- time that a lookup takes to plan.
-- Of several order_completed with one order_id the smallest (occurred_at, event_id) is the order. Refunds in the
-- order's currency are subtracted up to its total; they are summed in 128 bits, as the sum may exceed 64.
-- Orders of a linked device are its customers', and stand under its own id as well: who reads this leaves linked
-- devices out. An event that was sent under both ids is the same row twice, which DISTINCT makes one.
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
    FROM
    (
        SELECT customer_id, order_id, type, occurred_at, event_id, channel, currency, amount_minor
        FROM order_events FINAL
        UNION DISTINCT
        SELECT links.customer_id, order_id, type, occurred_at, sent.event_id, channel, currency, amount_minor
        FROM customer_links AS links FINAL
        INNER JOIN order_events AS sent FINAL ON sent.customer_id = links.anonymous_id
        WHERE (occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends
        -- Looks the devices up by key; any other algorithm reads all orders.
        SETTINGS join_algorithm = 'direct'
    )
    GROUP BY customer_id, order_id
    HAVING countIf(type = 'order_completed') > 0
)
