-- Metrics: Referral. Of several customers who made referrals with one code, the referrer is the one who tells of the
-- conversion, if among them, else who made the first.
-- key: customer_id
-- needs: all customers
SELECT
    makers.customer_id AS customer_id,
    any(makers.made) AS referrals_made,
    uniqExactIf(conversions.referred_id, conversions.referred_id != '') AS referrals_converted,
    100 * referrals_converted / referrals_made AS referral_conversion_pct
FROM
(
    SELECT customer_id, count() AS made FROM facts WHERE type = 'referral_made' GROUP BY customer_id
) AS makers
LEFT JOIN
(
    SELECT if(own.customer_id != '', own.customer_id, firsts.customer_id) AS customer_id, referred_id
    FROM facts AS told
    INNER JOIN
    (
        SELECT referral_code, argMin(customer_id, (occurred_at, event_id)) AS customer_id
        FROM facts
        WHERE type = 'referral_made'
        GROUP BY referral_code
    ) AS firsts ON firsts.referral_code = told.referral_code
    LEFT JOIN
    (
        SELECT DISTINCT referral_code, customer_id FROM facts WHERE type = 'referral_made'
    ) AS own ON own.referral_code = told.referral_code AND own.customer_id = told.customer_id
    WHERE told.type = 'referral_converted' AND referred_id IN (SELECT customer_id FROM orders)
) AS conversions USING (customer_id)
GROUP BY customer_id
