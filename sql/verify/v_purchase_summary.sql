-- Metrics: Repeat purchase, value (summary for BG/NBD models), at as_of.
-- key: customer_id
WITH toDate({as_of:DateTime64(3, 'UTC')}) AS cutoff
SELECT
    customer_id,
    uniqExact(day) - 1 AS x,
    (max(day) - min(day)) / 7 AS t_x,
    (cutoff - min(day)) / 7 AS T,
    ifNotFinite(avgIf(day_total / minor_per_major, currency = most_used AND day > first_day), 0) AS zbar
FROM
(
    SELECT
        customer_id,
        currency,
        toDate(ordered_at) AS day,
        sum(net_minor) AS day_total,
        transform(
            currency,
            ['BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF',
             'XOF', 'XPF', 'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND', 'CLF', 'UYW'],
            arrayConcat(arrayWithConstant(17, 1), arrayWithConstant(7, 1000), [10000, 10000]),
            100
        ) AS minor_per_major
    FROM ${orders} AS orders
    WHERE toDate(ordered_at) <= cutoff AND NOT startsWith(customer_id, 'anon:')
    GROUP BY customer_id, currency, day
) AS day_totals
INNER JOIN
(
    SELECT customer_id, argMin(currency, (-n, currency)) AS most_used, min(first_of_currency) AS first_day
    FROM
    (
        SELECT customer_id, currency, toInt64(count()) AS n, toDate(min(ordered_at)) AS first_of_currency
        FROM ${orders} AS orders
        WHERE toDate(ordered_at) <= cutoff
        GROUP BY customer_id, currency
    )
    GROUP BY customer_id
) AS currencies USING (customer_id)
GROUP BY customer_id
