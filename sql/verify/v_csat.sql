-- Metrics: Satisfaction.
-- key: month_start, touchpoint
-- needs: all customers
SELECT
    toStartOfMonth(occurred_at) AS month_start,
    touchpoint,
    count() AS n,
    100 * avg(score IN (4, 5)) AS csat_pct
FROM facts
WHERE type = 'survey_answered' AND survey = 'csat'
GROUP BY month_start, touchpoint
