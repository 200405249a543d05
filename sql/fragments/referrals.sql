-- Metrics: Referral; Terms (customer, event counted once). Columns: customer_id, occurred_at, event_id, type,
-- referral_code, referred_id. Events of a linked device are its customer's. Of copies of an event, sent again or under
-- both ids, the earliest delivery holds: FINAL finds those under one id, and only where devices are linked may an event
-- have come under another as well.
WITH
    -- Devices that refer, and their customers. Void links among them do no harm: both branches say the same of an id
    -- without a link.
    linked AS
    (
        SELECT arrayJoin([anonymous_id, customer_id])
        FROM identity_links
        WHERE anonymous_id IN (SELECT customer_id FROM referral_events WHERE startsWith(customer_id, 'anon:'))
    )
SELECT customer_id, occurred_at, event_id, type, referral_code, referred_id
FROM referral_events FINAL
WHERE customer_id NOT IN (linked)
UNION ALL
SELECT customer_id, occurred_at, event_id, referral.1, referral.2, referral.3
FROM
(
    SELECT
        if(owner_id = '', sent.customer_id, owner_id) AS customer_id,
        occurred_at,
        sent.event_id AS event_id,
        argMax((type, referral_code, referred_id), version) AS referral
    FROM referral_events AS sent
    LEFT JOIN
    (
        SELECT
            anonymous_id,
            customer_id AS owner_id,
            (valid_from, valid_from_event_id) AS starts,
            (valid_until, valid_until_event_id) AS ends
        FROM identity_links FINAL
        WHERE is_void = 0
            AND anonymous_id IN (SELECT customer_id FROM referral_events WHERE startsWith(customer_id, 'anon:'))
    ) AS links ON links.anonymous_id = sent.customer_id
    WHERE sent.customer_id IN (linked)
        AND (owner_id = '' OR ((occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends))
    GROUP BY customer_id, occurred_at, event_id
)
