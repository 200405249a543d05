-- Metrics: Satisfaction. The latest answer of each customer in a quarter.
-- key: quarter_start
-- needs: all customers
SELECT
    quarter_start,
    count() AS n,
    countIf(score >= 9) AS promoters,
    countIf(score >= 7 AND score <= 8) AS passives,
    countIf(score <= 6) AS detractors,
    100 * (promoters - detractors) / n AS nps
FROM
(
    SELECT customer_id, toStartOfQuarter(occurred_at) AS quarter_start, score
    FROM facts
    WHERE type = 'survey_answered' AND survey = 'nps'
    ORDER BY occurred_at DESC, event_id DESC
    LIMIT 1 BY customer_id, quarter_start
)
GROUP BY quarter_start
