-- Metrics: Terms (order, refund, money).
CREATE OR REPLACE VIEW v_orders
(
    customer_id String COMMENT 'Customer',
    order_id String COMMENT 'Order, unique per customer',
    ordered_at DateTime64(3, 'UTC') COMMENT 'Time of the order; of several with one order_id the earliest',
    currency String COMMENT 'ISO 4217 code',
    total_minor Int64 COMMENT 'Total, minor units of the currency',
    refunded_minor Int64 COMMENT 'Refunds in the order''s currency, at most the total, minor units',
    net_minor Int64 COMMENT 'Total less refunds, minor units',
    status String COMMENT 'paid, partly_refunded, refunded, or currency_mismatch: a refund in another currency'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    customer_id,
    order_id,
    ordered_at,
    toString(currency) AS currency,
    total_minor,
    refunded_minor,
    total_minor - refunded_minor AS net_minor,
    multiIf(
        notEmpty(arrayFilter(code -> code != orders.currency, refund_currencies)), 'currency_mismatch',
        refunded_minor = 0, 'paid',
        refunded_minor < total_minor, 'partly_refunded',
        'refunded'
    ) AS status
FROM (${canonical_orders}) AS orders
LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'Orders with their refunds, one row per customer and order_id'
