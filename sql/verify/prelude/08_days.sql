-- Metrics: Held, retained, churned. The qualifying days of each customer, up to that of as_of; anonymous visitors are
-- left out. A basis that nobody qualifies for has one line without days.
SELECT
    basis,
    customer_id,
    arraySort(groupUniqArrayIf(day, customer_id != '' AND day <= toDate({as_of:DateTime64(3, 'UTC')}))) AS days
FROM
(
    SELECT 'purchase' AS basis, customer_id, toDate(ordered_at) AS day FROM orders
    UNION ALL
    SELECT 'engagement', customer_id, toDate(occurred_at) FROM facts WHERE is_engagement
    UNION ALL
    SELECT arrayJoin(['purchase', 'engagement']), '', toDate(0)
)
WHERE NOT startsWith(customer_id, 'anon:')
GROUP BY basis, customer_id
HAVING notEmpty(days) OR customer_id = ''
