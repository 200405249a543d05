-- Metrics: Repeat purchase, value; Rolling engagement windows (a window of n days ends with the date of as_of).
-- Anonymous visitors, and with them linked devices, are left out. A refunded order is an order.
CREATE OR REPLACE VIEW v_repeat_purchase
(
    window_name String COMMENT '30d, 90d or 365d up to as_of, in UTC dates, or all: every order',
    buyers UInt64 COMMENT 'Customers with an order in the window',
    repeat_buyers UInt64 COMMENT 'Customers with two orders or more in the window',
    repeat_purchase_pct Nullable(Float64) COMMENT 'Percentage of buyers who are repeat buyers; NULL without buyers'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    line.1 AS window_name,
    line.2 AS buyers,
    line.3 AS repeat_buyers,
    100 * line.3 / nullIf(line.2, 0) AS repeat_purchase_pct
FROM
(
    SELECT
        [
            ('30d', countIf(orders_30d > 0), countIf(orders_30d > 1)),
            ('90d', countIf(orders_90d > 0), countIf(orders_90d > 1)),
            ('365d', countIf(orders_365d > 0), countIf(orders_365d > 1)),
            ('all', count(), countIf(orders > 1))
        ] AS lines
    FROM
    (
        WITH
            (SELECT toDate(as_of) FROM v_clock) AS today,
            toDate(placed.1) AS day
        SELECT
            customer_id,
            count() AS orders,
            countIf(day > today - 365 AND day <= today) AS orders_365d,
            countIf(day > today - 90 AND day <= today) AS orders_90d,
            countIf(day > today - 30 AND day <= today) AS orders_30d
        FROM (${placed_orders})
        WHERE NOT startsWith(customer_id, 'anon:')
        GROUP BY customer_id
    )
)
ARRAY JOIN lines AS line
COMMENT 'How many of the customers who bought in a window bought again in it'
