-- Metrics: Terms (order, refund, money). Of several order_completed with one order_id the smallest (occurred_at,
-- event_id) is the order. Refunds may come before it; those in its currency are subtracted, up to its total.
SELECT
    customer_id,
    order_id,
    event_id,
    ordered_at,
    channel,
    currency,
    total_minor,
    toInt64(least(toInt128(total_minor), refunded)) AS refunded_minor,
    total_minor - refunded_minor AS net_minor,
    in_other_currency > 0 AS is_mismatch
FROM
(
    SELECT
        placed.customer_id AS customer_id,
        placed.order_id AS order_id,
        placed.event_id AS event_id,
        placed.occurred_at AS ordered_at,
        placed.channel AS channel,
        placed.currency AS currency,
        placed.total_minor AS total_minor,
        sumIf(toInt128(refunds.amount_minor), refunds.currency = placed.currency) AS refunded,
        countIf(refunds.event_id != '' AND refunds.currency != placed.currency) AS in_other_currency
    FROM
    (
        SELECT * FROM once
        WHERE type = 'order_completed'
        ORDER BY customer_id, order_id, occurred_at, event_id
        LIMIT 1 BY customer_id, order_id
    ) AS placed
    LEFT JOIN (SELECT * FROM once WHERE type = 'order_refunded') AS refunds
        ON refunds.customer_id = placed.customer_id AND refunds.order_id = placed.order_id
    GROUP BY ALL
)
