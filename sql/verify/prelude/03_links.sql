-- Metrics: Terms (customer). Columns: device (anon:<id>), customer_id, starts, ends (moments: occurred_at, event_id).
-- The first claim of a device gets its whole past, a later one by another customer begins a new link.
SELECT
    device,
    customer_id,
    if(row_number() OVER by_moment = 1, (toDateTime64('1970-01-01 00:00:00', 3, 'UTC'), ''), moment) AS starts,
    leadInFrame(moment, 1, (toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), '')) OVER by_moment AS ends
FROM
(
    SELECT
        device,
        customer_id,
        moment,
        lagInFrame(customer_id, 1, '') OVER (
            PARTITION BY device ORDER BY moment, customer_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ) AS holder
    FROM
    (
        SELECT
            concat('anon:', if(type = 'alias', JSONExtractString(properties, 'previous_id'), anonymous_id)) AS device,
            customer_id,
            (occurred_at, event_id) AS moment
        FROM events FINAL
        WHERE type IN ('identify', 'alias') AND NOT startsWith(customer_id, 'anon:')
    )
    WHERE device != 'anon:'
)
WHERE customer_id != holder
WINDOW by_moment AS (
    PARTITION BY device ORDER BY moment, customer_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)
