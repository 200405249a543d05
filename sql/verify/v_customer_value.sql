-- Metrics: Repeat purchase, value.
-- key: customer_id, currency
WITH dateDiff('day', toDate(min(ordered_at)), toDate({as_of:DateTime64(3, 'UTC')})) AS days_since_first
SELECT
    customer_id,
    currency,
    count() AS orders,
    sum(net_minor) AS clv_historic_minor,
    clv_historic_minor / orders AS average_order_minor,
    if(days_since_first > 0, 30 * orders / days_since_first, NULL) AS purchase_frequency
FROM ${orders} AS orders
WHERE NOT startsWith(customer_id, 'anon:')
GROUP BY customer_id, currency
