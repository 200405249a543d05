-- Metrics: At risk, before the customer leaves. Columns: customer_id, changed_at, from_status, to_status, reason. Looks at
-- each midnight and at each order, up to as_of and the last order, and notes whenever the status is another one.
SELECT
    customer_id,
    fromUnixTimestamp64Milli(change.1, 'UTC') AS changed_at,
    change.2 AS from_status,
    change.3 AS to_status,
    -- An order is held against the silence before it.
    arrayDistinct(arrayMap(t -> intDiv(t, 86400000), arrayFilter(t -> t < change.1, times))) AS days_before,
    toString(intDiv(change.1, 86400000) - days_before[-1]) AS waited,
    (days_before[-1] - days_before[1] + 2 * population_gap_days) / (length(days_before) + 1) AS expected,
    multiIf(
        from_status = 'prospect', 'first order',
        from_status IN ('at_risk', 'churned') AND has(times, change.1), concat('order after ', waited, ' days, expected ', toString(toInt64(round(expected)))),
        concat(waited, ' days since last order, expected ', toString(toInt64(round(expected))))
    ) AS reason
FROM
(
    SELECT
        customer_id,
        population_gap_days,
        arraySort(groupUniqArray(toUnixTimestamp64Milli(ordered_at))) AS times,
        intDiv(times[1], 86400000) AS first_day,
        intDiv(greatest(toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}), times[-1]), 86400000) AS last_day,
        arrayMap(n -> (first_day + n) * 86400000, range(toUInt32(last_day - first_day + 1))) AS midnights,
        arraySort(arrayDistinct(arrayConcat(midnights, times))) AS instants,
        -- Of each instant: itself, its day, whether it is an order's, and the status by silence alone.
        arrayMap(
            instant ->
            (
                instant,
                intDiv(instant, 86400000) AS day,
                has(times, instant),
                multiIf(
                    empty(arrayDistinct(arrayMap(t -> intDiv(t, 86400000), arrayFilter(t -> t <= instant, times))) AS past),
                    'prospect',
                    ((day - past[-1]) / ((past[-1] - past[1] + 2 * population_gap_days) / (length(past) + 1)) AS ratio) < 1.5,
                    'active',
                    ratio < 3,
                    'at_risk',
                    'churned'
                )
            ),
            instants
        ) AS looks,
        -- The status, the day before which it stays won_back, and the changes so far.
        arrayFold(
            (held, look) ->
            (
                if(look.2 < (if(look.3 AND held.1 = 'churned', look.2 + 30, held.2) AS until), 'won_back', look.4) AS status,
                until,
                if(status = held.1, held.3, arrayPushBack(held.3, (look.1, held.1, status)))
            ),
            looks,
            ('prospect', toInt64(0), CAST([], 'Array(Tuple(Int64, String, String))'))
        ).3 AS changes
    FROM ${orders} AS orders
    CROSS JOIN (SELECT population_gap_days FROM rules) AS rules
    WHERE NOT startsWith(customer_id, 'anon:')
    GROUP BY customer_id, population_gap_days
    -- Each customer has many instants.
    SETTINGS max_block_size = 100
)
ARRAY JOIN changes AS change
