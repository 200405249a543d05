-- Metrics: Lead score. Columns: customer_id, rule, occurred_at, points. All criteria of a rule on one type of event hold on
-- one and the same event; the k-th time that a rule counts is when each of its types has had its k-th such event.
SELECT customer_id, rule, arrayMax(times -> times[k], times_by_type) AS occurred_at, points
FROM
(
    SELECT
        customer_id,
        rule,
        points,
        groupArray(times) AS times_by_type,
        range(1, if(is_once, 1, min(length(times))) + 1) AS ks
    FROM
    (
        SELECT customer_id, rule, points, is_once, types, type, arraySort(groupArray((occurred_at, event_id))).1 AS times
        FROM
        (
            SELECT customer_id, rule, points, is_once, types, type, occurred_at, event_id
            FROM ${facts} AS facts
            INNER JOIN criteria USING (type)
            GROUP BY ALL
            HAVING min(multiIf(
                property = '', 1,
                JSONType(properties, property) = 'Null', 0,
                op = 'exists', 1,
                op IN ('equals', 'not_equals'), (op = 'equals') = multiIf(
                    JSONType(properties, property) = 'String' AND JSONType(value) = 'String',
                    JSONExtractString(properties, property) = JSONExtractString(value),
                    JSONType(properties, property) = 'Bool' AND JSONType(value) = 'Bool',
                    JSONExtractBool(properties, property) = JSONExtractBool(value),
                    JSONType(properties, property) = 'Int64' AND JSONType(value) = 'Int64',
                    JSONExtractInt(properties, property) = JSONExtractInt(value),
                    JSONType(properties, property) IN ('Int64', 'Double') AND JSONType(value) IN ('Int64', 'Double'),
                    JSONExtractFloat(properties, property) = JSONExtractFloat(value),
                    0
                ),
                op = 'contains', JSONType(properties, property) = 'String'
                    AND position(JSONExtractString(properties, property), JSONExtractString(value)) > 0,
                op = 'starts_with', JSONType(properties, property) = 'String'
                    AND startsWith(JSONExtractString(properties, property), JSONExtractString(value)),
                JSONType(properties, property) NOT IN ('Int64', 'Double'), 0,
                JSONType(properties, property) = 'Int64' AND JSONType(value) = 'Int64', if(
                    op = 'at_least',
                    JSONExtractInt(properties, property) >= JSONExtractInt(value),
                    JSONExtractInt(properties, property) <= JSONExtractInt(value)
                ),
                op = 'at_least', JSONExtractFloat(properties, property) >= JSONExtractFloat(value),
                JSONExtractFloat(properties, property) <= JSONExtractFloat(value)
            )) = 1
        )
        GROUP BY customer_id, rule, points, is_once, types, type
    )
    WHERE customer_id NOT IN (SELECT customer_id FROM ${orders} AS orders)
    GROUP BY customer_id, rule, points, is_once, types
    HAVING count() = types
)
ARRAY JOIN ks AS k
