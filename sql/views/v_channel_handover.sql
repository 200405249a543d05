-- Metrics: Channel hand-over; Terms (engagement event). A hand-over belongs to the month in which the customer shows up on
-- the other channel. Anonymous visitors have them too; events of linked devices are their customers'.
-- A moment is one number, time and channel, so that millions of them are sorted without reading event ids. Those
-- matter where a customer has events on two channels in one millisecond; such customers, and no others, are done with
-- them. Copies of an event, sent again or under both ids, stand next to each other and are no hand-over.
CREATE OR REPLACE VIEW v_channel_handover
(
    from_channel String COMMENT 'Channel of an engagement event: website, chat or purchase',
    to_channel String COMMENT 'Channel of the same customer''s next one, another than from_channel, at most 24 hours later',
    month_start Date COMMENT 'First day of the calendar month of the later event, UTC',
    handovers UInt64 COMMENT 'Hand-overs',
    median_seconds Float64 COMMENT 'Median time between the two events, seconds'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ['website', 'chat', 'purchase'] AS channels,
    sent AS
    (
        SELECT customer_id, occurred_at, event_id, channel
        FROM engagement_moments
        LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
        UNION ALL
        SELECT links.customer_id, occurred_at, moments.event_id, channel
        FROM customer_links AS links FINAL
        INNER JOIN engagement_moments AS moments ON moments.customer_id = links.anonymous_id
        WHERE (occurred_at, moments.event_id) >= starts AND (occurred_at, moments.event_id) < ends
        SETTINGS join_algorithm = 'direct'
        UNION ALL
        SELECT customer_id, placed.1, placed.2, placed.3
        FROM (${placed_orders}) AS placed_orders
        LEFT ANTI JOIN (${linked_devices}) AS linked USING (customer_id)
    ),
    -- Milliseconds * 4 + number of the channel.
    histories AS
    (
        SELECT
            customer_id,
            arraySort(groupArray(toUnixTimestamp64Milli(occurred_at) * 4 + indexOf(channels, channel))) AS moments,
            arrayExists(
                (later, earlier) -> later != earlier AND intDiv(later, 4) = intDiv(earlier, 4),
                arrayPopFront(moments), arrayPopBack(moments)
            ) AS needs_event_ids
        FROM sent
        GROUP BY customer_id
    )
SELECT
    channels[pair.1 % 4] AS from_channel,
    channels[pair.2 % 4] AS to_channel,
    toStartOfMonth(fromUnixTimestamp64Milli(intDiv(pair.2, 4), 'UTC')) AS month_start,
    count() AS handovers,
    quantileExactInclusive(0.5)(intDiv(pair.2, 4) - intDiv(pair.1, 4)) / 1000 AS median_seconds
FROM
(
    SELECT moments FROM histories WHERE NOT needs_event_ids
    UNION ALL
    SELECT
        arrayMap(
            moment -> moment.1 * 4 + moment.3,
            arraySort(groupArray((toUnixTimestamp64Milli(occurred_at), event_id, indexOf(channels, channel))))
        )
    FROM sent
    WHERE customer_id IN (SELECT customer_id FROM histories WHERE needs_event_ids)
    GROUP BY customer_id
)
ARRAY JOIN arrayFilter(
    pair -> pair.1 % 4 != pair.2 % 4 AND intDiv(pair.2, 4) - intDiv(pair.1, 4) <= 86400000,
    arrayZip(arrayPopBack(moments), arrayPopFront(moments))
) AS pair
GROUP BY from_channel, to_channel, month_start
COMMENT 'How customers go from channel to channel within a day, per month'
