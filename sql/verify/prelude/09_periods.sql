-- Metrics: Held, retained, churned. By grain: the first days of all periods from that of the first fact to that of
-- as_of (`starts`), and the same with the first day after the last period (`bounds`). Period i is
-- [bounds[i], bounds[i + 1]).
SELECT
    grain,
    arraySort(groupUniqArray(
        multiIf(
            grain = 'day', day,
            grain = 'week', toDate(dateTrunc('week', day)),
            grain = 'month', toDate(dateTrunc('month', day)),
            toDate(dateTrunc('quarter', day))
        )
    )) AS starts,
    arrayPushBack(starts, multiIf(
        grain = 'day', addDays(starts[-1], 1),
        grain = 'week', addDays(starts[-1], 7),
        grain = 'month', addMonths(starts[-1], 1),
        addMonths(starts[-1], 3)
    )) AS bounds
FROM
(
    SELECT first_day + arrayJoin(range(toUInt32(greatest(0, today - first_day + 1)))) AS day
    FROM
    (
        SELECT toDate(min(occurred_at)) AS first_day, toDate({as_of:DateTime64(3, 'UTC')}) AS today
        FROM facts
        HAVING count() > 0
    )
) AS days
CROSS JOIN (SELECT arrayJoin(['day', 'week', 'month', 'quarter']) AS grain) AS grains
GROUP BY grain
