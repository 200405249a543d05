-- Metrics: Lead score. The criteria of the lead rules in force, one by one; `types`: how many event types the rule has.
SELECT
    JSONExtractString(lead_rule, 'name') AS rule,
    JSONExtractInt(lead_rule, 'points') AS points,
    JSONExtractBool(lead_rule, 'once') AS is_once,
    arrayJoin(criteria) AS criterion,
    length(arrayDistinct(arrayMap(c -> JSONExtractString(c, 'type'), JSONExtractArrayRaw(lead_rule, 'when') AS criteria)))
        AS types,
    JSONExtractString(criterion, 'type') AS type,
    JSONExtractString(criterion, 'property') AS property,
    JSONExtractString(criterion, 'op') AS op,
    JSONExtractRaw(criterion, 'value') AS value
FROM
(
    SELECT arrayJoin(JSONExtractArrayRaw(value, 'lead')) AS lead_rule
    FROM settings FINAL
    WHERE key = 'rules'
)
