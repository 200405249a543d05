-- Metrics: RFM. All members of a tie get the smallest tile of the tie. The segments are those that v_rfm lists.
-- key: customer_id, currency
-- needs: all customers
SELECT
    customer_id,
    currency,
    recency_days,
    frequency,
    monetary_minor,
    if(n < 5, NULL, min(r_tile) OVER (PARTITION BY currency, recency_days)) AS r,
    if(n < 5, NULL, min(f_tile) OVER (PARTITION BY currency, frequency)) AS f,
    if(n < 5, NULL, min(m_tile) OVER (PARTITION BY currency, monetary_minor)) AS m,
    multiIf(
        n < 5, NULL,
        r IN (4, 5) AND f IN (4, 5) AND m IN (4, 5), 'champions',
        r IN (1, 2) AND f IN (4, 5) AND m IN (4, 5), 'cannot_lose',
        r IN (3, 4, 5) AND f IN (4, 5), 'loyal',
        r IN (3, 4, 5) AND f IN (1, 2, 3) AND m = 5, 'big_spenders',
        r = 5 AND f = 1, 'new',
        r = 4 AND f = 1, 'promising',
        r IN (4, 5) AND f IN (2, 3), 'potential_loyal',
        r = 3 AND f IN (2, 3), 'needs_attention',
        r IN (1, 2) AND f IN (3, 4, 5), 'at_risk',
        r IN (1, 2) AND f IN (1, 2), 'hibernating',
        'other'
    ) AS segment
FROM
(
    SELECT
        *,
        count() OVER (PARTITION BY currency) AS n,
        ntile(5) OVER (
            PARTITION BY currency ORDER BY recency_days DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS r_tile,
        ntile(5) OVER (
            PARTITION BY currency ORDER BY frequency ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS f_tile,
        ntile(5) OVER (
            PARTITION BY currency ORDER BY monetary_minor ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS m_tile
    FROM
    (
        SELECT
            customer_id,
            currency,
            dateDiff('day', toDate(max(ordered_at)), toDate({as_of:DateTime64(3, 'UTC')})) AS recency_days,
            count() AS frequency,
            sum(net_minor) AS monetary_minor
        FROM orders
        WHERE NOT startsWith(customer_id, 'anon:')
        GROUP BY customer_id, currency
    )
)
