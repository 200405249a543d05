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
SELECT
    referrer_id AS customer_id,
    sum(made) AS referrals_made,
    uniqExactArray(buyers) AS referrals_converted,
    100 * referrals_converted / referrals_made AS referral_conversion_pct
FROM
(
    SELECT if(line.2 > 0, line.1, first_maker) AS referrer_id, line.2 AS made, line.3 AS buyers
    FROM
    (
        -- A line per customer who used the code, as referrer or to report a conversion.
        SELECT
            code,
            groupArray((customer_id, made, buyers)) AS lines,
            argMinIf(customer_id, first_made, made > 0) AS first_maker
        FROM
        (
            SELECT
                referral.2 AS code,
                customer_id,
                countIf(referral.1 = 'referral_made') AS made,
                minIf((occurred_at, event_id), referral.1 = 'referral_made') AS first_made,
                groupUniqArrayIf(referral.3, referral.1 = 'referral_converted' AND referral.3 IN
                (
                    SELECT customer_id
                    FROM (${placed_orders}) AS placed_orders
                    LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
                    WHERE customer_id IN (SELECT referred_id FROM referral_events WHERE type = 'referral_converted')
                )) AS buyers
            FROM (${referrals})
            GROUP BY code, customer_id
        )
        GROUP BY code
        HAVING max(made) > 0
    )
    ARRAY JOIN lines AS line
)
GROUP BY referrer_id
SETTINGS join_use_nulls = 0
COMMENT 'Who refers others, and how many of these became customers'
