-- EN: Which channel starts the journey, and which start ends in an order?
-- DE: Mit welchem Kanal beginnt die Reise, und welcher Anfang führt zur Bestellung?
-- Views: v_customer_360, v_events, v_clock
-- Read: Customers and visitors first seen in the last 90 days, by the channel of their very first event. buyers_pct is the share
--   with an order by now. Who came yesterday has had little time, so compare the channels with each other. `purchase`: those
--   who ordered without having been seen before.
SELECT
    first_channel,
    count() AS customers,
    round(100 * count() / sum(count()) OVER (), 1) AS share_pct,
    countIf(orders_total > 0) AS buyers,
    round(100 * countIf(orders_total > 0) / count(), 1) AS buyers_pct
FROM
(
    SELECT customer_id, first_seen_at, orders_total
    FROM v_customer_360
    WHERE first_seen_at > (SELECT as_of FROM v_clock) - INTERVAL 90 DAY    -- yours
) AS newcomers
INNER JOIN
(
    SELECT customer_id, occurred_at AS first_seen_at, min(channel) AS first_channel
    FROM v_events
    WHERE type NOT IN ('identify', 'alias', 'conversation_ended')
    GROUP BY customer_id, first_seen_at
) AS moments USING (customer_id, first_seen_at)
GROUP BY first_channel
ORDER BY customers DESC, first_channel
