-- Metrics: Satisfaction; Terms (customer, event counted once). Columns: customer_id, occurred_at, event_id, answer
-- (survey, score, touchpoint). Answers of a linked device are its customer's. Of copies of an answer, sent again or
-- under both ids, the earliest delivery holds, which makes FINAL needless.
SELECT
    if(owner_id = '', sent.customer_id, owner_id) AS customer_id,
    occurred_at,
    sent.event_id AS event_id,
    argMax((survey, score, touchpoint), version) AS answer
FROM survey_answers AS sent
LEFT JOIN
(
    SELECT
        anonymous_id,
        customer_id AS owner_id,
        (valid_from, valid_from_event_id) AS starts,
        (valid_until, valid_until_event_id) AS ends
    FROM identity_links FINAL
    WHERE is_void = 0 AND anonymous_id IN (SELECT customer_id FROM survey_answers WHERE startsWith(customer_id, 'anon:'))
) AS links ON links.anonymous_id = sent.customer_id
WHERE owner_id = '' OR ((occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends)
GROUP BY customer_id, occurred_at, event_id
