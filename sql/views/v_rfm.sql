-- Metrics: RFM; Terms (order, refund, money). Anonymous visitors, and with them linked devices, are left out.
-- ntile(5) cuts n customers into tiles of q = n div 5, of which the first n mod 5 hold one more. A tie takes the tile of
-- its first member, whose place is the tie's rank: so a rank is all that is needed, and no row depends on how a tie is
-- sorted. R is reversed: the longest ago comes first and gets 1.
--
-- Segments, the first that fits:
--    precedence  segment          r    f    m      says
--    1           champions        4-5  4-5  4-5    bought just now, often, for much
--    2           cannot_lose      1-2  4-5  4-5    were champions
--    3           loyal            3-5  4-5  1-5    buy often
--    4           big_spenders     3-5  1-3  5      buy seldom, for much
--    5           new              5    1    1-5    bought for the first time, just now
--    6           promising        4    1    1-5    the same, a little ago
--    7           potential_loyal  4-5  2-3  1-5    came back, not long ago
--    8           needs_attention  3    2-3  1-5    came back, but slow down
--    9           at_risk          1-2  3-5  1-5    bought often, long ago
--    10          hibernating      1-2  1-2  1-5    bought seldom, long ago
--    -           other            all others
CREATE OR REPLACE VIEW v_rfm
(
    customer_id String COMMENT 'Customer with an order',
    currency String COMMENT 'ISO 4217 code; customers are compared within a currency, by their orders in it',
    recency_days Int64 COMMENT 'UTC dates from the last order to as_of',
    frequency UInt64 COMMENT 'Orders, refunded ones included',
    monetary_minor Int64 COMMENT 'Revenue net of refunds, minor units',
    r Nullable(UInt8) COMMENT 'Recency, 1 to 5 (bought just now); NULL with fewer than 5 customers in the currency',
    f Nullable(UInt8) COMMENT 'Frequency, 1 to 5 (most orders); NULL with fewer than 5 customers in the currency',
    m Nullable(UInt8) COMMENT 'Revenue, 1 to 5 (most); NULL with fewer than 5 customers in the currency',
    segment Nullable(String) COMMENT 'What r, f and m say together, from champions to hibernating, or other; NULL without them'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    customer_id,
    currency,
    recency_days,
    frequency,
    monetary_minor,
    if(n < 5, NULL, tiles[1]) AS r,
    if(n < 5, NULL, tiles[2]) AS f,
    if(n < 5, NULL, tiles[3]) AS m,
    multiIf(
        n < 5, NULL,
        r >= 4 AND f >= 4 AND m >= 4, 'champions',
        r <= 2 AND f >= 4 AND m >= 4, 'cannot_lose',
        r >= 3 AND f >= 4, 'loyal',
        r >= 3 AND m = 5, 'big_spenders',
        r = 5 AND f = 1, 'new',
        r = 4 AND f = 1, 'promising',
        r >= 4 AND f <= 3, 'potential_loyal',
        r = 3 AND f BETWEEN 2 AND 3, 'needs_attention',
        r <= 2 AND f >= 3, 'at_risk',
        r <= 2 AND f <= 2, 'hibernating',
        'other'
    ) AS segment
FROM
(
    SELECT
        customer_id,
        currency,
        recency_days,
        frequency,
        monetary_minor,
        count() OVER (PARTITION BY currency) AS n,
        intDiv(n, 5) AS small,
        (n % 5) * (small + 1) AS in_large_tiles,
        arrayMap(
            place -> toUInt8(1 + if(
                place < in_large_tiles,
                intDiv(place, small + 1),
                n % 5 + intDiv(place - in_large_tiles, greatest(small, 1))
            )),
            [
                rank() OVER (PARTITION BY currency ORDER BY recency_days DESC) - 1,
                rank() OVER (PARTITION BY currency ORDER BY frequency) - 1,
                rank() OVER (PARTITION BY currency ORDER BY monetary_minor) - 1
            ]
        ) AS tiles
    FROM
    (
        WITH (SELECT toDate(as_of) FROM v_clock) AS today
        SELECT
            customer_id,
            toString(currency) AS currency,
            toInt64(today - toDate(max(ordered_at))) AS recency_days,
            count() AS frequency,
            sum(total_minor - refunded_minor) AS monetary_minor
        FROM (${canonical_orders})
        WHERE NOT startsWith(customer_id, 'anon:')
        GROUP BY customer_id, currency
    )
)
COMMENT 'Recency, frequency and revenue of each customer with an order, as quintiles and a segment, per currency'
