-- Metrics: Rolling engagement windows (sessions come from facts); Terms (event counted once).
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
    toDateTime64(min(sessions.started_at), 3, 'UTC') AS started_at,
    toDateTime64(max(sessions.ended_at), 3, 'UTC') AS ended_at,
    uniqExactMerge(sessions.events) AS events,
    arrayStringConcat(arraySort(groupUniqArrayArray(sessions.channels)), ', ') AS channels
FROM sessions
GROUP BY customer_id, session_id
COMMENT 'Sessions: events of a customer with one session_id'
