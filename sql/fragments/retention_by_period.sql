    -- Metrics: Held, retained, churned. The rest of a WITH that begins with qualifying_days, and its SELECT.
    -- No row, no number: argMax of nothing is no integer, which ClickHouse says.
    (SELECT toUInt16(argMax(value, updated_at)) FROM settings WHERE key = 'retention_days') AS held_days,
    if(is_complete, nullIf(customers_start, 0), NULL) AS known_start
-- An event keeps its customer held at the midnights [day + 1, day + held_days], that is, at the ends of the periods
-- [period_of(day), period_of(day + held_days)). While these ranges of a customer overlap or touch, the customer stays
-- held; at a gap between two of them the customer is lost (held at the period's start, not at its end) and won back.
-- Of periods longer than held_days (the grain's `longest_days`), early days hold nobody at any end: `holding` leaves
-- them out.
-- Windows are partitioned by constants so that a condition on them passes below: branches of other grains read nothing.
SELECT
    grain,
    basis,
    period_start,
    toUInt8(period_start < period_of(today)) AS is_complete,
    toUInt64(held_at_end + toInt64(lost) - toInt64(gained)) AS customers_start,
    toUInt64(held_at_end) AS customers_end,
    new AS customers_new,
    won_back AS customers_won_back,
    (customers_end - customers_new) / known_start * 100 AS retention_rate_pct,
    (customers_end - customers_new - customers_won_back) / known_start * 100 AS retention_strict_pct,
    (customers_start - customers_end) / known_start * 100 AS churn_net_pct,
    100 - retention_strict_pct AS churn_gross_pct
FROM
(
    SELECT
        period_start,
        new,
        won_back,
        lost,
        new + won_back AS gained,
        sum(toInt64(gained) - toInt64(lost)) OVER (PARTITION BY grain, basis ORDER BY period_start) AS held_at_end
    FROM
    (
        SELECT period_start, sum(edge.2) AS new, sum(edge.3) AS won_back, sum(edge.4) AS lost
        FROM
        (
            SELECT period_start, (period_start, 0, 0, 0) AS edge
            FROM periods
            UNION ALL
            SELECT edge.1 AS period_start, edge
            FROM
            (
                SELECT
                    if(held_days >= longest_days, days, arrayFilter(d -> period_of(d) < period_of(d + held_days), days))
                        AS holding,
                    arrayMap(d -> period_of(d), holding) AS starts,
                    arrayMap(d -> period_of(d + held_days), holding) AS stops,
                    arrayFilter((start, stop_before) -> stop_before < start,
                        starts, arrayShiftRight(stops, 1, toDate('1970-01-01'))) AS gains,
                    arrayFilter((stop, next_start) -> stop < next_start,
                        stops, arrayShiftLeft(starts, 1, toDate('2149-01-01'))) AS losses,
                    gains[1] = period_of(days[1]) AS is_new,
                    arrayConcat(
                        arrayMap((period, n) -> (period, n = 1 AND is_new, n > 1 OR NOT is_new, 0),
                            gains, arrayEnumerate(gains)),
                        arrayMap(period -> (period, 0, 0, 1), losses)
                    ) AS edges
                FROM customer_days
            )
            ARRAY JOIN edges AS edge
            WHERE edge.1 <= today
        )
        GROUP BY period_start
    )
)
