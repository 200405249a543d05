-- EN: How many first-time buyers order again within 30, 60, 90 days?
-- DE: Wie viele Erstkäufer bestellen innerhalb von 30, 60, 90 Tagen wieder?
-- Views: v_orders, v_clock
-- Read: One line per month of the first order. again_30d_pct is the share of its buyers whose second order came at most 30 days
--   after the first, whatever was refunded. Empty while not all of them have had that many days. If most who return do so
--   within 30 days, a reminder on day 40 comes late. (v_repeat_purchase is another figure: two orders within one window.)
WITH
    (SELECT as_of FROM v_clock) AS now,
    first_months AS
    (
        SELECT
            toStartOfMonth(times[1]) AS month_start,
            month_start + INTERVAL 1 MONTH AS month_end,
            count() AS first_buyers,
            countIf(has_second AND days_between <= 30) AS again_30d,
            countIf(has_second AND days_between <= 60) AS again_60d,
            countIf(has_second AND days_between <= 90) AS again_90d
        FROM
        (
            SELECT
                customer_id,
                arraySort(groupArray(ordered_at)) AS times,
                length(times) > 1 AS has_second,
                dateDiff('day', times[1], times[2]) AS days_between
            FROM v_orders
            WHERE NOT startsWith(customer_id, 'anon:')
            GROUP BY customer_id
        )
        GROUP BY month_start
    )
SELECT
    month_start,
    first_buyers,
    if(month_end + INTERVAL 30 DAY <= now, round(100 * again_30d / first_buyers, 1), NULL) AS again_30d_pct,
    if(month_end + INTERVAL 60 DAY <= now, round(100 * again_60d / first_buyers, 1), NULL) AS again_60d_pct,
    if(month_end + INTERVAL 90 DAY <= now, round(100 * again_90d / first_buyers, 1), NULL) AS again_90d_pct
FROM first_months
ORDER BY month_start
