-- Metrics: Lead score. Columns: customer_id, lead_score: what v_lead_ledger sums to, but also for customers with an order
-- and linked devices. Who reads this leaves them out; a customer without a row has a lead score of 0.
SELECT customer_id, sum(points * hits) AS lead_score
FROM
(
    SELECT
        customer_id,
        points,
        -- A rule has counted as often as the part with the fewest events has had one.
        uniqExactMap(map(part, event_id)) AS events_by_part,
        if(length(events_by_part) = parts, if(is_once, 1, arrayMin(mapValues(events_by_part))), 0) AS hits
    FROM (${lead_moments})
    GROUP BY customer_id, rule, points, is_once, parts
)
GROUP BY customer_id
