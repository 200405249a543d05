-- Metrics: Terms (customer, event counted once).
-- The facts stay as sent; those of a linked device show under the customer that it belonged to at their moment.
-- An event that was sent under both ids shows twice: to find that out would cost each reader more than it is worth.
CREATE OR REPLACE VIEW v_events
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it happened',
    channel String COMMENT 'website, chat or purchase',
    type String COMMENT 'Type of the event',
    session_id String COMMENT 'Session; empty if none was sent',
    source String COMMENT 'System that sent it; empty if none was named',
    summary String COMMENT 'What happened, in one line'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    customer_id,
    occurred_at,
    toString(channel) AS channel,
    toString(type) AS type,
    session_id,
    source,
    ${event_summary} AS summary
FROM
(
    SELECT customer_id, occurred_at, channel, type, session_id, source, properties
    FROM events FINAL
    LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
    UNION ALL
    SELECT links.customer_id, occurred_at, channel, type, session_id, source, properties
    FROM customer_links AS links FINAL
    INNER JOIN events AS sent FINAL ON sent.customer_id = links.anonymous_id
    WHERE (occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends
    -- Looks the devices up by key; any other algorithm reads all events.
    SETTINGS join_algorithm = 'direct'
)
SETTINGS optimize_move_to_prewhere_if_final = 1
COMMENT 'The omnichannel timeline: every event once'
