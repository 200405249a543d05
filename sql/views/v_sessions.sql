-- Metrics: Rolling engagement windows (sessions come from facts); Terms (event counted once).
-- A session that began anonymous and went on as a customer is one: states of both ids are merged, and an event that was
-- sent under both counts once. A direct join looks devices up by key.
CREATE OR REPLACE VIEW v_sessions
(
    customer_id String COMMENT 'Customer; anon:<id> for an anonymous visitor',
    session_id String COMMENT 'Session as the producer names it',
    started_at DateTime64(3, 'UTC') COMMENT 'Its first event',
    ended_at DateTime64(3, 'UTC') COMMENT 'Its last event',
    events UInt64 COMMENT 'All events of the session',
    channels String COMMENT 'Channels that its events came in on, in alphabetical order, comma-separated'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    customer_id,
    session_id,
    toDateTime64(min(states.started_at), 3, 'UTC') AS started_at,
    toDateTime64(max(states.ended_at), 3, 'UTC') AS ended_at,
    uniqExactMerge(states.events) AS events,
    arrayStringConcat(arraySort(groupUniqArrayArray(states.channels)), ', ') AS channels
FROM
(
    -- 1. Sessions of customers, and of visitors who are nobody's device.
    SELECT customer_id, session_id, started_at, ended_at, events, channels
    FROM sessions
    LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
    UNION ALL
    -- 2. Devices that have been one customer's all the time, as nearly all are: their sessions as they stand.
    SELECT links.customer_id, session_id, started_at, ended_at, events, channels
    FROM customer_links AS links FINAL
    INNER JOIN sessions AS sent ON sent.customer_id = links.anonymous_id
    WHERE starts.2 = '' AND ends.2 = ''
    SETTINGS join_algorithm = 'direct'
    UNION ALL
    -- 3. Devices of several customers: which events are whose, only the facts tell.
    SELECT
        links.customer_id,
        session_id,
        min(occurred_at),
        max(occurred_at),
        uniqExactState(cityHash64(sent.event_id)),
        groupUniqArray(toString(channel))
    FROM customer_links AS links FINAL
    INNER JOIN events AS sent ON sent.customer_id = links.anonymous_id
    WHERE (starts.2 != '' OR ends.2 != '') AND session_id != ''
        AND (occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends
    GROUP BY links.customer_id, session_id
    SETTINGS join_algorithm = 'direct'
) AS states
GROUP BY customer_id, session_id
COMMENT 'Sessions: events of a customer with one session_id'
