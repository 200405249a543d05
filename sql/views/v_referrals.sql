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
    told_codes AS (SELECT referral_code FROM referral_events WHERE type = 'referral_converted'),
    -- Of codes that a conversion names: few of all.
    makers AS
    (
        SELECT referral_code, customer_id, occurred_at, event_id
        FROM referrals
        WHERE type = 'referral_made' AND referral_code IN (told_codes)
    )
SELECT
    referrer_id AS customer_id,
    sum(made) AS referrals_made,
    sum(buyers) AS referrals_converted,
    100 * referrals_converted / referrals_made AS referral_conversion_pct
FROM
(
    SELECT customer_id AS referrer_id, 1 AS made, 0 AS buyers
    FROM referrals
    WHERE type = 'referral_made'
    UNION ALL
    SELECT
        if((referral_code, customer_id) IN (SELECT referral_code, customer_id FROM makers), customer_id, first_maker)
            AS maker_id,
        0,
        uniqExact(referred_id)
    FROM referrals
    INNER JOIN
    (
        SELECT referral_code, argMin(customer_id, (occurred_at, event_id)) AS first_maker
        FROM makers
        GROUP BY referral_code
    ) AS firsts USING (referral_code)
    WHERE type = 'referral_converted' AND referred_id IN
    (
        SELECT customer_id
        FROM (${placed_orders}) AS placed_orders
        LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
        WHERE customer_id IN (SELECT referred_id FROM referral_events WHERE type = 'referral_converted')
    )
    GROUP BY maker_id
)
GROUP BY referrer_id
SETTINGS join_use_nulls = 0
COMMENT 'Who refers others, and how many of these became customers'
