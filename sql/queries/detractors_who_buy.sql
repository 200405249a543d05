-- EN: What is our NPS, and which detractors still buy?
-- DE: Wie hoch ist der NPS, und welche Kritiker kaufen trotzdem?
-- Views: v_nps, v_survey_answers, v_orders, v_clock
-- Read: Customers whose latest answer of the last year was 0 to 6 and who have ordered since, the newest answer first. They are
--   unhappy and still here, so there is time: call them. quarter_nps is the net promoter score (-100 to 100) of the quarter
--   in which they answered, quarter_n the number of customers it rests on.
SELECT
    answers.customer_id AS customer_id,
    answers.score AS score,
    answers.answered_at AS answered_at,
    count() AS orders_since,
    max(orders.ordered_at) AS last_ordered_at,
    any(round(nps.nps, 1)) AS quarter_nps,
    any(nps.n) AS quarter_n
FROM
(
    SELECT
        customer_id,
        max(v_survey_answers.answered_at) AS answered_at,
        argMax(v_survey_answers.score, v_survey_answers.answered_at) AS score
    FROM v_survey_answers
    WHERE survey = 'nps'
        AND v_survey_answers.answered_at > (SELECT as_of FROM v_clock) - INTERVAL 365 DAY    -- yours
    GROUP BY customer_id
) AS answers
INNER JOIN v_orders AS orders ON orders.customer_id = answers.customer_id
INNER JOIN v_nps AS nps ON nps.quarter_start = toStartOfQuarter(answers.answered_at)
WHERE answers.score <= 6 AND orders.ordered_at > answers.answered_at
GROUP BY customer_id, score, answered_at
ORDER BY answered_at DESC, customer_id
LIMIT 100
