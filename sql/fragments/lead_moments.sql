-- Metrics: Lead score; Terms (customer). Columns: customer_id, rule, part, occurred_at, event_id, points, is_once, parts.
-- Events that fulfil a part of a rule in force, see `lead_events`. Those of a linked device are its customers', and stand
-- under its own id as well: who reads this leaves linked devices out. An event that was sent again or under both ids
-- may be there several times.
SELECT customer_id, rule, part, occurred_at, event_id, points, is_once, parts
FROM ${lead_events}
UNION ALL
SELECT links.customer_id, rule, part, occurred_at, sent.event_id, points, is_once, parts
FROM customer_links AS links FINAL
INNER JOIN ${lead_events} AS sent ON sent.customer_id = links.anonymous_id
WHERE (occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends
-- Looks the devices up by key; any other algorithm reads all rows.
SETTINGS join_algorithm = 'direct'
