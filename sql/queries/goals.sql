-- EN: Where do our goals stand?
-- DE: Wo stehen unsere Ziele?
-- Views: v_goals, v_clock
-- Read: Those that need work come first. progress_pct is how much of the way from baseline to target is done, time_pct how much of
--   the time has gone: while the first is at least the second, a goal is on_track. Below 0 it goes the wrong way. A status is
--   missing before there is a figure. Goals are set with `engage goal add`.
WITH (SELECT toDate(as_of) FROM v_clock) AS today
SELECT
    goal_id,
    metric,
    segment,
    status,
    baseline,
    round(current, 1) AS current_value,
    target,
    round(100 * progress_ratio, 0) AS progress_pct,
    round(100 * greatest(0, least(1, (today - start_date) / nullIf(due_date - start_date, 0))), 0) AS time_pct,
    due_date,
    due_date - today AS days_left
FROM v_goals
ORDER BY indexOf(['missed', 'behind', 'on_track', 'met'], coalesce(status, '')), due_date, goal_id
