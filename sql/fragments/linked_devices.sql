-- Metrics: Terms (customer). Anonymous ids that have no time of their own left: all of it is some customer's. A view
-- leaves them out with LEFT ANTI JOIN ... USING (customer_id), which lets a condition on customer_id reach both sides;
-- NOT IN would read all links for each lookup.
SELECT anonymous_id AS customer_id
FROM identity_links FINAL
WHERE is_void = 0
