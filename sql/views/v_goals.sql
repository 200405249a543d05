-- Metrics: Goals. Status goes by the figure at as_of, after the due date as well. A goal whose target is its baseline is
-- to hold what there is: churn from rising, all else from falling.
CREATE OR REPLACE VIEW v_goals
(
    goal_id String COMMENT 'Name that `engage goal add` gave',
    metric String COMMENT 'A retention or churn rate of v_retention_period, repeat_purchase_pct, mau, nps or csat_pct',
    segment String COMMENT 'Of what: grain/basis for retention and churn, a window for repeat_purchase_pct, a touchpoint or all for csat_pct, else all',
    baseline Float64 COMMENT 'The metric when the goal was set, or as it was given',
    target Float64 COMMENT 'What the metric is to reach; below the baseline if it is to fall',
    current Nullable(Float64) COMMENT 'The metric at as_of; rates, nps and csat_pct of the last period (quarter, month) that has ended; NULL without such a figure',
    start_date Date COMMENT 'UTC date from which progress is expected',
    due_date Date COMMENT 'Last UTC date to reach the target',
    progress_ratio Nullable(Float64) COMMENT '(current - baseline) / (target - baseline): 1 is the target, below 0 the wrong way; NULL if target = baseline',
    status Nullable(String) COMMENT 'met; missed: past due_date; on_track or behind: against the line from baseline at start_date to target at due_date; NULL without a figure'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT toDate(as_of) FROM v_clock) AS today,
    (SELECT groupUniqArray((toString(metric), segment)) FROM goals FINAL) AS wanted,
    target < baseline OR target = baseline AND startsWith(metric, 'churn_') AS is_to_fall,
    (today - start_date) / greatest(due_date - start_date, 1) AS expected_ratio
SELECT
    goal_id,
    toString(metric) AS metric,
    segment,
    baseline,
    target,
    value AS current,
    start_date,
    due_date,
    -- Plus 0: no progress is 0, also towards a lower target, where it would be -0.
    (current - baseline) / nullIf(target - baseline, 0) + 0 AS progress_ratio,
    multiIf(
        if(is_to_fall, current <= target, current >= target), 'met',
        today > due_date, 'missed',
        -- Nothing is expected yet.
        today < start_date, 'on_track',
        isNull(current), NULL,
        progress_ratio >= expected_ratio, 'on_track',
        'behind'
    ) AS status
FROM goals FINAL
LEFT JOIN (${goal_figures}) AS figures USING (metric, segment)
SETTINGS join_use_nulls = 0
COMMENT 'Goals, how far they have come, and whether they will be reached at this pace'
