-- Metrics: Referral. `referral_made` names the referrer, `referral_converted` the referred customer, and the code that
-- both carry links the two. Where several customers made referrals with one code, the referrer is the customer of
-- `referral_converted` if among them, else who made the first by (occurred_at, event_id). A referral has converted when
-- the referred customer has an order, whenever the events came. Each pair of referrer and referred counts once.
CREATE OR REPLACE VIEW v_referrals
(
    customer_id String COMMENT 'Referrer; anon:<id> for an anonymous visitor',
    referrals_made UInt64 COMMENT 'Referrals made',
    referrals_converted UInt64 COMMENT 'Customers referred who have an order',
    referral_conversion_pct Float64 COMMENT 'Converted, as a percentage of made; more than 100 if one referral brought several customers'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    referrals AS (${referrals}),
    buyers AS
    (
        SELECT customer_id
        FROM (${completed_orders}) AS completed_orders
        LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
        WHERE customer_id IN (SELECT referred_id FROM referral_events WHERE type = 'referral_converted')
    ),
    -- One row per (code, customer), of codes that a conversion names: few of all. `bought` are the customers whose
    -- conversion this one tells of, if they have an order; `first_made` is '' for who made no referral with the code.
    tellers AS
    (
        SELECT
            referral_code,
            customer_id,
            -- Sorts as (occurred_at, event_id): the minimum of a text is found faster than that of a tuple.
            minIf(
                concat(leftPad(toString(toUnixTimestamp64Milli(occurred_at)), 14, '0'), event_id),
                type = 'referral_made'
            ) AS first_made,
            groupArrayIf(referred_id, type = 'referral_converted') AS bought
        FROM referrals
        WHERE referral_code IN (SELECT referral_code FROM referral_events WHERE type = 'referral_converted')
            AND (type = 'referral_made' OR referred_id IN (buyers))
        GROUP BY referral_code, customer_id
    )
SELECT
    referrer_id AS customer_id,
    sum(made) AS referrals_made,
    sum(converted) AS referrals_converted,
    100 * referrals_converted / referrals_made AS referral_conversion_pct
FROM
(
    SELECT customer_id AS referrer_id, 1 AS made, 0 AS converted
    FROM referrals
    WHERE type = 'referral_made'
    UNION ALL
    SELECT if(conversion.1 = '', first_maker, conversion.1) AS maker_id, 0, uniqExact(referred_id)
    FROM
    (
        SELECT
            argMinIf(customer_id, first_made, first_made != '') AS first_maker,
            -- The referrer is '' where it is the first maker.
            groupArrayIf((if(first_made = '', '', customer_id), bought), notEmpty(bought)) AS conversions
        FROM tellers
        GROUP BY referral_code
        HAVING first_maker != '' AND notEmpty(conversions)
    )
    ARRAY JOIN conversions AS conversion
    ARRAY JOIN conversion.2 AS referred_id
    GROUP BY maker_id
)
GROUP BY referrer_id
SETTINGS join_use_nulls = 0
COMMENT 'Who refers others, and how many of these became customers'
