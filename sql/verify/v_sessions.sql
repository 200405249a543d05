-- Metrics: Terms (event counted once).
-- key: customer_id, session_id
SELECT
    customer_id,
    session_id,
    min(occurred_at) AS started_at,
    max(occurred_at) AS ended_at,
    count() AS events,
    arrayStringConcat(arraySort(groupUniqArray(channel)), ', ') AS channels
FROM ${facts} AS facts
WHERE session_id != ''
GROUP BY customer_id, session_id
