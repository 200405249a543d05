-- Metrics: Terms (customer, event counted once). Each event once per customer, who is the one that its device belonged
-- to at its moment. Of an event that was sent under both ids the earliest delivery counts.
-- `is_all`: of all customers; otherwise of those in `scope`.
SELECT
    customer_id,
    event_id,
    delivery.1 AS occurred_at,
    delivery.2 AS channel,
    delivery.3 AS type,
    delivery.4 AS session_id,
    delivery.5 AS author,
    delivery.6 AS order_id,
    delivery.7 AS currency,
    delivery.8 AS total_minor,
    delivery.9 AS amount_minor,
    delivery.10 AS survey,
    delivery.11 AS score,
    delivery.12 AS touchpoint,
    delivery.13 AS referral_code,
    delivery.14 AS referred_id,
    delivery.15 AS properties
FROM
(
    SELECT
        if(links.customer_id = '', sent.customer_id, links.customer_id) AS customer_id,
        sent.event_id AS event_id,
        argMax(
            (
                occurred_at,
                toString(channel),
                toString(type),
                session_id,
                JSONExtractString(properties, 'author'),
                JSONExtractString(properties, 'order_id'),
                JSONExtractString(properties, 'currency'),
                JSONExtractInt(properties, 'total_minor'),
                JSONExtractInt(properties, 'amount_minor'),
                JSONExtractString(properties, 'survey'),
                JSONExtractInt(properties, 'score'),
                JSONExtractString(properties, 'touchpoint'),
                JSONExtractString(properties, 'referral_code'),
                JSONExtractString(properties, 'referred_id'),
                properties
            ),
            version
        ) AS delivery
    FROM events AS sent FINAL
    LEFT JOIN links ON links.device = sent.customer_id
    WHERE ({is_all:UInt8} OR sent.customer_id IN
        (
            SELECT customer_id FROM scope
            UNION ALL
            SELECT device FROM links WHERE customer_id IN (SELECT customer_id FROM scope)
        ))
        AND (links.customer_id = '' OR ((occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends))
    GROUP BY customer_id, event_id
)
SETTINGS max_bytes_before_external_group_by = 2000000000
