-- Metrics: Repeat purchase, value (summary for BG/NBD models); Terms (order, refund, money).
-- "At the cut-off" goes by the orders up to it: the currency, too, is the one of most of these orders. Day totals are
-- net of refunds. Minor units per major unit follow ISO 4217. ClickHouse has no comments on columns of a view with
-- parameters: customer_id; x: purchase days - 1; t_x: weeks from the first to the last purchase day; T: weeks from the
-- first purchase day to the cut-off; zbar: mean day total after the first day in the customer's currency, major units.
CREATE OR REPLACE VIEW v_purchase_summary_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    arrayFilter(total -> total.1 = top_currency AND total.2 > first_day, totals) AS repeat_totals,
    transform(
        top_currency,
        [
            'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG',
            'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF',
            'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND',
            'CLF', 'UYW'
        ],
        [
            1, 1, 1, 1, 1, 1, 1, 1, 1,
            1, 1, 1, 1, 1, 1, 1, 1,
            1000, 1000, 1000, 1000, 1000, 1000, 1000,
            10000, 10000
        ],
        100
    ) AS minor_per_major
SELECT
    customer_id,
    toUInt64(purchase_days - 1) AS x,
    (last_day - first_day) / 7 AS t_x,
    ({cutoff:Date} - first_day) / 7 AS T,
    if(empty(repeat_totals), 0, arrayAvg(total -> total.3, repeat_totals) / minor_per_major) AS zbar
FROM
(
    SELECT
        customer_id,
        uniqExact(day) AS purchase_days,
        min(day) AS first_day,
        max(day) AS last_day,
        groupArray((currency, day, net_minor)) AS totals,
        sumMap(map(currency, orders)) AS orders_by_currency,
        arrayMin((n, code) -> (-n, code), mapValues(orders_by_currency), mapKeys(orders_by_currency)).2 AS top_currency
    FROM
    (
        SELECT
            customer_id,
            toDate(ordered_at) AS day,
            toString(currency) AS currency,
            count() AS orders,
            sum(total_minor - refunded_minor) AS net_minor
        FROM (${canonical_orders})
        WHERE toDate(ordered_at) <= {cutoff:Date} AND NOT startsWith(customer_id, 'anon:')
        GROUP BY customer_id, day, currency
    )
    GROUP BY customer_id
)
COMMENT 'Purchase summary per customer at a date: v_purchase_summary_at(cutoff = ''2026-09-30''), that day included'
