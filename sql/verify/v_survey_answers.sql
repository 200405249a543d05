-- Metrics: Satisfaction; Terms (event counted once).
-- key: customer_id, answered_at, survey, score
SELECT customer_id, occurred_at AS answered_at, survey, score, touchpoint
FROM ${facts}
WHERE type = 'survey_answered'
