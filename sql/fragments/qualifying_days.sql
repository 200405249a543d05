    -- Metrics: Terms (customer, engagement event, order). WITH elements for views by period. They need `basis`, purchase
    -- or engagement, and `period_of`, from a day to the first day of its period.
    -- Days stand for events exactly, as every period begins and ends at a UTC midnight. An emptied row does not qualify.
    assumeNotNull((SELECT toDate(as_of) FROM v_clock)) AS today,
    assumeNotNull((SELECT if(count() > 0, toDate(min(occurred_at)), today + 1) FROM events)) AS first_fact_day,
    -- One row per customer: `days` in order; a day on two channels stands there twice. Grouped by a 64-bit hash, which
    -- is faster: among a million customers two share one with a chance of 1 in 30 million.
    customer_days AS
    (
        SELECT arraySort(groupArray(day)) AS days
        FROM customer_daily FINAL
        WHERE if(basis = 'purchase', orders > 0, notEmpty(counts))
            AND day <= today AND NOT startsWith(customer_id, 'anon:')
        GROUP BY cityHash64(customer_id)
    ),
    -- All periods from that of the first fact to that of as_of, which is the only one that has not ended.
    periods AS
    (
        SELECT DISTINCT period_of(first_fact_day + number) AS period_start
        FROM numbers(toUInt64(greatest(0, today - first_fact_day + 1)))
    )
