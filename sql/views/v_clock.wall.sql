-- Metrics: Terms (as_of). For the clock `wall`; v_clock.event.sql takes its place for `event`.
CREATE OR REPLACE VIEW v_clock
(
    as_of DateTime64(3, 'UTC') COMMENT 'The instant that all figures hold for: now'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT now64(3, 'UTC') AS as_of
COMMENT 'The instant that all figures hold for, by the clock that `engage migrate` was given'
