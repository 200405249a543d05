-- Metrics: Lead score. Rules and points are those in force. The k-th time that a rule counts is when each of its event
-- types has had its k-th event that fulfils the criteria, so the order of arrival does not matter.
-- customer_state tells customers without an order, and leaves linked devices out.
CREATE OR REPLACE VIEW v_lead_ledger
(
    customer_id String COMMENT 'Customer without an order; anon:<id> for an anonymous visitor',
    rule String COMMENT 'Name of the lead rule',
    occurred_at DateTime64(3, 'UTC') COMMENT 'The event by which the rule came to hold, for the first time or again',
    points Int64 COMMENT 'Points of the rule; those of a customer sum to the lead score'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, toString(rule) AS rule, hit_at AS occurred_at, toInt64(points) AS points
FROM
(
    SELECT
        customer_id,
        rule,
        points,
        groupUniqArrayMap(map(part, (occurred_at, event_id))) AS events_by_part,
        arrayMap(events -> arraySort(events).1, mapValues(events_by_part)) AS times_by_part,
        arrayMin(times -> length(times), times_by_part) AS least_events,
        -- The later of the k-th times, for every k that all parts have come to.
        arraySlice(arrayReduce('maxForEach', times_by_part), 1, if(is_once, 1, least_events)) AS hits
    FROM (${lead_moments})
    GROUP BY customer_id, rule, points, is_once, parts
    HAVING length(events_by_part) = parts
)
ARRAY JOIN hits AS hit_at
INNER JOIN
(
    SELECT customer_id
    FROM customer_state FINAL
    WHERE orders_total = 0 AND is_moved = 0
) AS prospects USING (customer_id)
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'What customers without an order got lead points for'
