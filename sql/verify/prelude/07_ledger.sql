-- Metrics: Engagement score. What each day, channel and type of engagement event is worth.
SELECT
    customer_id,
    toDate(occurred_at) AS day,
    channel,
    type,
    count() AS count,
    tupleElement(if(mapContains(weights, type), weights[type], other), 1) AS weight,
    weight * least(count, tupleElement(if(mapContains(weights, type), weights[type], other), 2)) AS points
FROM facts
CROSS JOIN rules
WHERE is_engagement
GROUP BY customer_id, day, channel, type, weights, other
