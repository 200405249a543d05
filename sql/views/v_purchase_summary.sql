-- Metrics: Repeat purchase, value (summary for BG/NBD models).
CREATE OR REPLACE VIEW v_purchase_summary
(
    customer_id String COMMENT 'Customer with an order; anonymous visitors are left out',
    x UInt64 COMMENT 'Repeat purchase days: dates with an order, less one',
    t_x Float64 COMMENT 'Weeks from the first to the last purchase day',
    T Float64 COMMENT 'Weeks from the first purchase day to the date of as_of',
    zbar Float64 COMMENT 'Mean day total after the first day, net of refunds, major units of the customer''s currency; 0 if x = 0'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, x, t_x, T, zbar
FROM v_purchase_summary_at(cutoff = (SELECT toDate(as_of) FROM v_clock))
COMMENT 'Purchase summary per customer at as_of, the input of BG/NBD and Gamma-Gamma models'
