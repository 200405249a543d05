-- Metrics: Terms (order, refund, money).
-- key: customer_id, order_id
SELECT
    customer_id,
    order_id,
    ordered_at,
    currency,
    total_minor,
    refunded_minor,
    net_minor,
    multiIf(
        is_mismatch, 'currency_mismatch',
        refunded_minor = 0, 'paid',
        refunded_minor = total_minor, 'refunded',
        'partly_refunded'
    ) AS status
FROM ${orders} AS orders
