-- Views by period read all daily rows. FINAL costs as much as the rest of such a view, and next to nothing where a
-- partition is one part: so a year that nobody has written to for ten minutes is merged into one.
ALTER TABLE customer_daily MODIFY SETTING
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
