-- Metrics: Terms (as_of, event counted once), Engagement score (0–100), Lead score. Few customers are live at any moment:
-- `live` finds them by their five-minute rows, everything else is looked up by key for them.
-- A visit begins with the first event after the last pause of more than 30 minutes; one that has gone on for a day
-- begins with the first event of the last 24 hours.
CREATE OR REPLACE VIEW v_live_visitors
(
    customer_id String COMMENT 'Customer with an event in the 5 minutes up to as_of; anon:<id> for an anonymous visitor',
    is_anonymous UInt8 COMMENT '1 for an anonymous visitor who is not linked to a customer',
    channel String COMMENT 'Channel of the newest event: website, chat or purchase',
    since_at DateTime64(3, 'UTC') COMMENT 'First event after the last pause of more than 30 minutes in the last 24 hours',
    last_at DateTime64(3, 'UTC') COMMENT 'Newest event',
    last_type String COMMENT 'Type of the newest event',
    last_summary String COMMENT 'The newest event in one line',
    score Float64 COMMENT 'Engagement score, 0 to 100',
    lead_score Nullable(Int64) COMMENT 'Lead score; NULL for a customer with an order'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT as_of FROM v_clock) AS as_of,
    live AS
    (
        SELECT DISTINCT customer_id
        FROM customer_5m FINAL
        WHERE bucket_at > as_of - toIntervalMinute(10) AND bucket_at <= as_of AND events > 0
    ),
    newest.2 AS type,
    newest.3 AS properties
SELECT
    customer_id,
    is_anonymous,
    toString(newest.1) AS channel,
    since_at,
    last_at,
    toString(type) AS last_type,
    ${event_summary} AS last_summary,
    round(100 * (1 - exp2(-half_points_30d)), 1) AS score,
    if(orders_total = 0, leads.lead_score, NULL) AS lead_score
FROM
(
    SELECT
        customer_id,
        argMax((channel, type, properties), (occurred_at, event_id)) AS newest,
        arraySort(groupArray(occurred_at)) AS times,
        arrayLast((time, previous) -> time > previous + toIntervalMinute(30), times, arrayShiftRight(times, 1)) AS since_at,
        times[-1] AS last_at
    FROM
    (
        SELECT customer_id, occurred_at, event_id, channel, type, properties
        FROM events FINAL
        WHERE customer_id IN live
        UNION ALL
        SELECT links.customer_id, occurred_at, sent.event_id, channel, type, properties
        FROM customer_links AS links FINAL
        INNER JOIN events AS sent FINAL ON sent.customer_id = links.anonymous_id
        WHERE links.customer_id IN live AND (occurred_at, sent.event_id) >= starts AND (occurred_at, sent.event_id) < ends
        SETTINGS join_algorithm = 'direct'
    )
    WHERE occurred_at > as_of - toIntervalHour(24) AND occurred_at <= as_of
    GROUP BY customer_id
    HAVING last_at > as_of - toIntervalMinute(5)
) AS visits
INNER JOIN
(
    SELECT customer_id, is_anonymous, orders_total
    FROM customer_state FINAL
    WHERE customer_id IN live AND is_moved = 0
) AS state USING (customer_id)
LEFT JOIN
(
    SELECT customer_id, sum(points) / any(half_point) AS half_points_30d
    FROM customer_daily FINAL
    WHERE customer_id IN live AND day > toDate(as_of) - 30 AND day <= toDate(as_of)
    GROUP BY customer_id
) AS days USING (customer_id)
LEFT JOIN (SELECT customer_id, lead_score FROM (${lead_scores}) WHERE customer_id IN live) AS leads USING (customer_id)
SETTINGS join_use_nulls = 0, optimize_move_to_prewhere_if_final = 1
COMMENT 'Customers who are here now: one row for each with an event in the last 5 minutes'
