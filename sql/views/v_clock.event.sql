-- Metrics: Terms (as_of). For the clock `event`; v_clock.wall.sql takes its place for `wall`.
CREATE OR REPLACE VIEW v_clock
(
    as_of DateTime64(3, 'UTC') COMMENT 'The instant that all figures hold for: the newest event among the facts; now while there is none'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT if(count() > 0, max(occurred_at), now64(3, 'UTC')) AS as_of
FROM events
COMMENT 'The instant that all figures hold for, by the clock that `engage migrate` was given'
