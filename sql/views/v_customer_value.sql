-- Metrics: Repeat purchase, value; Terms (money). Every column is about the customer's orders in the row's currency.
-- Anonymous visitors, and with them linked devices, are left out.
CREATE OR REPLACE VIEW v_customer_value
(
    customer_id String COMMENT 'Customer with an order',
    currency String COMMENT 'ISO 4217 code; amounts of different currencies are never added',
    orders UInt64 COMMENT 'Orders in this currency, refunded ones included',
    clv_historic_minor Int64 COMMENT 'Revenue of these orders net of refunds, minor units',
    average_order_minor Float64 COMMENT 'Net revenue per order, minor units',
    purchase_frequency Nullable(Float64) COMMENT 'Orders per 30 days since the first, in whole UTC days; NULL on its day'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT toDate(as_of) FROM v_clock) AS today,
    greatest(today - toDate(min(ordered_at)), 0) AS days_since_first
SELECT
    customer_id,
    toString(currency) AS currency,
    count() AS orders,
    sum(total_minor - refunded_minor) AS clv_historic_minor,
    clv_historic_minor / orders AS average_order_minor,
    30 * orders / nullIf(days_since_first, 0) AS purchase_frequency
FROM (${canonical_orders}) AS orders
WHERE NOT startsWith(customer_id, 'anon:')
GROUP BY customer_id, currency
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'What each customer has been worth so far, per currency'
