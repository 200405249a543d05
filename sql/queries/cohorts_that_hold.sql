-- EN: Which cohorts hold: customers of which month come back?
-- DE: Welche Kohorten halten: Kunden welchen Monats kommen wieder?
-- Views: v_retention_cohort
-- Read: A cohort is all who ordered for the first time in a month. month_1_pct is the share that ordered in the month after,
--   and so on. first_3_months_pct is the mean of months 1 to 3, vs_others_points how much more that is than in the mean of all
--   cohorts, weighted by size: the best cohorts come first. What was different when they came: a campaign, a channel, an offer?
--   Cohorts younger than three full months are left out, since they cannot be compared. Mind small ones (size).
WITH avgIf(on_pct, k BETWEEN 1 AND 3) AS mean_pct
SELECT
    cohort_start,
    any(size) AS customers,
    round(maxIf(on_pct, k = 1), 1) AS month_1_pct,
    round(maxIf(on_pct, k = 2), 1) AS month_2_pct,
    round(maxIf(on_pct, k = 3), 1) AS month_3_pct,
    round(maxIf(on_pct, k = 6), 1) AS month_6_pct,
    round(maxIf(on_pct, k = 12), 1) AS month_12_pct,
    round(mean_pct, 1) AS first_3_months_pct,
    round(mean_pct - sum(mean_pct * any(size)) OVER () / sum(any(size)) OVER (), 1) AS vs_others_points
FROM v_retention_cohort
WHERE grain = 'month' AND basis = 'purchase'    -- yours: or engagement
GROUP BY cohort_start
HAVING countIf(k BETWEEN 1 AND 3 AND is_complete = 1) = 3
ORDER BY first_3_months_pct DESC, cohort_start
